# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Export: a checkpoint becomes a package."""

from pathlib import Path
from typing import Any

import numpy as np

from colonnade.common.files import atomic_path
from colonnade.models.graph import Conv2d, fold, trace
from colonnade.package.archive import Array, compress, write_package
from colonnade.package.graph import FORMAT, VERSION
from colonnade.pruning.mask import ColumnMask
from colonnade.training.checkpoint import Checkpoint, read_checkpoint


def export_package(checkpoint: Path, out_dir: Path) -> None:
    """Write the package of a checkpoint to `out_dir`, whole or not at all, over an older one.

    Raises:
        ColonnadeError: damaged checkpoint, or a folder that cannot be written.
    """
    source = read_checkpoint(checkpoint)
    tensors = _tensors(source)
    with atomic_path(out_dir) as folder:
        folder.mkdir()
        write_package(folder, _graph(source), tensors)


def _packable(source: Checkpoint, conv: Conv2d) -> ColumnMask | None:
    mask = source.masks.get(conv.name)
    return mask if mask is not None and mask.is_uniform else None


def _tensors(source: Checkpoint) -> dict[str, Array]:
    model = source.model()
    tensors: dict[str, Array] = {}
    for conv in trace(model).convs:
        weight, bias = (part.astype(np.float32) for part in fold(model, conv))
        mask = _packable(source, conv)
        if mask is None:
            tensors[f"{conv.name}.weight"] = np.ascontiguousarray(weight)
        else:
            matrix = weight.reshape(conv.out_channels, -1)
            tensors[f"{conv.name}.values"] = compress(matrix, mask)
            tensors[f"{conv.name}.columns"] = mask.columns.astype(np.int32)
        tensors[f"{conv.name}.bias"] = bias
    tensors["fc.weight"] = model.fc.weight.detach().numpy()
    tensors["fc.bias"] = model.fc.bias.detach().numpy()
    return tensors


def _graph(source: Checkpoint) -> dict[str, Any]:
    graph = trace(source.model())
    nodes = []
    for node in graph.nodes:
        entry = node.to_json()
        if isinstance(node, Conv2d):
            mask = _packable(source, node)
            entry["pattern"] = mask and source.info.plan[node.name].pattern.to_json()
            entry["tile"] = mask and mask.tile
        nodes.append(entry)
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": source.info.model,
        "dtype": "f32",
        "checkpoint_sha256": source.sha256,
        "inputs": [{"name": graph.input, "channels": 3}],
        "outputs": [graph.output],
        "nodes": nodes,
    }
