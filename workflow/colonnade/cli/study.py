"""The accuracy study."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, cli
from colonnade.stages import Stages


@cli.command("study-start")
@click.argument("seed", type=int)
@click.argument("output", type=FILE)
def study_start(seed: int, output: Path) -> None:
    """Train the dense network from which all runs of the study with SEED start."""
    from colonnade.models import ModelConfig
    from colonnade.training.stages import train_dense

    config = Stages.load().config
    model, study = ModelConfig(name=config.model.name), config.study
    train_dense(model, study.data, study.training, seed, output, output.with_suffix(".csv"))


@cli.command("study-finetune")
@click.argument("run")
@click.argument("seed", type=int)
@click.argument("dense", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def study_finetune(run: str, seed: int, dense: Path, schedules: Path, output: Path) -> None:
    """Prune and fine-tune DENSE as RUN of the study says."""
    from colonnade.training.stages import prune_and_finetune
    from colonnade.tuning.choice import tiles_for

    stages = Stages.load()
    study, chosen = stages.config.study, stages.study_runs[run]
    tiles = {}
    if chosen.pattern is not None:
        nearest = stages.profiled(chosen.pattern)
        tiles = tiles_for(schedules, stages.pruned_layers, nearest)
    plan = chosen.plan(tiles)
    metrics = output.with_suffix(".csv")
    prune_and_finetune(
        dense, plan, chosen.recipe, study.data, study.training, seed, output, metrics
    )


@cli.command("study-evaluate")
@click.argument("checkpoint", type=FILE)
@click.argument("output", type=FILE)
def study_evaluate(checkpoint: Path, output: Path) -> None:
    """Top-1 of a network of the study on the validation and the test split."""
    from colonnade.study.evaluation import evaluate_run

    evaluate_run(checkpoint, Stages.load().config.study, output)


@cli.command("study-table")
@click.argument("table", type=FILE)
@click.argument("summary", type=FILE)
@click.argument("figure", type=FILE)
def study_table(table: Path, summary: Path, figure: Path) -> None:
    """Collect the study's networks."""
    from colonnade.study.results import write_study

    write_study(Stages.load().study_networks, table, summary, figure)
