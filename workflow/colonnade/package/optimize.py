# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A network of the user's becomes a pruned package in one step.

Without data masks follow from magnitudes and nothing is trained; pictures alone have the weights that
stay solved anew; with a data set the trainer of the workflow fine-tunes the network under its masks.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from typing_extensions import TypedDict

from colonnade.common.errors import ColonnadeError, some
from colonnade.common.files import filled_folder, read_json
from colonnade.common.paths import GRAPH, PACKAGE
from colonnade.common.progress import track
from colonnade.config.data import ImageNetConfig
from colonnade.config.errors import validated
from colonnade.config.pruning import Pattern, Recipe, Repair
from colonnade.config.training import TrainingConfig
from colonnade.data.folders import list_pictures
from colonnade.data.opening import open_data
from colonnade.data.pictures import UNCHANGED, Normalisation, picture_channels, read_image
from colonnade.models.graph import Graph
from colonnade.models.layers import (
    Affine,
    AvgPool2d,
    BatchNorm,
    Binary,
    Clip,
    Concat,
    Conv2d,
    Dropout,
    Elu,
    HardSigmoid,
    LeakyRelu,
    MaxPool2d,
    Pad,
    Prelu,
    Slice,
    Unary,
    Upsample2d,
)
from colonnade.models.shapes import DEFAULT_PX, shown_px
from colonnade.package.description import SCHEDULES, TUNED, check_package
from colonnade.package.export import export_package
from colonnade.package.tuned import Tuner
from colonnade.pruning.layers import sparsity_of
from colonnade.pruning.plan import GROUPED_TILE, uniform_plan
from colonnade.pruning.repair import Calibration
from colonnade.training.checkpoint import read_checkpoint
from colonnade.training.hardware import open_hardware
from colonnade.training.imported import network_name, read_network, write_imported
from colonnade.training.judge import measure
from colonnade.training.stages import (
    CALIBRATION_BATCH,
    mask_and_repair,
    mask_by_magnitude,
    prune_and_finetune,
)

CHECKPOINT, DENSE, METRICS = "pruned.safetensors", "dense.safetensors", "metrics.csv"
_SEED = 0
# What leaves channels as they are, or in another order.
_PREPARING = (
    *(Affine, AvgPool2d, BatchNorm, Binary, Clip, Concat, Dropout, Elu, HardSigmoid, LeakyRelu),
    *(MaxPool2d, Pad, Prelu, Slice, Unary, Upsample2d),
)
# More bring little: every picture gives each layer hundreds of equations.
MOST_PICTURES = 64


@dataclass(frozen=True)
class Optimized:
    """What became of a network: its pruned convolutions, those that stay dense, and why.

    With data, also which share of the test images it names rightly, as it came and pruned.
    """

    pruned: list[str]
    dense: dict[str, str]
    sparsity: float
    top1_dense: float | None = None
    top1_pruned: float | None = None


@dataclass(frozen=True)
class Finetuning:
    """The data set and the training by which accuracy comes back.

    Without an `image_px` of its own the data set has images of the network's size.
    """

    data: ImageNetConfig
    training: TrainingConfig = field(default_factory=TrainingConfig)


def optimize(
    source: Path,
    folder: Path,
    pattern: Pattern,
    tile: int,
    image_px: int | None = None,
    *,
    weights: Path | None = None,
    weights_key: str | None = None,
    grouped: bool = False,
    tuner: Tuner | None = None,
    finetuning: Finetuning | None = None,
    normalisation: Normalisation | None = None,
    pictures: Path | None = None,
) -> Optimized:
    """Import a network, prune it, and write dense and pruned checkpoint and package.

    Convolutions that read images stay dense, and so do those with groups unless `grouped`: they get zeros
    that no kernel leaves out. With a `tuner` the tile is its choice, those that are no faster pruned stay
    dense too, and the package holds schedules. Masks follow from the L1 norm. `normalisation` is stated
    by the package; images made by it of at most `MOST_PICTURES` of the folder `pictures` have the weights
    that stay solved anew, see `pruning.repair`. What an earlier call wrote of the network into `folder`
    is replaced, all else that is there stays; its folder of the package may hold nothing else.

    Raises:
        ColonnadeError: what `read_network` refuses, a network without a convolution to prune, data with
            other classes, a folder with another network's package, pictures that cannot be read or would
            be no squares, grouped convolutions to be solved, or a folder that cannot be written.
    """
    if finetuning is not None and "image_px" in finetuning.data.model_fields_set:
        image_px = finetuning.data.image_px
    imported, name = read_network(source, image_px, weights, weights_key), network_name(source)
    if finetuning is not None or pictures is not None:
        _check_square(source, imported.graph, "--pictures" if finetuning is None else "--data")
    image_px = image_px or imported.graph.image_px
    check_package(folder / PACKAGE)
    _check_held(folder, name)
    reasons = _staying_dense(imported.graph, grouped)
    names = [conv.name for conv in imported.graph.convs if conv.name not in reasons]
    if not names:
        why = some(f"{name}: {reason}" for name, reason in reasons.items())
        raise ColonnadeError(
            f"{source}: has no convolution that can be pruned: {why or 'it has none at all'}"
        )
    if pictures is not None:
        normalisation = normalisation or UNCHANGED
        channels = _channels(source, imported.graph, normalisation)
        calibration = _calibration(pictures, image_px or DEFAULT_PX, normalisation, channels)
    elif normalisation is not None or finetuning is not None:
        _channels(source, imported.graph, normalisation or UNCHANGED)
    alone = {conv.name for conv in imported.graph.convs if conv.groups > 1}
    with filled_folder(folder, (CHECKPOINT, DENSE, PACKAGE, METRICS)) as temporary:
        dense, pruned = temporary / DENSE, temporary / CHECKPOINT
        data = None if finetuning is None else _sized(finetuning.data, image_px)
        px = image_px or (0 if normalisation is None else DEFAULT_PX)
        write_imported(imported, name, px, dense, data, normalisation)
        tiles = {each: GROUPED_TILE if each in alone else tile for each in names}
        if tuner is not None:
            plain = [each for each in names if each not in alone]
            chosen = tuner.tune(imported.graph, name, plain, pattern)
            reasons |= dict.fromkeys(
                (each for each in plain if each not in chosen), "is no faster pruned"
            )
            tiles = {each: chosen.get(each, GROUPED_TILE) for each in names if each not in reasons}
        plan = uniform_plan(pattern, tiles)
        top1: list[float] = []
        if pictures is not None:
            mask_and_repair(dense, plan, calibration, pruned)
        elif finetuning is None:
            mask_by_magnitude(dense, plan, pruned)
        else:
            assert data is not None
            phases = (data, finetuning.training, _SEED, pruned, temporary / METRICS)
            # Least squares solve convolutions of one group, and give back most of what columns cost.
            solvable = alone.isdisjoint(tiles)
            recipe = Recipe(repair=Repair()) if solvable else Recipe()
            prune_and_finetune(dense, plan, recipe, *phases)
            top1 = _top1((dense, pruned), data, finetuning.training)
        export_package(pruned, temporary / PACKAGE)
        if tuner is not None:
            for file in (SCHEDULES, TUNED):
                shutil.copyfile(tuner.scratch / file, temporary / PACKAGE / file)
        masks = read_checkpoint(pruned).masks
    return Optimized(list(tiles), reasons, sparsity_of(masks) if masks else 0.0, *top1)


