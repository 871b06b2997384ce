# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Schedules files for the packages of tests."""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open

from colonnade.models.conv_shape import ConvShape, sides

DIRECT = {"algorithm": "direct", "tile": 14, "lmul": 2, "panels": 4, "kc_splits": 1}
PACKED = {**DIRECT, "algorithm": "packed"}
WINOGRAD = tuple({**DIRECT, "algorithm": f"winograd{outputs}"} for outputs in (4, 2))
Schedule = Mapping[str, Any]


def key(node: Mapping[str, Any], image: Sequence[int], kept: int) -> str:
    """The key of a convolution (of one of its groups) for an input [n, c, h, w]."""
    n, c, h, w = image
    kernel, stride, dilation = (tuple(node[each]) for each in ("kernel", "stride", "dilation"))
    padding, residual = sides(node["padding"]), node["residual"] is not None
    c, out_channels = c // node["groups"], node["out_channels"] // node["groups"]
    shape = ConvShape(
        *(n, c, h, w, out_channels, kernel, stride, padding, dilation), residual=residual
    )
    return f"{shape}|k{kept}"


def has_winograd(node: Mapping[str, Any]) -> bool:
    """Whether Winograd's algorithm computes a convolution, or each of its groups."""
    return node["kernel"] == [3, 3] and node["stride"] == node["dilation"] == [1, 1]


def cover(
    package: Path, fastest: Schedule = DIRECT, *, winograd: bool = False
) -> dict[str, Schedule]:
    """Schedules for every convolution of a package, by key, for images of one size.

    A convolution of another size runs them too. Those of the direct and of the packed algorithm are
    `DIRECT` and `PACKED`. With `winograd`, the fastest of dense ones that it computes are by turns
    those of `WINOGRAD`.
    """
    by_turns = itertools.cycle(WINOGRAD)
    graph = json.loads((package / "graph.json").read_text("utf-8"))
    convs: dict[str, Schedule] = {}
    with safe_open(package / "weights.safetensors", framework="np") as weights:
        for node in graph["nodes"]:
            if node["op"] != "conv2d":
                continue
            kept = node["in_channels"] // node["groups"] * node["kernel"][0] * node["kernel"][1]
            best = fastest
            if winograd and node["pattern"] is None and has_winograd(node):
                best = next(by_turns)
            if node["pattern"] is not None:
                kept = weights.get_slice(f"{node['name']}.columns").get_shape()[1]
            entry = key(node, (1, node["in_channels"], 64, 64), kept)
            convs |= {entry: best, f"{entry}|direct": DIRECT, f"{entry}|packed": PACKED}
    return convs


def write(path: Path, convs: Mapping[str, Schedule], **other: Any) -> Path:
    """Write a schedules file; `other` takes the place of its other keys."""
    header = {"format": "colonnade-schedules", "version": 3, "target": "x60", "stays_dense": []}
    path.write_text(json.dumps({**header, "convs": convs, **other}), "utf-8")
    return path
