# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Passes over the nodes of a network that make one operation of two, as a package has them.

Most join a node with one that makes an input of it, if nothing else reads that: the result then has
another value, or none. The joined node stands where the second one stood, and makes its tensor.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from colonnade.models.graph import Graph
from colonnade.models.layers import (
    Affine,
    AvgPool2d,
    BatchNorm,
    Binary,
    Clip,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    Node,
    Pad,
    Unary,
)
from colonnade.models.layers.node import with_activation
from colonnade.models.shapes import MAX_WINDOW, FeatureShape

Join = Callable[[Node, Node], Node | None]
"""One node in place of two, of which the second reads what the first makes; None: they stay."""


def fused(graph: Graph) -> Graph:
    """The network as it is executed: after all passes."""
    graph = fuse_pads(name_clips(remove_dropouts(graph)))
    graph = remaining_norms(fold_batch_norms(graph))
    return share_concats(fuse_residuals(fuse_relus(graph)))


def share_concats(graph: Graph) -> Graph:
    """What begins with the inputs of an earlier concatenation, begins with its output.

    So all layers of a DenseNet's block can have their channels in one place.
    """
    outputs: dict[tuple[str, ...], str] = {}
    nodes = []
    for node in graph.nodes:
        if isinstance(node, Concat):
            own = tuple(node.inputs)
            shared = max(
                (each for each in outputs if own[: len(each)] == each), key=len, default=()
            )
            outputs.setdefault(own, node.output)
            if shared and shared != own:
                inputs = [outputs[shared], *own[len(shared) :]]
                node = node.model_copy(update={"inputs": inputs})  # noqa: PLW2901
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def remove_dropouts(graph: Graph) -> Graph:
    """What reads a dropout, reads its input.

    Where that makes one tensor of two outputs, or of an output and an input, the output is a copy.
    """
    names: dict[str, str] = {}
    nodes: list[Node] = []
    shapes = graph.shapes_of_any_size()
    taken = {each.name for each in graph.inputs} | set(graph.outputs)
    for node in graph.nodes:
        if not isinstance(node, Dropout):
            nodes.append(node.renamed(names))
            continue
        source = names.get(node.input, node.input)
        if node.output in graph.outputs and source in taken:
            keys: dict[str, Any] = {"name": node.name, "output": node.output, "input": source}
            flat = isinstance(shapes[source], FeatureShape)
            nodes.append(Flatten(**keys) if flat else Pad(**keys, padding=[0] * 4, value=0.0))
            continue
        names[node.output] = source
        if node.output in graph.outputs:
            taken.add(source)
    renamed = [tuple(names.get(each, each) for each in of) for of in (graph.outputs, graph.stages)]
    return replace(graph, nodes=tuple(nodes), outputs=renamed[0], stages=renamed[1])


def name_clips(graph: Graph) -> Graph:
    """A limit to 0 and more, or to 0 to 6, is what has a name of its own."""
    return replace(graph, nodes=tuple(_named(node) for node in graph.nodes))


def _named(node: Node) -> Node:
    if not isinstance(node, Clip) or node.min != 0 or node.max not in (None, 6):
        return node
    function: Any = "relu" if node.max is None else "relu6"
    return Unary(name=node.name, output=node.output, input=node.input, function=function)


def fuse_pads(graph: Graph) -> Graph:
    """A border of zeros becomes padding of the convolution or the average behind it."""

    def join(first: Node, second: Node) -> Node | None:
        if not isinstance(first, Pad) or first.value != 0 or first.mode != "constant":
            return None
        if not isinstance(second, Conv2d | AvgPool2d) or second.input != first.output:
            return None
        padding = [a + b for a, b in zip(first.padding, second.padding, strict=True)]
        if max(padding) > MAX_WINDOW:
            return None
        if isinstance(second, AvgPool2d):
            # Elements of a border count, and a window may begin in it.
            fits = all(each < second.kernel[index % 2] for index, each in enumerate(padding))
            own = any(second.padding) and not second.count_include_pad
            if second.ceil_mode or own or not fits:
                return None
            second = second.model_copy(update={"count_include_pad": True})
        return second.model_copy(update={"padding": padding, "input": first.input})

    return _joined(graph, join)


def fold_batch_norms(graph: Graph) -> Graph:
    """A batch normalisation, or another affine node, becomes a part of the convolution before it."""

    def join(first: Node, second: Node) -> Node | None:
        if not isinstance(first, Conv2d) or not isinstance(second, BatchNorm | Affine):
            return None
        if first.batch_norm is not None or not _is_plain(first):
            return None
        if isinstance(second, Affine) and second.activation != "none":
            return None
        return first.model_copy(update={"batch_norm": second.name, "output": second.output})

    return _joined(graph, join)


def remaining_norms(graph: Graph) -> Graph:
    """A batch normalisation behind no convolution becomes an affine node."""
    return replace(graph, nodes=tuple(_as_affine(node) for node in graph.nodes))


def _as_affine(node: Node) -> Node:
    if not isinstance(node, BatchNorm):
        return node
    keys = {key: getattr(node, key) for key in ("name", "output", "input", "channels")}
    return Affine(**keys, activation="none")


def fuse_relus(graph: Graph) -> Graph:
    """A rectification becomes the activation of the operation before it."""

    def join(first: Node, second: Node) -> Node | None:
        if not isinstance(first, Conv2d | Binary | Affine) or not isinstance(second, Unary):
            return None
        if second.function not in ("relu", "relu6"):
            return None
        activation = with_activation(first.activation, second.function)
        return first.model_copy(update={"activation": activation, "output": second.output})

    return _joined(graph, join)


def fuse_residuals(graph: Graph) -> Graph:
    """A convolution adds its residual itself: it makes an operand of an addition."""
    shapes = graph.shapes_of_any_size()

    def join(first: Node, second: Node) -> Node | None:
        if not isinstance(first, Conv2d) or not isinstance(second, Binary):
            return None
        if second.function != "add" or not _is_plain(first):
            return None
        one, other = second.inputs
        residual = other if one == first.output else one
        # Features are one number for each plane, which no residual is.
        if isinstance(shapes[residual], FeatureShape):
            return None
        update = {"residual": residual, "activation": second.activation}
        return first.model_copy(update={**update, "output": second.output})

    return _joined(graph, join)


def _is_plain(conv: Conv2d) -> bool:
    """Whether nothing follows the convolution's sums."""
    return conv.activation == "none" and conv.residual is None


def _joined(graph: Graph, join: Join) -> Graph:
    reads = graph.reads
    nodes: dict[str, Node] = {}
    for node in graph.nodes:
        made = node
        for source in node.sources:
            first = nodes.get(source)
            joined = join(first, node) if first is not None and reads[source] == 1 else None
            if joined is not None:
                del nodes[source]
                made = joined
                break
        nodes[node.output] = made
    return replace(graph, nodes=tuple(nodes.values()))
