# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The toolchain and the programs."""

from pathlib import Path

import click

from colonnade.cli.common import BUILD, FILE, ROOT, cli, container
from colonnade.common.progress import Progress, followed, ninja_steps
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
    command = ["sh", "kernels/build.sh", part, str(BUILD / part)]
    with Progress(f"build {part}", 0, "step") as progress, followed(log, ninja_steps(progress)):
        container().run(command, log=log)
