# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A network of the user's becomes a pruned package in one step.

Without data masks follow from magnitudes and nothing is trained; with a data set the trainer of the
workflow fine-tunes the network under them.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import atomic_path
from colonnade.config.data import ImageNetConfig
from colonnade.config.pruning import Pattern, Recipe
from colonnade.config.training import TrainingConfig
from colonnade.models.graph import Graph
from colonnade.package.description import SCHEDULES, TUNED
from colonnade.package.export import export_package
from colonnade.package.tuned import Tuner
from colonnade.pruning.layers import sparsity_of
from colonnade.pruning.plan import GROUPED_TILE, uniform_plan
from colonnade.training.checkpoint import read_checkpoint
from colonnade.training.imported import network_name, read_network, write_imported
from colonnade.training.stages import mask_by_magnitude, prune_and_finetune

CHECKPOINT, DENSE, PACKAGE, METRICS = (
    "pruned.safetensors",
    "dense.safetensors",
    "package",
    "metrics.csv",
)
_SEED = 0


@dataclass(frozen=True)
class Optimized:
    """What became of a network: its pruned convolutions, those that stay dense, and why."""

    pruned: list[str]
    dense: dict[str, str]
    sparsity: float


@dataclass(frozen=True)
class Finetuning:
    """The data set and the training by which accuracy comes back."""

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
    grouped: bool = False,
    tuner: Tuner | None = None,
    finetuning: Finetuning | None = None,
) -> Optimized:
    """Import a network, prune it, and write dense and pruned checkpoint and package.

    Convolutions that read images stay dense, and so do those with groups unless `grouped`: they get zeros
    that no kernel leaves out. With a `tuner` the tile is its choice, those that are no faster pruned stay
    dense too, and the package holds schedules. Masks follow from the L1 norm.

    Raises:
        ColonnadeError: what `read_network` refuses, a network without a convolution to prune, data with
            other classes, or a folder that cannot be written.
    """
    imported, name = read_network(source, image_px, weights), network_name(source)
    reasons = _staying_dense(imported.graph, grouped)
    names = [conv.name for conv in imported.graph.convs if conv.name not in reasons]
    if not names:
        raise ColonnadeError(f"{source}: has no convolution that can be pruned")
    alone = {conv.name for conv in imported.graph.convs if conv.groups > 1}
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        dense, pruned = temporary / DENSE, temporary / CHECKPOINT
        data = None if finetuning is None else finetuning.data
        write_imported(imported, name, image_px or 0, dense, data)
        tiles = {each: GROUPED_TILE if each in alone else tile for each in names}
        if tuner is not None:
            plain = [each for each in names if each not in alone]
            chosen = tuner.tune(imported.graph, name, plain, pattern)
            reasons |= dict.fromkeys(
                (each for each in plain if each not in chosen), "is no faster pruned"
            )
            tiles = {each: chosen.get(each, GROUPED_TILE) for each in names if each not in reasons}
        plan = uniform_plan(pattern, tiles)
        if finetuning is None:
            mask_by_magnitude(dense, plan, pruned)
        else:
            phases = (finetuning.data, finetuning.training, _SEED, pruned, temporary / METRICS)
            prune_and_finetune(dense, plan, Recipe(), *phases)
        export_package(pruned, temporary / PACKAGE)
        if tuner is not None:
            for file in (SCHEDULES, TUNED):
                shutil.copyfile(tuner.scratch / file, temporary / PACKAGE / file)
        masks = read_checkpoint(pruned).masks
    return Optimized(list(tiles), reasons, sparsity_of(masks) if masks else 0.0)


def _staying_dense(graph: Graph, grouped: bool) -> dict[str, str]:
    images = {each.name for each in graph.inputs}
    reasons = {}
    for conv in graph.convs:
        if conv.groups > 1 and not grouped:
            reasons[conv.name] = f"{conv.groups} groups"
        elif conv.input in images:
            reasons[conv.name] = "reads images"
    return reasons
