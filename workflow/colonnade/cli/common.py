# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the commands share."""

from pathlib import Path

import click

from colonnade.container import Container, open_image
from colonnade.pruning.plan import Plan
from colonnade.targets.target import Target
from colonnade.workflow.settings import Settings

ROOT = Path()
# What does not depend on the configuration lies here, whatever folder it gives its results.
BUILD = Path("results/build")
IMAGE = Path("results/toolchain/image.json")

FILE = click.Path(path_type=Path)


@click.group()
def cli() -> None:
    """Column-wise N:M pruning on RISC-V: the stages of the workflow."""


def container() -> Container:
    """The toolchain container, with the checkout in it."""
    return open_image(IMAGE, ROOT)


def target_of(settings: Settings) -> Target:
    """The target that a job was given."""
    return Target(settings.config.target, settings.target, container())


def finetune(settings: Settings, dense: Path, plan: Plan, output: Path) -> None:
    """Mask the checkpoint `dense` by `plan` and fine-tune it as configured; metrics lie beside it."""
    from colonnade.training.stages import prune_and_finetune

    config = settings.config
    prune_and_finetune(
        dense,
        plan,
        config.pruning.recipe,
        config.data,
        config.training,
        config.seed,
        output,
        output.with_suffix(".csv"),
    )
