# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The schema of a package's graph.json: what keys there are, of what types, in what ranges.

The runner's C++ reader has the same limits (kernels/common/size_limits.h); a test gives damaged packages
to both readers and expects both to refuse.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from colonnade.models.conv_shape import MAX_SIZE, MAX_WINDOW
from colonnade.package.shapes import MapShape, infer_shapes

FORMAT = "colonnade-package"
VERSION = 2
MAX_NODES = 4096
MAX_TILE = 31
MAX_WEIGHTS = 1 << 28
"""Of one layer, before pruning."""

PAIR = Field(min_length=2, max_length=2)
SOME = Field(min_length=1, max_length=MAX_NODES)
Name = Annotated[str, Field(min_length=1, max_length=256)]
Size = Annotated[int, Field(ge=1, le=MAX_SIZE)]
Positive = Annotated[list[Annotated[int, Field(ge=1, le=MAX_WINDOW)]], PAIR]
Padding = Annotated[list[Annotated[int, Field(ge=0, le=MAX_WINDOW)]], PAIR]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Groups(_Strict):
    """`n` of each `m` columns are kept."""

    n: Annotated[int, Field(ge=1)]
    m: Annotated[int, Field(ge=1, le=MAX_WEIGHTS)]


class Share(_Strict):
    """A share of all columns is pruned."""

    sparsity: Annotated[float, Field(gt=0, lt=1)]
    m: Literal["full"]


def _kind(value: Any) -> str:
    return "share" if isinstance(value, dict) and "sparsity" in value else "groups"


Pattern = Annotated[
    Annotated[Share, Tag("share")] | Annotated[Groups, Tag("groups")], Discriminator(_kind)
]


class _Node(_Strict):
    name: Name
    output: Name


class ConvNode(_Node):
    """A convolution; `tile` where it has a pattern."""

    op: Literal["conv2d"]
    input: Name
    in_channels: Size
    out_channels: Size
    kernel: Positive
    stride: Positive
    padding: Padding
    dilation: Positive
    residual: Name | None
    activation: Literal["none", "relu"]
    pattern: Pattern | None
    tile: Annotated[int, Field(ge=1, le=MAX_TILE)] | None

    @property
    def reduction(self) -> int:
        """Columns K of the weight matrix."""
        return math.prod(self.kernel) * self.in_channels


class PoolNode(_Node):
    """Maximum over a window."""

    op: Literal["max_pool2d"]
    input: Name
    kernel: Positive
    stride: Positive
    padding: Padding


class AddNode(_Node):
    """Sum of two maps."""

    op: Literal["add"]
    inputs: Annotated[list[Name], PAIR]
    activation: Literal["none", "relu"]


class AverageNode(_Node):
    """Mean of every channel's plane."""

    op: Literal["global_avg_pool"]
    input: Name


class FullyConnectedNode(_Node):
    """The classifier."""

    op: Literal["fully_connected"]
    input: Name
    in_features: Size
    out_features: Size


Node = ConvNode | PoolNode | AddNode | AverageNode | FullyConnectedNode


class Input(_Strict):
    """An input of the network, a map."""

    name: Name
    channels: Size


class Graph(_Strict):
    """All of graph.json."""

    format: Literal["colonnade-package"]
    version: Literal[2]
    model: Name | None = None
    dtype: Literal["f32"] = "f32"
    checkpoint_sha256: Name | None = None
    weights_sha256: Name
    inputs: Annotated[list[Input], SOME]
    outputs: Annotated[list[Name], SOME]
    nodes: Annotated[list[Annotated[Node, Discriminator("op")]], SOME]


def check_graph(document: Any) -> Graph:
    """Check a parsed graph.json against the schema, and the shapes of its tensors.

    Raises:
        ValueError: naming the node and key that is wrong, what it is and what is allowed.
    """
    known = isinstance(document, dict) and (document.get("format"), document.get("version"))
    if known != (FORMAT, VERSION):
        raise ValueError(f"format {known or None}; expected {(FORMAT, VERSION)}")
    try:
        graph = Graph.model_validate(document)
    except ValidationError as error:
        raise ValueError(_first_problem(document, error)) from error
    for node in graph.nodes:
        if isinstance(node, ConvNode):
            _check_conv(node)
        elif isinstance(node, FullyConnectedNode):
            _check_weights(node.name, "out_features", node.out_features, node.in_features)
    _check_unique("inputs", [each.name for each in graph.inputs])
    _check_unique("outputs", graph.outputs)
    _check_unique("nodes: name", [each.name for each in graph.nodes])
    inputs = {each.name: MapShape(None, each.channels, None, None) for each in graph.inputs}
    shapes = infer_shapes(document["nodes"], inputs)
    for name in graph.outputs:
        if name not in shapes:
            raise ValueError(f"outputs: {name!r} does not exist")
    return graph


def _check_conv(node: ConvNode) -> None:
    where = f"node {node.name!r}"
    if (node.pattern is None) != (node.tile is None):
        raise ValueError(f"{where}: tile: {node.tile}; allowed: null where pattern is null only")
    if isinstance(node.pattern, Groups) and node.pattern.n > node.pattern.m:
        raise ValueError(f"{where}: pattern: n: {node.pattern.n}; allowed: 1 to {node.pattern.m}")
    _check_weights(node.name, "out_channels", node.out_channels, node.reduction)


def _check_weights(name: str, key: str, rows: int, columns: int) -> None:
    if rows * columns > MAX_WEIGHTS:
        raise ValueError(
            f"node {name!r}: {key}: {rows} by {columns} weights; allowed: at most {MAX_WEIGHTS}"
        )


def _check_unique(key: str, names: list[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(f"{key}: {name!r} exists already")


def _first_problem(document: Any, error: ValidationError) -> str:
    """The first error as one line: the node by name, the key, the value, what is wrong."""
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    if where[0] == "nodes" and len(where) > 1:
        entry = document["nodes"][int(where[1])]
        name = entry.get("name", where[1]) if isinstance(entry, dict) else where[1]
        # The operation follows, as the tag of the union.
        where = [f"node {name!r}", *where[3:]] if len(where) > 2 else [f"node {name!r}", "op"]
    if first["type"] == "extra_forbidden":
        return f"{': '.join(where)}: unknown key"
    value = "" if first["type"] == "missing" else f"{str(first['input'])[:80]}: "
    return f"{': '.join(where)}: {value}{first['msg']}"