class _Named(TypedDict):
    """Of a package's graph, whose it is."""

    model: str


def _check_held(folder: Path, name: str) -> None:
    """Make sure that a folder has no other network's package; a damaged one is nobody's."""
    file = folder / PACKAGE / GRAPH
    try:
        held = read_json(file, _Named)["model"] if file.is_file() else name
    except ColonnadeError:
        return
    if held != name:
        raise ColonnadeError(
            f"{folder}: holds the package of {held}; allowed for {name}: another folder, or this one"
            " once its package is moved or deleted"
        )


def _top1(
    checkpoints: Sequence[Path], data: ImageNetConfig, training: TrainingConfig
) -> list[float]:
    """The share of the test images that each checkpoint of a network names rightly, in float32."""
    read, found = [read_checkpoint(each) for each in checkpoints], []
    test = open_data(data, read[0].info.input_channels).test
    with open_hardware(training.alone.model_copy(update={"precision": "float32"})) as hardware:
        for checkpoint in read:
            network = checkpoint.model()
            hardware.place(network)
            found.append(measure(network, test, hardware)[1])
    return found


def _check_square(source: Path, graph: Graph, option: str) -> None:
    """Make sure that pictures, which become squares, can be images of the network."""
    for each in graph.inputs:
        if each.size and len(set(each.size)) > 1:
            needed = "a network of square ones" if each.fixed else "--image-px, the side of squares"
            raise ColonnadeError(
                f"{source}: has images of {shown_px(each.size)} pixels; needed with {option}: {needed}"
            )


def _channels(source: Path, graph: Graph, normalisation: Normalisation) -> int:
    """Channels of the network's pictures."""
    try:
        return picture_channels([each.channels for each in graph.inputs], normalisation)
    except ColonnadeError as error:
        raise ColonnadeError(f"{source}: {error}") from error


def _sized(data: ImageNetConfig, image_px: int | None) -> ImageNetConfig:
    """The data set with images of that size.

    Raises:
        ColonnadeError: it cannot have them.
    """
    if image_px is None:
        return data
    values = {**data.model_dump(mode="json", exclude_unset=True), "image_px": image_px}
    return validated(ImageNetConfig, values, "--data")


def _calibration(
    folder: Path, image_px: int, normalisation: Normalisation, channels: int
) -> Calibration:
    """Images of pictures that lie evenly among all of a folder, in batches [N, channels, px, px]."""
    found = list_pictures(folder)
    count = min(len(found), MOST_PICTURES)
    chosen = [found[index * len(found) // count] for index in range(count)]
    images, refused = [], []
    for path in track(chosen, "pictures", count, "picture"):
        try:
            images.append(read_image(path, image_px, normalisation, channels))
        except ColonnadeError as error:
            refused.append(str(error))
    if refused:
        raise ColonnadeError("\n".join(refused))
    return [
        torch.from_numpy(np.stack(images[start : start + CALIBRATION_BATCH]))
        for start in range(0, count, CALIBRATION_BATCH)
    ]


def _staying_dense(graph: Graph, grouped: bool) -> dict[str, str]:
    # What prepares images, such as a normalisation of its own, makes images again.
    images = {each.name for each in graph.inputs}
    reasons = {}
    for node in graph.nodes:
        if isinstance(node, Conv2d):
            if node.groups > 1 and not grouped:
                reasons[node.name] = f"{node.groups} groups"
            elif node.input in images:
                reasons[node.name] = "reads images"
        elif isinstance(node, _PREPARING) and images.issuperset(node.sources):
            images.add(node.output)
    return reasons
