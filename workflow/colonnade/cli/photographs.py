# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A network with ImageNet's weights on photographs: steps of the workflow, and their tables."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, step, table, target_of
from colonnade.common.datatypes import DTYPES, Dtype
from colonnade.workflow.settings import read_settings


@step.command("photograph-networks")
@click.argument("packages", type=FILE)
@click.argument("dense", type=FILE)
@click.argument("masked", type=FILE)
@click.argument("solved", type=FILE)
@click.argument("images", type=FILE)
@click.argument("shown", type=FILE)
@click.argument("agreement", type=FILE)
def photograph_networks(
    packages: Path,
    dense: Path,
    masked: Path,
    solved: Path,
    images: Path,
    shown: Path,
    agreement: Path,
) -> None:
    """Prune the network of PACKAGES without training, and compare it with the dense one."""
    from colonnade.evaluation.photographs import prepare

    checkpoints = {"dense": dense, "masked": masked, "solved": solved}
    prepare(packages, checkpoints, images, shown, agreement)


@step.command("photograph-run")
@click.argument("settings", type=FILE)
@click.argument("variant")
@click.argument("dtype", type=click.Choice(DTYPES))
@click.argument("checkpoint", type=FILE)
@click.argument("images", type=FILE)
@click.argument("output", type=FILE)
def photograph_run(
    settings: Path, variant: str, dtype: Dtype, checkpoint: Path, images: Path, output: Path
) -> None:
    """Run CHECKPOINT on the photographs IMAGES."""
    from colonnade.evaluation.photographs import run_variant

    run_variant(target_of(read_settings(settings)), variant, dtype, checkpoint, images, output)


@table.command("photographs")
@click.argument("output", type=FILE)
@click.argument("agreements", type=FILE)
@click.argument("shown", type=FILE)
@click.argument("agreement", type=FILE)
@click.argument("runs", type=FILE, nargs=-1, required=True)
def photographs(
    output: Path, agreements: Path, shown: Path, agreement: Path, runs: tuple[Path, ...]
) -> None:
    """Collect what RUNS made of the photographs, and the agreement of pruned networks."""
    from colonnade.results.photographs import write_photographs

    write_photographs(runs, agreement, shown, output, agreements)
