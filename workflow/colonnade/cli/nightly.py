# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Nightly regression, its baseline, and the search for the commit that made something slower."""

import sys
from pathlib import Path

import click

from colonnade.cli.common import FILE, cli, step
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_text
from colonnade.common.paths import LAYER_BASELINE, NIGHTS
from colonnade.workflow.settings import read_settings


@step.command("layer-regression")
@click.option("--baseline", type=FILE, help="What to compare with, if there is a baseline yet.")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("summary", type=FILE)
@click.argument("junit", type=FILE)
@click.argument("trend", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def layer_regression(
    baseline: Path | None,
    settings: Path,
    output: Path,
    summary: Path,
    junit: Path,
    trend: Path,
    reports: tuple[Path, ...],
) -> None:
    """Compare every layer of REPORTS with the baseline's, and tell what moved and where.

    SUMMARY (Markdown), JUNIT and TREND (SVG) are written in any case, OUTPUT where nothing fails.
    """
    from colonnade.report.trend import trend as draw
    from colonnade.results import nightly, nightly_files
    from colonnade.results.provenance import revision
    from colonnade.results.records import CycleBaseline

    ours = nightly.read_runs(reports)
    nightly_files.remember(ours, revision()["dirty"], NIGHTS)
    write_text(trend, draw(nightly_files.read_history(NIGHTS)))
    nothing: CycleBaseline = {"reason": "there is none yet", "git_commit": None, "runs": {}}
    theirs = nothing if baseline is None else read_json(baseline, CycleBaseline)
    moved = nightly.compare_layers(theirs, ours)
    allowed = read_settings(settings).config.nightly.allowed_slowdown_percent
    failed = nightly.failing(moved, allowed)
    nightly_files.write_junit(moved, failed, junit)
    strangers = nightly.other_weights(theirs, ours)
    nightly_files.write_summary(moved, failed, theirs, strangers, summary)
    if failed:
        lines = [f"{each.run}: {each.layer}: {each.text}" for each in failed]
        raise ColonnadeError("slower than the baseline:\n  " + "\n  ".join(lines))
    changed = sum(each.before != each.after for each in moved)
    write_text(output, f"{len(moved)} layers, {changed} moved or new, none fails: see {summary}\n")


@cli.group()
def baseline() -> None:
    """What nightly runs are compared with."""


@baseline.command()
@click.option("--reason", required=True, help="Why these cycles are right from now on; it is kept.")
@click.argument("results", type=FILE, default=Path("results/cycles"))
def accept(reason: str, results: Path) -> None:
    """Make the runs of the folder RESULTS the baseline, results/baseline/layers.json."""
    from colonnade.results.nightly import accept as write

    reports = sorted((results / "throughput").glob("*/*.json"))
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
