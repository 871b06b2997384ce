"""The toolchain and the programs."""

from pathlib import Path

import click

from colonnade.cli.common import BUILD, FILE, ROOT, cli, container
from colonnade.container import select_engine


@cli.command()
@click.option("--engine", default="auto", show_default=True)
@click.argument("output", type=FILE)
def toolchain(engine: str, output: Path) -> None:
    """Build the toolchain container and record it in OUTPUT."""
    select_engine(engine).build(ROOT).save(output)


@cli.command()
@click.argument("part", type=click.Choice(["riscv64", "host", "timing"]))
@click.option("--log", type=FILE, required=True)
def build(part: str, log: Path) -> None:
    """Compile a PART of kernels/ in the container."""
    log.parent.mkdir(parents=True, exist_ok=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    container().run(["sh", "kernels/build.sh", part, str(BUILD / part)], log=log)
