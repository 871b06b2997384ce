# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Nightly regression, its baseline, and the search for the commit that made something slower."""

import sys
from pathlib import Path

import click

from colonnade.cli.common import FILE, cli, named_target, step
from colonnade.common.datatypes import DTYPES, Dtype
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_text
from colonnade.common.limits import PROGRAM_THREADS
from colonnade.common.paths import LAYER_BASELINE, NIGHTS
from colonnade.workflow.settings import read_settings

TARGET = click.option("--target", "name", required=True, help="Emulated; of config/targets.")
BASELINE = click.option(
    "--baseline", type=FILE, help="What to compare with, if there is a baseline yet."
)
THREADS = click.option("--threads", type=click.IntRange(1, PROGRAM_THREADS), required=True)


@step.command("nightly-network")
@TARGET
@THREADS
@click.argument("settings", type=FILE)
@click.argument("network")
@click.argument("folder", type=FILE)
def nightly_network(name: str, threads: int, settings: Path, network: str, folder: Path) -> None:
    """Write NETWORK with fixed weights and the cost model's schedules as the package FOLDER."""
    from colonnade.evaluation.nightly_matrix import make_network

    config = read_settings(settings).config
    matrix, profile = config.nightly.matrix, config.profile
    make_network(named_target(name), network, matrix, threads, profile, folder)


@step.command("nightly-run")
@TARGET
@THREADS
@click.option("--dtype", type=click.Choice(DTYPES), required=True)
@click.argument("settings", type=FILE)
@click.argument("package", type=FILE)
@click.argument("output", type=FILE)
def nightly_run(
    name: str, threads: int, dtype: Dtype, settings: Path, package: Path, output: Path
) -> None:
    """Run PACKAGE under the timing model."""
    from colonnade.evaluation.nightly_matrix import run_case

    image_px = read_settings(settings).config.nightly.matrix.image_px
    run_case(named_target(name), package, image_px, threads, dtype, output)


@step.command()
@BASELINE
@click.argument("output", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def nights(baseline: Path | None, output: Path, reports: tuple[Path, ...]) -> None:
    """Add REPORTS to the history of nights, and write it as the table OUTPUT."""
    from colonnade.results.nights import write_nights

    write_nights(reports, baseline, NIGHTS, output)


@step.command("night-page")
@click.argument("table", type=FILE)
@click.argument("output", type=FILE)
def night_page(table: Path, output: Path) -> None:
    """Draw TABLE, cycles over nights, as the page OUTPUT."""
    from colonnade.report.nightly import write_night_page

    write_night_page(table, output)


@step.command("layer-regression")
@BASELINE
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("summary", type=FILE)
@click.argument("junit", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def layer_regression(
    baseline: Path | None,
    settings: Path,
    output: Path,
    summary: Path,
    junit: Path,
    reports: tuple[Path, ...],
) -> None:
    """Compare every layer of REPORTS with the baseline's, and tell what moved and where.

    SUMMARY (Markdown) and JUNIT are written in any case, OUTPUT where nothing fails.
    """
    from colonnade.results import nightly, nightly_files
    from colonnade.results.records import CycleBaseline

    ours = nightly.read_runs(reports)
    nothing: CycleBaseline = {"reason": "there is none yet", "git_commit": None, "runs": {}}
    theirs = nothing if baseline is None else read_json(baseline, CycleBaseline)
    allowed = read_settings(settings).config.nightly.allowed_slowdown_percent
    cases = nightly.compare(theirs, ours, allowed)
    nightly_files.write_junit(cases, junit)
    nightly_files.write_summary(cases, theirs, ours, summary)
    failed = [f"{each.run}: {each.name}: {each.text}" for each in cases if each.fails]
    if failed:
        raise ColonnadeError("worse than the baseline:\n  " + "\n  ".join(failed))
    changed = sum(each.moved for each in cases)
    write_text(
        output, f"{len(cases)} comparisons, {changed} moved or new, none fails: see {summary}\n"
    )


@cli.group()
def baseline() -> None:
    """What nightly runs are compared with."""


@baseline.command()
@click.option("--reason", required=True, help="Why these cycles are right from now on; it is kept.")
@click.argument("results", type=FILE, default=Path("results/cycles"))
def accept(reason: str, results: Path) -> None:
    """Make the runs of the folder RESULTS the baseline, results/baseline/layers.json."""
    from colonnade.results.nightly import accept as write

    reports = sorted((results / "nightly/runs").glob("*/*.json"))
    made = write(reports, reason, LAYER_BASELINE)
    layers = sum(len(run["layers"]) for run in made["runs"].values())
    click.echo(f"{LAYER_BASELINE}: {len(made['runs'])} runs, {layers} layers; commit it")


@cli.group()
def regression() -> None:
    """What made something slower."""


@regression.command()
@click.argument("good")
@click.argument("bad")
@click.argument("command", nargs=-1)
def bisect(good: str, bad: str, command: tuple[str, ...]) -> None:
    """Find the first commit after GOOD, up to BAD, at which COMMAND fails.

    Without one, it is `snakemake nightly-cycles`. It runs in a checkout of its own, which has the
    toolchain, the environment and the baseline of this one; where it ends with 125, a commit is skipped.
    """
    from colonnade.workflow.bisection import NIGHTLY, first_bad

    click.echo(first_bad(good, bad, list(command) or NIGHTLY))
    sys.stdout.flush()
