# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Training, pruning and export."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, cli, finetune
from colonnade.workflow.settings import read_settings
from colonnade.workflow.stages import Stages


@cli.command()
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
def train(settings: Path, output: Path) -> None:
    """Train the dense network."""
    from colonnade.training.stages import train_dense

    config = read_settings(settings).config
    metrics = output.with_suffix(".csv")
    train_dense(config.model, config.data, config.training, config.seed, output, metrics)


@cli.command()
@click.argument("settings", type=FILE)
@click.argument("variant")
@click.argument("dense", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def prune(settings: Path, variant: str, dense: Path, schedules: Path, output: Path) -> None:
    """Mask the checkpoint DENSE with the pattern VARIANT, and fine-tune it."""
    from colonnade.pruning.plan import uniform_plan
    from colonnade.tuning.choice import tiles_for

    given = read_settings(settings)
    stages = Stages(given.config)
    pattern = stages.pattern(variant)
    tiles = tiles_for(schedules, stages.pruned_layers, pattern)
    finetune(given, dense, uniform_plan(pattern, tiles), output)


@cli.command()
@click.argument("checkpoint", type=FILE)
@click.argument("package", type=FILE)
def export(checkpoint: Path, package: Path) -> None:
    """Export CHECKPOINT as the folder PACKAGE."""
    from colonnade.package.export import export_package

    export_package(checkpoint, package)
