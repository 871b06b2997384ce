"""Whole networks on the target."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, RESULTS, SCHEDULES, cli, target_of
from colonnade.stages import Stages


@cli.command()
@click.argument("output", type=FILE)
def images(output: Path) -> None:
    """Write random images to time networks on."""
    from colonnade.throughput import write_random_images

    config = Stages.load().config
    timed = config.throughput
    write_random_images(output, timed.batch, timed.image_px, config.seed)


@cli.command()
@click.option("--core", type=FILE, help="Core of the timing model, in the place of the target's.")
@click.argument("implementation")
@click.argument("variant")
@click.argument("output", type=FILE)
def throughput(core: Path | None, implementation: str, variant: str, output: Path) -> None:
    """Time IMPLEMENTATION of VARIANT on the target."""
    from colonnade.throughput import run_network

    stages = Stages.load()
    run_network(
        target_of(stages) if core is None else target_of(stages).with_core(core),
        RESULTS / "packages" / variant,
        implementation,
        SCHEDULES,
        RESULTS / "throughput/images.safetensors",
        stages.config.throughput,
        output,
    )


@cli.command("throughput-table")
@click.argument("output", type=FILE)
def write_throughput_table(output: Path) -> None:
    """Collect the runs of the whole network."""
    from colonnade.throughput import throughput_table

    stages = Stages.load()
    runs = [
        (RESULTS / "throughput" / variant / f"{run}.json", stages.pattern_columns(variant))
        for run, variant in stages.runs
    ]
    throughput_table(target_of(stages), stages.config.throughput, runs, output)


@cli.command("decomposition-table")
@click.argument("output", type=FILE)
def write_decomposition_table(output: Path) -> None:
    """Collect the runs that change one thing at a time."""
    from colonnade.decomposition import decomposition_table

    stages = Stages.load()
    runs = [
        (step, RESULTS / "throughput" / step.variant / f"{step.implementation}.json")
        for step in stages.steps
    ]
    decomposition_table(target_of(stages), runs, output)
