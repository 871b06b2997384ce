# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The schema of a package's graph.json: what keys there are, of what types, in what ranges.

The runner's C++ reader has the same limits (kernels/common/size_limits.h); a test gives damaged packages
to both readers and expects both to refuse.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationError

from colonnade.config.section import MAX_TILE
from colonnade.models.document import SOME, one_of, tag_of
from colonnade.models.graph import NamedInput, infer_shapes
from colonnade.models.layers import LAYERS, Conv2d, Convolution, FullyConnected, Linear, Node
from colonnade.models.layers.node import MAX_WEIGHTS, PAIR, Name, Number, Size, Strict

FORMAT = "colonnade-package"
VERSION = 3


class Groups(Strict):
    """`n` of each `m` columns are kept."""

    n: Annotated[int, Field(ge=1)]
    m: Annotated[int, Field(ge=1, le=MAX_WEIGHTS)]


class Share(Strict):
    """A share of all columns is pruned."""

    sparsity: Annotated[float, Field(gt=0, lt=1)]
    m: Literal["full"]


def _kind(value: Any) -> str:
    return "share" if isinstance(value, dict) and "sparsity" in value else "groups"


Pattern = Annotated[
    Annotated[Share, Tag("share")] | Annotated[Groups, Tag("groups")], Discriminator(_kind)
]


class PackedConv2d(Convolution):
    """A convolution as a package has it, with a bias; `tile` where it has a pattern."""

    pattern: Pattern | None
    tile: Annotated[int, Field(ge=1, le=MAX_TILE)] | None

    def check(self) -> None:
        """Make sure that pattern and tile fit together, and that the weights are not too many."""
        if (self.pattern is None) != (self.tile is None):
            raise ValueError(
                f"{self.where}: tile: {self.tile}; allowed: null where pattern is null only"
            )
        if isinstance(self.pattern, Groups) and self.pattern.n > self.pattern.m:
            raise ValueError(
                f"{self.where}: pattern: n: {self.pattern.n}; allowed: 1 to {self.pattern.m}"
            )
        if self.tile is not None and self.groups > 1:
            raise ValueError(
                f"{self.where}: tile: {self.tile}; allowed with groups {self.groups}: null"
            )
        super().check()


# What a network has more of, is folded into the weights.
_INSTEAD: dict[type[Node], type[Node]] = {Conv2d: PackedConv2d, Linear: FullyConnected}
_PACKAGED = tuple(_INSTEAD.get(layer, layer) for layer in LAYERS if layer.is_packaged)
# mypy knows no unions but written ones.
if TYPE_CHECKING:
    PackagedNode = Node
else:
    PackagedNode = one_of(_PACKAGED)


class PackedInput(NamedInput):
    """An input as a package has it; `size` where it takes images of one height and width alone."""

    size: Annotated[list[Size], PAIR] | None = None


class Preprocessing(Strict):
    """How pictures become images: cropped to `image_px`, pixels in 0..1 less `mean`, divided by `std`."""

    image_px: Size
    mean: Annotated[list[Number], Field(min_length=3, max_length=3)]
    std: Annotated[list[Annotated[Number, Field(gt=0)]], Field(min_length=3, max_length=3)]


class Graph(Strict):
    """All of graph.json."""

    format: Literal["colonnade-package"]
    version: Literal[3]
    model: Name | None = None
    dtype: Literal["f32"] = "f32"
    checkpoint_sha256: Name | None = None
    preprocessing: Preprocessing | None = None
    weights_sha256: Name
    inputs: Annotated[list[PackedInput], SOME]
    outputs: Annotated[list[Name], SOME]
    nodes: Annotated[list[PackagedNode], SOME]


def check_graph(document: Any) -> Graph:
    """Check a parsed graph.json against the schema, and the shapes of its tensors.

    Raises:
        ValueError: naming the node and key that is wrong, what it is and what is allowed.
    """
    known = document if isinstance(document, dict) else {}
    if known.get("format") != FORMAT or known.get("version") != VERSION:
        seen = (f"{known.get(key)!r}"[:80] for key in ("format", "version"))
        raise ValueError(
            f"format {' of version '.join(seen)}; expected {FORMAT!r} of version {VERSION}:"
            " export the checkpoint again"
        )
    try:
        graph = Graph.model_validate(document)
    except ValidationError as error:
        raise ValueError(_first_problem(document, error)) from error
    for node in graph.nodes:
        node.check()
    _check_unique("inputs", [each.name for each in graph.inputs])
    _check_unique("outputs", graph.outputs)
    _check_unique("nodes: name", [each.name for each in graph.nodes])
    shapes = infer_shapes(graph.nodes, {each.name: each.shape() for each in graph.inputs})
    for name in graph.outputs:
        if name not in shapes:
            raise ValueError(f"outputs: {name!r} does not exist")
    return graph


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
    if first["type"].startswith("union_tag") and where[-1] == "op":
        entry = first["input"]
        seen = str(entry.get("op") if isinstance(entry, dict) else entry)[:80]
        ops = sorted({tag_of(layer).partition(" ")[0] for layer in _PACKAGED})
        return f"{': '.join(where)}: {seen}; allowed: {', '.join(ops)}"
    value = "" if first["type"] == "missing" else f"{str(first['input'])[:80]}: "
    return f"{': '.join(where)}: {value}{first['msg']}"
