# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Export: a checkpoint becomes a package."""

from pathlib import Path
from typing import Any

import numpy as np

from colonnade.common.files import filled_folder
from colonnade.models.fusion import fused
from colonnade.models.graph import Graph, Input
from colonnade.models.layers import Conv2d, Node
from colonnade.models.module import Network
from colonnade.package.archive import Array, compress, write_package
from colonnade.package.description import FILES
from colonnade.package.graph import FORMAT, VERSION
from colonnade.pruning.mask import ColumnMask
from colonnade.training.checkpoint import Checkpoint, CheckpointInfo, read_checkpoint
from colonnade.training.imported import NO_DATA


def export_package(checkpoint: Path, out_dir: Path) -> None:
    """Write the package of a checkpoint to `out_dir`, whole or not at all, over an older one's files.

    Raises:
        ColonnadeError: damaged checkpoint, or a folder that cannot be written.
    """
    source = read_checkpoint(checkpoint)
    model = source.model()
    graph = fused(model.graph)
    tensors = _tensors(source, model, graph)
    sizes = {each.name: each.size for each in graph.inputs if each.size is not None}
    with filled_folder(out_dir, FILES) as folder:
        write_package(folder, _document(source, graph), tensors, sizes)


def _packable(source: Checkpoint, node: Node) -> ColumnMask | None:
    """The mask by which only kept weights are stored; None: all of them, zeros too."""
    mask = source.masks.get(node.name)
    grouped = isinstance(node, Conv2d) and node.groups > 1
    return mask if mask is not None and mask.is_uniform and not grouped else None


def _tensors(source: Checkpoint, model: Network, graph: Graph) -> dict[str, Array]:
    tensors: dict[str, Array] = {}
    for node in graph.nodes:
        weights: dict[str, Array] = node.weights(model)
        mask = _packable(source, node)
        if mask is not None:
            matrix = weights.pop("weight").reshape(mask.out_channels, -1)
            weights["values"] = compress(matrix, mask)
            weights["columns"] = mask.columns.astype(np.int32)
        for name, values in weights.items():
            tensors[f"{node.name}.{name}"] = np.ascontiguousarray(values)
    return tensors


def _document(source: Checkpoint, graph: Graph) -> dict[str, Any]:
    info = source.info
    stated = {} if info.dataset == NO_DATA else {"preprocessing": _preprocessing(info)}
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": source.info.model,
        "dtype": "f32",
        "checkpoint_sha256": source.sha256,
        **stated,
        "inputs": [_input(each) for each in graph.inputs],
        "outputs": list(graph.outputs),
        "nodes": [_entry(source, node) for node in graph.nodes],
    }


def _input(each: Input) -> dict[str, Any]:
    """The input as graph.json has it."""
    shown = each.model_dump(exclude={"size", "fixed"})
    return {**shown, "size": each.size} if each.fixed else shown


def _preprocessing(info: CheckpointInfo) -> dict[str, Any]:
    """What images are made of, as those of the data set were."""
    normalisation = info.normalisation
    return {
        "image_px": info.image_px,
        "mean": list(normalisation.mean),
        "std": list(normalisation.std),
    }


def _entry(source: Checkpoint, node: Node) -> dict[str, Any]:
    """The node as graph.json has it."""
    shared = node.model_dump(exclude=set(node.unpackaged))
    if not isinstance(node, Conv2d):
        return shared
    mask = _packable(source, node)
    if mask is None:
        return {**shared, "pattern": None, "tile": None}
    return {**shared, "pattern": source.info.plan[node.name].pattern.to_json(), "tile": mask.tile}
