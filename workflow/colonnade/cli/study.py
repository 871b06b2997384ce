# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The accuracy study."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, cli
from colonnade.workflow.settings import read_settings
from colonnade.workflow.stages import Stages


@cli.command("study-start")
@click.argument("settings", type=FILE)
@click.argument("seed", type=int)
@click.argument("output", type=FILE)
def study_start(settings: Path, seed: int, output: Path) -> None:
    """Train the dense network from which all runs of the study with SEED start."""
    from colonnade.config.model import ModelConfig
    from colonnade.training.stages import train_dense

    config = read_settings(settings).config
    model, study = ModelConfig(name=config.model.name), config.study
    train_dense(model, study.data, study.training, seed, output, output.with_suffix(".csv"))


@cli.command("study-finetune")
@click.argument("settings", type=FILE)
@click.argument("seed", type=int)
@click.argument("dense", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def study_finetune(settings: Path, seed: int, dense: Path, schedules: Path, output: Path) -> None:
    """Prune and fine-tune DENSE as the run of the study says that SETTINGS describe."""
    from colonnade.training.stages import prune_and_finetune
    from colonnade.tuning.choice import tiles_for

    given = read_settings(settings)
    stages, study, run = Stages(given.config), given.config.study, given.run
    tiles = {}
    if run.pattern is not None:
        tiles = tiles_for(schedules, stages.pruned_layers, stages.profiled(run.pattern))
    plan = run.plan(tiles)
    metrics = output.with_suffix(".csv")
    prune_and_finetune(dense, plan, run.recipe, study.data, study.training, seed, output, metrics)


@cli.command("study-evaluate")
@click.argument("settings", type=FILE)
@click.argument("checkpoint", type=FILE)
@click.argument("output", type=FILE)
def study_evaluate(settings: Path, checkpoint: Path, output: Path) -> None:
    """Top-1 of a network of the study on the validation and the test split."""
    from colonnade.study.evaluation import evaluate_run

    study = read_settings(settings).config.study
    evaluate_run(checkpoint, study.data, study.training, output)


@cli.command("study-table")
@click.argument("settings", type=FILE)
@click.argument("table", type=FILE)
@click.argument("summary", type=FILE)
@click.argument("figure", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def study_table(
    settings: Path, table: Path, summary: Path, figure: Path, reports: tuple[Path, ...]
) -> None:
    """Collect the REPORTS of the study's networks, run by run."""
    from colonnade.study.results import write_study
    from colonnade.study.runs import Evaluated

    networks = Stages(read_settings(settings).config).study_networks
    evaluated = [
        Evaluated(run, seed, report) for (run, seed), report in zip(networks, reports, strict=True)
    ]
    write_study(evaluated, table, summary, figure)
