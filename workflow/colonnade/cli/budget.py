# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A pattern for every layer."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, cli, finetune
from colonnade.config.pruning import Pattern
from colonnade.workflow.settings import read_settings
from colonnade.workflow.stages import Stages


@cli.command("layer-sensitivity")
@click.argument("settings", type=FILE)
@click.argument("dense", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def layer_sensitivity(settings: Path, dense: Path, schedules: Path, output: Path) -> None:
    """Measure how much each layer of DENSE minds each pattern."""
    from colonnade.budget.layer_sensitivity import write_layer_sensitivity

    config = read_settings(settings).config
    patterns = _patterns_with_tiles(Stages(config), schedules)
    write_layer_sensitivity(dense, patterns, config.data, config.training, output)


@cli.command()
@click.argument("settings", type=FILE)
@click.argument("speedup", type=float)
@click.argument("sensitivity", type=FILE)
@click.argument("layers", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def budget(
    settings: Path, speedup: float, sensitivity: Path, layers: Path, schedules: Path, output: Path
) -> None:
    """Choose a pattern for every layer so that the convolutions are SPEEDUP times faster."""
    from colonnade.budget.plan import write_budget

    patterns = _patterns_with_tiles(Stages(read_settings(settings).config), schedules)
    write_budget(speedup, patterns, sensitivity, layers, output)


@cli.command("budget-prune")
@click.argument("settings", type=FILE)
@click.argument("plan", type=FILE)
@click.argument("dense", type=FILE)
@click.argument("output", type=FILE)
def budget_prune(settings: Path, plan: Path, dense: Path, output: Path) -> None:
    """Mask DENSE as PLAN says, and fine-tune it."""
    from colonnade.budget.plan import read_budget

    finetune(read_settings(settings), dense, read_budget(plan).layers, output)


@cli.command()
@click.argument("settings", type=FILE)
@click.argument("layers", type=FILE)
@click.argument("table", type=FILE)
@click.argument("figure", type=FILE)
@click.argument("checkpoints", type=FILE, nargs=-1, required=True)
def pareto(
    settings: Path, layers: Path, table: Path, figure: Path, checkpoints: tuple[Path, ...]
) -> None:
    """Compare per-layer and uniform patterns: CHECKPOINTS, the dense one first, then the uniform."""
    from colonnade.budget.front import write_front

    config = read_settings(settings).config
    networks = list(zip(Stages(config).front, checkpoints, strict=True))
    allowed = config.budget.allowed_drop_points
    write_front(networks, layers, config.data, config.training, allowed, table, figure)


def _patterns_with_tiles(stages: Stages, schedules: Path) -> list[tuple[Pattern, dict[str, int]]]:
    """Each pattern, with the tiles that profiling chose for the pruned layers at it."""
    from colonnade.tuning.choice import tiles_for

    return [
        (pattern, tiles_for(schedules, stages.pruned_layers, pattern))
        for pattern in stages.config.pruning.patterns
    ]
