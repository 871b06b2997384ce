# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Top-1."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, cli, target_of
from colonnade.common.files import sha256_file
from colonnade.workflow.settings import read_settings
from colonnade.workflow.stages import DENSE, Stages


@cli.command()
@click.argument("settings", type=FILE)
@click.argument("variant")
@click.argument("checkpoint", type=FILE)
@click.argument("graph", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def evaluate(
    settings: Path, variant: str, checkpoint: Path, graph: Path, schedules: Path, output: Path
) -> None:
    """Top-1 of VARIANT: its CHECKPOINT in PyTorch, its package with GRAPH on emulated RISC-V.

    There it runs with SCHEDULES.
    """
    from colonnade.evaluation.top1 import evaluate_variant

    given = read_settings(settings)
    evaluate_variant(
        target_of(given),
        given.config.data,
        given.config.training,
        given.config.accuracy,
        checkpoint,
        graph.parent,
        "colnm_dense" if variant == DENSE else "colnm_tuned",
        schedules,
        output,
        sha256_file(settings),
    )


@cli.command("accuracy-table")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def write_accuracy_table(settings: Path, output: Path, reports: tuple[Path, ...]) -> None:
    """Collect top-1 of every variant from its REPORTS."""
    from colonnade.results.accuracy import accuracy_table

    stages = Stages(read_settings(settings).config)
    rows = [
        (report, {"method": stages.method(variant), **stages.pattern_columns(variant)})
        for variant, report in zip(stages.variants, reports, strict=True)
    ]
    accuracy_table(stages.config.model.name, stages.config.data.name, rows, output)
