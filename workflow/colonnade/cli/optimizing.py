# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A network of the user's becomes a package: pruned, tuned and fine-tuned by one command."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from colonnade.cli.common import (
    FILE,
    MOST_PX,
    Triple,
    cli,
    named_target,
    normalised,
    scratch,
    some_checkout,
)
from colonnade.common.errors import ColonnadeError
from colonnade.common.limits import MAX_THREADS
from colonnade.common.paths import PACKAGE

_TILE = 8
_NOT_NORMALISED = (
    "pixels were taken as 0 to 1: where the network wants them normalised, --mean and --std say how"
)


@cli.command()
@click.argument("model", type=FILE)
@click.argument("folder", type=FILE)
@click.option(
    "--sparsity",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.5,
    show_default=True,
    help="Share of the columns that are removed.",
)
@click.option("--target", help="Tune for a target of config/targets, and write the schedules.")
@click.option("--data", type=FILE, help="Fine-tune on a folder with train/CLASS/ and val/CLASS/.")
@click.option(
    "--epochs",
    type=click.IntRange(1, 100_000),
    help="Of fine-tuning, by default 15, as in the recorded study; needs --data.",
)
@click.option(
    "--lr",
    type=click.FloatRange(0, 1, min_open=True),
    help="Highest learning rate of fine-tuning, by default 0.001; needs --data.",
)
@click.option(
    "--pictures",
    type=FILE,
    help="Without training: solve the weights that stay anew, on the pictures of a folder.",
)
@normalised
@click.option(
    "--weights", type=FILE, help="Weights of a network that MODEL names: torchvision:NAME."
)
@click.option(
    "--tile",
    type=click.IntRange(1, 31),
    help=f"Output channels that share columns; by default tuning's choice, without a target {_TILE}.",
)
@click.option("--weights-key", help="Of several state dicts in the file of weights, which one.")
@click.option(
    "--image-px",
    type=click.IntRange(1, MOST_PX),
    help="Size of images, where MODEL leaves it open or fits others too.",
)
@click.option("--grouped", is_flag=True, help="Prune convolutions with groups too: they get zeros.")
@click.option(
    "--threads",
    type=click.IntRange(1, MAX_THREADS),
    help="That run what is tuned, by default 1; needs --target.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def optimize(
    model: Path,
    folder: Path,
    sparsity: float,
    target: str | None,
    data: Path | None,
    epochs: int | None,
    lr: float | None,
    pictures: Path | None,
    mean: Triple | None,
    std: Triple | None,
    weights: Path | None,
    weights_key: str | None,
    tile: int | None,
    image_px: int | None,
    grouped: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """Import MODEL (.onnx, .pt2 of torch.export, torchvision:NAME), prune it, and export it to FOLDER.

    Columns are pruned by their L1 norm. FOLDER gets dense and pruned checkpoint, and the package. With a
    target a search finds the schedule of every convolution; with data the network is fine-tuned. Pictures
    need no labels; at most 64 of them are taken.
    """
    from colonnade.config.pruning import Pattern
    from colonnade.data.pictures import UNCHANGED, Normalisation
    from colonnade.package.optimize import optimize as run

    # A range takes nan.
    for name, number in (("--sparsity", sparsity), ("--lr", lr)):
        if number is not None and math.isnan(number):
            raise ColonnadeError(f"{name}: nan; allowed: numbers between 0 and 1")
    for name, number in (("--epochs", epochs), ("--lr", lr)):
        if number is not None and data is None:
            raise ColonnadeError(f"{name}: {number}; allowed with --data only")
    if threads is not None and target is None:
        raise ColonnadeError(f"--threads: {threads}; allowed with --target only")
    for name, value in (("--pictures", pictures), ("--mean", mean), ("--std", std)):
        if value is not None and data is not None:
            raise ColonnadeError(f"{name}: allowed without --data, which says how images are made")
    if weights_key is not None and weights is None:
        raise ColonnadeError(f"--weights-key: {weights_key}; allowed with --weights only")
    if grouped and pictures is not None:
        raise ColonnadeError("--grouped: allowed without --pictures: least squares solve one group")
    normalisation = (
        Normalisation(mean or UNCHANGED.mean, std or UNCHANGED.std) if mean or std else None
    )
    pattern = Pattern(m="full", sparsity=sparsity)
    finetuning = None if data is None else _finetuning(data.resolve(), epochs, lr, image_px)
    source = model.resolve() if model.exists() else model
    given = None if weights is None else weights.resolve()
    output = folder.resolve()
    with _tuner(target, image_px, threads or 1, tile) as tuner:
        made = run(
            source,
            output,
            pattern,
            tile or _TILE,
            image_px,
            weights=given,
            weights_key=weights_key,
            grouped=grouped,
            tuner=tuner,
            finetuning=finetuning,
            normalisation=normalisation,
            pictures=None if pictures is None else pictures.resolve(),
        )
    if as_json:
        click.echo(
            json.dumps(
                {
                    "folder": str(folder),
                    "package": str(folder / PACKAGE),
                    "target": target,
                    **vars(made),
                }
            )
        )
        return
    tuned = "" if target is None else f"; tuned for {target}"
    lines = [
        *(f"{name}: stays dense: {reason}" for name, reason in made.dense.items()),
        f"{folder}: {len(made.pruned)} convolutions pruned, of whose weights {made.sparsity:.1%} are gone"
        f"{tuned}",
    ]
    if made.top1_dense is not None:
        lines.append(
            f"top-1 on {data}/val: {made.top1_dense:.2%} as it came, {made.top1_pruned:.2%} pruned"
        )
    if pictures is not None and normalisation is None:
        lines.append(_NOT_NORMALISED)
    click.echo("\n".join([*lines, f"package: {folder / PACKAGE}"]))


def _finetuning(data: Path, epochs: int | None, lr: float | None, image_px: int | None) -> Any:
    """What to fine-tune with.

    Raises:
        ColonnadeError: there is no such folder, or its images cannot have that size.
    """
    from colonnade.config.data import ImageNetConfig
    from colonnade.config.errors import validated
    from colonnade.config.study import FINETUNE
    from colonnade.config.training import TrainingConfig
    from colonnade.package.optimize import Finetuning

    values: dict[str, Any] = {"name": "imagenet", "path": str(data)}
    if image_px is not None:
        values["image_px"] = image_px
    config = validated(ImageNetConfig, values, "--data")
    # Of few steps an average would leave the network much as it came.
    changes: dict[str, Any] = {"average": None}
    if epochs is not None:
        changes["epochs"] = epochs
    if lr is not None:
        changes["optimizer"] = FINETUNE.optimizer.model_copy(update={"lr": lr})
    phase = FINETUNE.model_copy(update=changes)
    return Finetuning(config, TrainingConfig(precision="auto", finetune=phase))


@contextmanager
def _tuner(
    target: str | None, image_px: int | None, threads: int, tile: int | None
) -> Iterator[Any]:
    """What tunes for a target, in a checkout; None without one."""
    from colonnade.package.tuned import Tuner

    if target is None:
        yield None
        return
    with some_checkout(), scratch("optimize") as folder:
        yield Tuner.of(named_target(target), image_px, threads, tile, folder)
