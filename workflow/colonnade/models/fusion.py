# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Passes over the nodes of a network that make one operation of two, as a package has them.

Each joins a node with the one that makes its first input, if nothing else reads that: the result then
has another value, or none. The joined node stands where the second one stood, and makes its tensor.
"""

from collections.abc import Callable
from dataclasses import replace

from colonnade.models.graph import Graph
from colonnade.models.layers import Add, BatchNorm, Conv2d, Node, Relu

Join = Callable[[Node, Node], Node | None]
"""One node in place of two, of which the second reads what the first makes; None: they stay."""


def fused(graph: Graph) -> Graph:
    """The network as it is executed: after all passes."""
    return fuse_residuals(fuse_relus(fold_batch_norms(graph)))


def fold_batch_norms(graph: Graph) -> Graph:
    """A batch normalisation becomes a part of the convolution before it."""

    def join(first: Node, second: Node) -> Node | None:
        if not isinstance(first, Conv2d) or not isinstance(second, BatchNorm):
            return None
        if first.batch_norm is not None or not _is_plain(first):
            return None
        return first.model_copy(update={"batch_norm": second.name, "output": second.output})

    return _joined(graph, join)


def fuse_relus(graph: Graph) -> Graph:
    """A rectification becomes the activation of the convolution or addition before it."""

    def join(first: Node, second: Node) -> Node | None:
        if not isinstance(first, Conv2d | Add) or not isinstance(second, Relu):
            return None
        # Rectifying twice is rectifying once.
        return first.model_copy(update={"activation": "relu", "output": second.output})

    return _joined(graph, join)


def fuse_residuals(graph: Graph) -> Graph:
    """A convolution adds its residual itself: it makes the first operand of an addition."""

    def join(first: Node, second: Node) -> Node | None:
        if not isinstance(first, Conv2d) or not isinstance(second, Add) or not _is_plain(first):
            return None
        update = {"residual": second.inputs[1], "activation": second.activation}
        return first.model_copy(update={**update, "output": second.output})

    return _joined(graph, join)


def _is_plain(conv: Conv2d) -> bool:
    """Whether nothing follows the convolution's sums."""
    return conv.activation == "none" and conv.residual is None


def _joined(graph: Graph, join: Join) -> Graph:
    reads = graph.reads
    nodes: dict[str, Node] = {}
    for node in graph.nodes:
        first = nodes.get(node.sources[0])
        joined = join(first, node) if first is not None and reads[first.output] == 1 else None
        if first is not None and joined is not None:
            del nodes[first.output]
        nodes[node.output] = joined or node
    return replace(graph, nodes=tuple(nodes.values()))
