# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A network of the user's becomes a pruned package in one step, without data: masks by magnitude."""

from dataclasses import dataclass
from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import atomic_path
from colonnade.config.pruning import Pattern, Recipe
from colonnade.models.graph import Graph
from colonnade.package.export import export_package
from colonnade.pruning.layers import importances, make_masks, sparsity_of
from colonnade.pruning.plan import uniform_plan
from colonnade.pruning.weights import kept_weights
from colonnade.training.checkpoint import read_checkpoint, write_checkpoint
from colonnade.training.imported import read_network, write_imported

CHECKPOINT, DENSE, PACKAGE = "pruned.safetensors", "dense.safetensors", "package"


@dataclass(frozen=True)
class Optimized:
    """What became of a network: its pruned convolutions, those that stay dense, and why."""

    pruned: list[str]
    dense: dict[str, str]
    sparsity: float


def optimize(
    source: Path, folder: Path, pattern: Pattern, tile: int, image_px: int | None = None
) -> Optimized:
    """Import a network, prune it by the L1 norm, and write dense and pruned checkpoint and package.

    Convolutions that read images or have groups stay dense. Nothing is fine-tuned: `write_imported`
    with a data set and `prune_and_finetune` do that.

    Raises:
        ColonnadeError: what `read_network` refuses, a network without a convolution to prune, or a folder
            that cannot be written.
    """
    imported = read_network(source, image_px)
    reasons = _staying_dense(imported.graph)
    names = [conv.name for conv in imported.graph.convs if conv.name not in reasons]
    if not names:
        raise ColonnadeError(f"{source}: has no convolution that can be pruned")
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        dense = temporary / DENSE
        write_imported(imported, source.stem, image_px or 0, dense)
        read = read_checkpoint(dense)
        model = read.model()
        plan = uniform_plan(pattern, dict.fromkeys(names, tile))
        masks = make_masks(importances(model, names, "l1"), plan)
        state = model.state_dict()
        for name, mask in masks.items():
            weight = state[f"{name}.weight"]
            weight[~kept_weights(mask, weight)] = 0
        update = {"plan": plan, "recipe": Recipe(), "source_sha256": read.sha256}
        info = read.info.model_copy(update=update)
        write_checkpoint(temporary / CHECKPOINT, info, state, masks)
        export_package(temporary / CHECKPOINT, temporary / PACKAGE)
    return Optimized(names, reasons, sparsity_of(masks))


def _staying_dense(graph: Graph) -> dict[str, str]:
    images = {each.name for each in graph.inputs}
    reasons = {}
    for conv in graph.convs:
        if conv.groups > 1:
            reasons[conv.name] = f"{conv.groups} groups"
        elif conv.input in images:
            reasons[conv.name] = "reads images"
    return reasons
