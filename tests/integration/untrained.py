# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Packages of networks whose weights were drawn, several of them side by side in one package."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colonnade.models.fusion import fused
from colonnade.models.layers import Conv2d, Node
from colonnade.models.module import Network
from colonnade.package.archive import write_package
from colonnade.package.graph import FORMAT, VERSION


def _entry(node: Node, prefix: str) -> dict[str, Any]:
    """The node as graph.json has it; its names and those of its tensors begin with `prefix`."""
    values = node.model_dump(exclude=set(node.unpackaged))
    if isinstance(node, Conv2d):
        values |= {"pattern": None, "tile": None}
    for key in ("name", "input", "output", "residual"):
        if values.get(key) is not None:
            values[key] = prefix + values[key]
    if "inputs" in values:
        values["inputs"] = [prefix + name for name in values["inputs"]]
    return values


def write_networks(folder: Path, networks: Mapping[str, Network]) -> None:
    """Write a package of all networks, dense; each one's names begin with its key."""
    graph: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    graph |= {"inputs": [], "outputs": [], "nodes": []}
    tensors: dict[str, NDArray[np.float32]] = {}
    for prefix, network in networks.items():
        whole = fused(network.graph)
        graph["inputs"] += [
            {"name": prefix + each.name, "channels": each.channels} for each in whole.inputs
        ]
        graph["outputs"] += [prefix + name for name in whole.outputs]
        for node in whole.nodes:
            graph["nodes"].append(_entry(node, prefix))
            for name, values in node.weights(network).items():
                tensors[f"{prefix}{node.name}.{name}"] = np.ascontiguousarray(values, np.float32)
    folder.mkdir(exist_ok=True)
    write_package(folder, graph, tensors)
