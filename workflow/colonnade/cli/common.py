"""What the commands share."""

from pathlib import Path

import click

from colonnade.container import Container, open_image
from colonnade.errors import ColonnadeError
from colonnade.pruning import Plan
from colonnade.stages import Stages
from colonnade.targets import Target

ROOT = Path()
RESULTS = Path("results")
IMAGE = RESULTS / "toolchain/image.json"
SCHEDULES = RESULTS / "schedules.json"
# Accuracy is checked on RISC-V even where time is measured on another target.
EMULATED = "x60"

FILE = click.Path(path_type=Path)


@click.group()
def cli() -> None:
    """Column-wise N:M pruning on RISC-V: the stages of the workflow."""


def container() -> Container:
    """The toolchain container, with the checkout in it."""
    return open_image(IMAGE, ROOT)


def target_of(stages: Stages) -> Target:
    """The configured target."""
    return Target(stages.config.target, stages.target, container())


def band_of(stages: Stages) -> Path:
    """The band of the target's core.

    Raises:
        ColonnadeError: it has none.
    """
    if stages.band is None:
        raise ColonnadeError(f"target {stages.config.target}: has no band of core variants")
    return stages.band


def finetune(dense: Path, plan: Plan, output: Path) -> None:
    """Mask the checkpoint `dense` by `plan` and fine-tune it as configured; metrics lie beside it."""
    from colonnade.training.stages import prune_and_finetune

    config = Stages.load().config
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
