# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A board over SSH: what it is, networks timed on it, and what we left there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from colonnade.cli.common import FILE, cli, container, named_target
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import make_folder, read_record
from colonnade.common.paths import BUILD, RUNNER, TIMING_MODEL
from colonnade.config.errors import validated
from colonnade.config.reading import check_threads
from colonnade.config.schema import ThroughputConfig

# Where programs for a calibration are compiled.
_WORK = BUILD / "calibrate"


@cli.group()
def board() -> None:
    """A machine over SSH, a target of kind `board`: `colonnade board COMMAND`."""


def _on_board(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--target", "name", default="board", show_default=True, help="A file of config/targets."
    )(command)


@board.command()
@_on_board
def probe(name: str) -> None:
    """Say what the board is, as JSON, and whether it is what its target's file says."""
    machine = named_target(name).board.machine
    click.echo(json.dumps(machine.model_dump(), indent=2))


@board.command()
@_on_board
@click.option("--schedules", type=FILE, required=True, help="Those that tuning chose.")
@click.option("--rounds", type=click.IntRange(1, 1000), default=5, show_default=True)
@click.option("--threads", type=int, default=1, show_default=True)
@click.option("--batch", type=int, default=1, show_default=True)
@click.option("--image-px", type=int, default=224, show_default=True)
@click.option("--repetitions", type=int, default=3, show_default=True, help="In each round.")
@click.option("--warmup", type=int, default=1, show_default=True, help="In each round.")
@click.argument("table", type=FILE)
@click.argument("runs", nargs=-1, required=True)
def run(
    name: str, schedules: Path, rounds: int, table: Path, runs: tuple[str, ...], **timed: Any
) -> None:
    """Time networks by turns and write TABLE, a CSV file; RUNS are PACKAGE:IMPLEMENTATION.

    Speedups are over the first run. After an interruption the same command goes on.
    """
    from colonnade.evaluation.rounds import NetworkRun, run_rounds

    config = validated(ThroughputConfig, timed, "command line")
    target = named_target(name)
    target.check_built(RUNNER)
    check_threads(config.threads, name, target.config)
    run_rounds(target, [NetworkRun.parse(each) for each in runs], schedules, config, rounds, table)
    target.board.clean()


@board.command()
@_on_board
@click.option("--rounds", type=click.IntRange(1, 1000), default=5, show_default=True)
@click.option(
    "--iterations",
    type=click.IntRange(1, 1_000_000),
    default=1000,
    show_default=True,
    help="Of a sequence of instructions, in a round.",
)
@click.option(
    "--fit", type=FILE, help="Fit the parameters that this file of kernels/timing/fits names."
)
@click.option("--table", type=FILE, help="CSV file for every point.")
@click.argument("output", type=FILE)
def calibrate(
    name: str, rounds: int, iterations: int, fit: Path | None, table: Path | None, output: Path
) -> None:
    """Measure what instructions cost on the board, compare with the timing model, and write OUTPUT.

    That is a core's description, as those in kernels/timing/cores.
    """
    from colonnade.validation import TimingModel
    from colonnade.validation.calibrate import Effort
    from colonnade.validation.calibrate import calibrate as calibrated
    from colonnade.validation.fit import Fit

    target = named_target(name)
    if not TIMING_MODEL.is_file():
        raise ColonnadeError(f"{TIMING_MODEL}: not built yet; `snakemake timing_model` builds it")
    make_folder(_WORK)
    model = TimingModel(target.container, TIMING_MODEL, _WORK)
    parameters = None if fit is None else read_record(fit, Fit)
    click.echo(calibrated(target, model, Effort(rounds, iterations), parameters, output, table))
    target.board.clean()


@board.command()
@click.option("--schedules", type=FILE, required=True, help="Those that tuning chose.")
@click.option("--image-px", type=click.IntRange(32, 1792), default=224, show_default=True)
@click.argument("folder", type=FILE)
@click.argument("runs", nargs=-1, required=True)
def programs(schedules: Path, image_px: int, folder: Path, runs: tuple[str, ...]) -> None:
    """Write all that measures a RISC-V machine without SSH into FOLDER; RUNS are PACKAGE:IMPLEMENTATION.

    There, `sh measure.sh OUTPUT` runs it and writes a CSV file.
    """
    from colonnade.evaluation.rounds import NetworkRun
    from colonnade.validation import TimingModel
    from colonnade.validation.programs import write_programs

    make_folder(_WORK / "board")
    model = TimingModel(container(), TIMING_MODEL, _WORK / "board")
    write_programs(model, folder, [NetworkRun.parse(each) for each in runs], schedules, image_px)


@board.command()
@_on_board
def clean(name: str) -> None:
    """Remove what earlier commands left on the board; refused while a job runs there."""
    if not named_target(name).board.clean():
        raise ColonnadeError(f"target {name}: a job runs there; try again when it has ended")
