# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Ranks, channels and shapes of every tensor of a package's graph, inferred and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from colonnade.models.conv_shape import MAX_ELEMENTS


@dataclass(frozen=True)
class MapShape:
    """[n, c, h, w]; sizes that only the input tells are None."""

    n: int | None
    c: int
    h: int | None
    w: int | None

    def __str__(self) -> str:
        return f"a map [{self.n or 'N'}, {self.c}, {self.h or 'H'}, {self.w or 'W'}]"


@dataclass(frozen=True)
class FeatureShape:
    """[n, c]; n is None until the input tells it."""

    n: int | None
    c: int

    def __str__(self) -> str:
        return f"features [{self.n or 'N'}, {self.c}]"


TensorShape = MapShape | FeatureShape


def infer_shapes(
    nodes: Sequence[Mapping[str, Any]], inputs: Mapping[str, MapShape]
) -> dict[str, TensorShape]:
    """Every tensor of a graph by name, for its nodes in order as graph.json has them.

    Raises:
        ValueError: naming the node, its input's shape and what is needed.
    """
    known: dict[str, TensorShape] = dict(inputs)
    for node in nodes:
        where = f"node {node['name']!r}"
        sources = node["inputs"] if node["op"] == "add" else [node["input"]]
        if node.get("residual") is not None:
            sources = [*sources, node["residual"]]
        for source in sources:
            if source not in known:
                raise ValueError(f"{where}: input {source!r} does not exist")
        shape = _output(where, node, {source: known[source] for source in sources})
        if node["output"] in known:
            raise ValueError(f"{where}: output {node['output']!r} exists already")
        known[node["output"]] = shape
    return known


def _output(where: str, node: Mapping[str, Any], sources: Mapping[str, TensorShape]) -> TensorShape:
    names = list(sources)
    first = sources[names[0]]
    if node["op"] == "fully_connected":
        if not isinstance(first, FeatureShape) or first.c != node["in_features"]:
            raise ValueError(
                f"{where}: its input {names[0]!r} is {first}; "
                f"needed: features [N, {node['in_features']}]"
            )
        return FeatureShape(first.n, node["out_features"])
    channels = node["in_channels"] if node["op"] == "conv2d" else None
    source = _need_map(where, names[0], first, channels)
    if node["op"] == "conv2d":
        output = _window(where, node, source, node["dilation"], node["out_channels"])
        if node["residual"] is not None:
            name = node["residual"]
            residual = _need_map(where, name, sources[name], node["out_channels"])
            if residual != output:
                raise ValueError(f"{where}: residual {name!r} is {residual}; needed: {output}")
        return output
    if node["op"] == "max_pool2d":
        if any(p >= k for p, k in zip(node["padding"], node["kernel"], strict=True)):
            raise ValueError(
                f"{where}: padding: {node['padding']}; "
                f"allowed: less than the kernel {node['kernel']}"
            )
        return _window(where, node, source, [1, 1], source.c)
    if node["op"] == "global_avg_pool":
        return FeatureShape(source.n, source.c)
    other = _need_map(where, names[-1], sources[names[-1]], source.c)
    if other != source:
        raise ValueError(f"{where}: its inputs are {source} and {other}; needed: two of one shape")
    return source


def _need_map(where: str, name: str, shape: TensorShape, channels: int | None) -> MapShape:
    if isinstance(shape, MapShape) and channels in (None, shape.c):
        return shape
    raise ValueError(
        f"{where}: its input {name!r} is {shape}; needed: a map [N, {channels or 'C'}, H, W]"
    )


def _window(
    where: str, node: Mapping[str, Any], source: MapShape, dilation: Sequence[int], channels: int
) -> MapShape:
    if source.n is None or source.h is None or source.w is None:
        return MapShape(None, channels, None, None)
    sizes = []
    for axis, size in enumerate((source.h, source.w)):
        reach = dilation[axis] * (node["kernel"][axis] - 1) + 1
        padded = size + 2 * node["padding"][axis]
        if padded < reach:
            raise ValueError(
                f"{where}: its input {node['input']!r} is {source}, with padding {padded} "
                f"{('high', 'wide')[axis]}; needed: at least {reach}, the reach of its kernel"
            )
        sizes.append((padded - reach) // node["stride"][axis] + 1)
    height, width = sizes
    if source.n * channels * height * width > MAX_ELEMENTS:
        raise ValueError(f"{where}: its output has more than {MAX_ELEMENTS} elements")
    return MapShape(source.n, channels, height, width)
