# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Whole networks on the target."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, cli, target_of
from colonnade.workflow.settings import read_settings
from colonnade.workflow.stages import Stages


@cli.command()
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
def images(settings: Path, output: Path) -> None:
    """Write random images to time networks on."""
    from colonnade.evaluation.throughput import write_random_images

    config = read_settings(settings).config
    timed = config.throughput
    write_random_images(output, timed.batch, timed.image_px, config.seed)


@cli.command()
@click.option("--core", type=FILE, help="Core of the timing model, in the place of the target's.")
@click.argument("settings", type=FILE)
@click.argument("implementation")
@click.argument("graph", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("images", type=FILE)
@click.argument("output", type=FILE)
def throughput(
    core: Path | None,
    settings: Path,
    implementation: str,
    graph: Path,
    schedules: Path,
    images: Path,
    output: Path,
) -> None:
    """Time IMPLEMENTATION of the package with GRAPH on the target."""
    from colonnade.evaluation.throughput import run_network

    given = read_settings(settings)
    target = target_of(given) if core is None else target_of(given).with_core(core)
    timed = given.config.throughput
    run_network(target, graph.parent, implementation, schedules, images, timed, output)


@cli.command("throughput-table")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def write_throughput_table(settings: Path, output: Path, reports: tuple[Path, ...]) -> None:
    """Collect the REPORTS of all runs of the whole network."""
    from colonnade.evaluation.throughput import throughput_table

    given = read_settings(settings)
    stages = Stages(given.config)
    runs = [
        (report, stages.pattern_columns(variant))
        for (_, variant), report in zip(stages.runs, reports, strict=True)
    ]
    throughput_table(target_of(given), given.config.throughput, runs, output)


@cli.command("decomposition-table")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def write_decomposition_table(settings: Path, output: Path, reports: tuple[Path, ...]) -> None:
    """Collect the REPORTS of the runs that change one thing at a time."""
    from colonnade.evaluation.decomposition import decomposition_table

    given = read_settings(settings)
    steps = list(zip(Stages(given.config).steps, reports, strict=True))
    decomposition_table(target_of(given), steps, output)
