# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A network as JSON has it: which layer type an entry is, and all of a graph."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, Field, Tag, ValidationError

from colonnade.models.graph import Graph, Input, infer_shapes
from colonnade.models.layers import LAYERS, Node
from colonnade.models.layers.node import Name, Strict

MAX_NODES = 4096
SOME = Field(min_length=1, max_length=MAX_NODES)


def tag_of(layer: type[Node]) -> str:
    """What tells a layer type: its op, and its function where that has keys of its own."""
    words = (layer.model_fields.get(key) for key in ("op", "function"))
    return " ".join(
        str(each.default) for each in words if each is not None and not each.is_required()
    )


def one_of(layers: Sequence[type[Node]]) -> Any:
    """A type for pydantic: an entry that is a node of one of these layer types."""
    tags = [tag_of(layer) for layer in layers]

    def tag(value: Any) -> str | None:
        if isinstance(value, Node):
            return tag_of(type(value))
        if not isinstance(value, dict):
            return None
        op = f"{value.get('op')}"
        own = f"{op} {value.get('function')}"
        return own if own in tags else op

    tagged = (Annotated[each, Tag(own)] for each, own in zip(layers, tags, strict=True))
    return Annotated[Union[tuple(tagged)], Discriminator(tag)]  # noqa: UP007


# mypy knows no unions but written ones.
if TYPE_CHECKING:
    NetworkNode = Node
else:
    NetworkNode = one_of(LAYERS)


class GraphDocument(Strict):
    """A network before fusion, as a checkpoint of an imported one has it."""

    inputs: Annotated[list[Input], SOME]
    outputs: Annotated[list[Name], SOME]
    stages: Annotated[list[Name], Field(max_length=MAX_NODES)]
    nodes: Annotated[list[NetworkNode], SOME]

    def graph(self) -> Graph:
        """The network.

        Raises:
            ValueError: nodes that do not fit together.
        """
        for node in self.nodes:
            node.check()
        shapes = infer_shapes(self.nodes, {each.name: each.shape() for each in self.inputs})
        for name in (*self.outputs, *self.stages):
            if name not in shapes:
                raise ValueError(f"output {name!r} does not exist")
        return Graph(tuple(self.inputs), tuple(self.outputs), tuple(self.nodes), tuple(self.stages))


def document_of(graph: Graph) -> GraphDocument:
    """A network as a document.

    Raises:
        ValueError: more nodes, inputs or outputs than one may have.
    """
    try:
        return GraphDocument(
            inputs=list(graph.inputs),
            outputs=list(graph.outputs),
            stages=list(graph.stages),
            nodes=list(graph.nodes),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{first['loc']}: {first['msg']}") from error
