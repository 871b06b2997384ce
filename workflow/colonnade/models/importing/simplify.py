# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Fewer nodes that compute the same: what exporters write apart is put together again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colonnade.models.graph import Graph
from colonnade.models.layers import (
    Affine,
    BatchNorm,
    Binary,
    Clip,
    HardSigmoid,
    Linear,
    Node,
    Unary,
)

State = dict[str, NDArray[Any]]
_SIXTH = 1 / 6
_ROOT_OF_HALF = 0.5**0.5


def simplified(graph: Graph, state: State) -> tuple[Graph, State]:
    """The network without what no output depends on, its constants folded, and known functions named."""
    graph = _needed(graph)
    graph, state = _folded(graph, dict(state))
    graph = _named(graph, state)
    # A function has the name of the node that it stands for, and no weights.
    names = {node.name for node in graph.nodes if not isinstance(node, Unary | HardSigmoid)}
    kept = {key: values for key, values in state.items() if key.rpartition(".")[0] in names}
    return graph, kept


def _needed(graph: Graph) -> Graph:
    """The nodes that outputs depend on."""
    wanted, nodes = set(graph.outputs), []
    for node in reversed(graph.nodes):
        if node.output in wanted:
            wanted.update(node.sources)
            nodes.append(node)
    return replace(graph, nodes=tuple(reversed(nodes)))


def _folded(graph: Graph, state: State) -> tuple[Graph, State]:
    """Scale and shift become a part of a linear, affine or batch norm node before them."""
    nodes: dict[str, Node] = {}
    reads = graph.reads
    for node in graph.nodes:
        first = nodes.get(node.sources[0])
        alone = first is not None and reads[first.output] == 1
        made = node
        if isinstance(node, Affine) and alone and isinstance(first, Affine | BatchNorm | Linear):
            _scale(first, state, state[f"{node.name}.scale"], state[f"{node.name}.shift"])
            del nodes[first.output]
            update: dict[str, Any] = {"output": node.output}
            if isinstance(first, Linear):
                update["bias"] = True
            made = first.model_copy(update=update)
        nodes[made.output] = made
    return replace(graph, nodes=tuple(nodes.values())), state


def _scale(node: Node, state: State, scale: NDArray[Any], shift: NDArray[Any]) -> None:
    factor, offset = (each.astype(np.float64) for each in (scale, shift))
    keys = ("scale", "shift") if isinstance(node, Affine) else ("weight", "bias")
    weight = state[f"{node.name}.{keys[0]}"].astype(np.float64)
    bias = state.get(f"{node.name}.{keys[1]}", np.zeros(len(weight))).astype(np.float64)
    factors = factor if weight.ndim == 1 else factor[:, None]
    state[f"{node.name}.{keys[0]}"] = (weight * factors).astype(np.float32)
    state[f"{node.name}.{keys[1]}"] = (bias * factor + offset).astype(np.float32)


def _named(graph: Graph, state: State) -> Graph:
    """Functions under their names: what several nodes compute of one tensor, one does."""
    found = graph
    while True:
        makers = {node.output: node for node in found.nodes}
        change = next(_Patterns(makers, found.reads, state).changes(found), None)
        if change is None:
            return found
        gone, made = change
        nodes = [
            made if node.output == made.output else node
            for node in found.nodes
            if node.output not in gone
        ]
        found = replace(found, nodes=tuple(nodes))


Change = tuple[set[str], Node]
"""Tensors that are needed no more, and the node in the place of the one that makes its output."""


@dataclass(frozen=True)
class _Patterns:
    """Looks for what several nodes compute of one tensor."""

    makers: Mapping[str, Node]
    reads: Mapping[str, int]
    state: State

    def changes(self, graph: Graph) -> Iterator[Change]:
        """Every function that is found, the first one first."""
        for node in graph.nodes:
            if isinstance(node, Affine) and _is_constant(self.state, node, _SIXTH, 0):
                yield from self._sixth(node)
            elif isinstance(node, Affine) and self._is_half(node):
                yield from self._half(node)
            elif isinstance(node, Binary) and node.function == "mul":
                yield from self._gated(node)

    def _made(self, tensor: str) -> Node | None:
        """What makes a tensor, if it is read once."""
        return self.makers.get(tensor) if self.reads[tensor] == 1 else None

    def _sixth(self, node: Affine) -> Iterator[Change]:
        """clip(x + 3, 0, 6) / 6, and x times it: x * clip(x + 3) / 6 is x * (clip(x + 3) / 6)."""
        limit = self._made(node.input)
        if isinstance(limit, Clip | Unary):
            start = self._three_more(limit)
            if start is not None:
                line = HardSigmoid(
                    name=node.name, output=node.output, input=start.input, alpha=_SIXTH, beta=0.5
                )
                yield {limit.output, start.output}, line
        elif isinstance(limit, Binary) and limit.function == "mul":
            for one, other in (limit.inputs, limit.inputs[::-1]):
                start = self._three_more(self._made(other))
                if start is not None and start.input == one:
                    yield {limit.output, other, start.output}, _unary(node, one, "hard_swish")

    def _three_more(self, limit: Node | None) -> Affine | None:
        """The node x + 3 of clip(x + 3, 0, 6)."""
        if not isinstance(limit, Clip | Unary) or not _is_to_six(limit):
            return None
        start = self._made(limit.input)
        if isinstance(start, Affine) and _is_constant(self.state, start, 1, 3):
            return start
        return None

    def _is_half(self, node: Affine) -> bool:
        return _is_constant(self.state, node, 0.5, 0)

    def _half(self, node: Affine) -> Iterator[Change]:
        """x * (1 + erf(x / sqrt(2))) / 2, the product first."""
        product = self._made(node.input)
        if isinstance(product, Binary) and product.function == "mul":
            for one, other in (product.inputs, product.inputs[::-1]):
                gone = self._error_function(other, one, 1, 1)
                if gone:
                    yield {product.output, *gone}, _unary(node, one, "gelu")

    def _error_function(self, gate: str, x: str, scale: float, shift: float) -> set[str]:
        """The tensors of erf(x / sqrt(2)) * scale + shift, of which `gate` is the last one; else none."""
        line = self._made(gate)
        if not isinstance(line, Affine) or not _is_constant(self.state, line, scale, shift):
            return set()
        erf = self._made(line.input)
        if not isinstance(erf, Unary) or erf.function != "erf":
            return set()
        start = self._made(erf.input)
        if not isinstance(start, Affine) or start.input != x:
            return set()
        if not _is_constant(self.state, start, _ROOT_OF_HALF, 0):
            return set()
        return {line.output, erf.output, start.output}

    def _gated(self, node: Binary) -> Iterator[Change]:
        """x * sigmoid(x), x * hard_sigmoid(x), x * tanh(softplus(x)), x / 2 * (1 + erf(x / sqrt(2)))."""
        for one, other in (node.inputs, node.inputs[::-1]):
            if gone := self._error_function(other, one, 0.5, 0.5):
                yield gone, _unary(node, one, "gelu")
            half = self._made(one)
            whole = half.input if isinstance(half, Affine) and self._is_half(half) else None
            if whole is not None and (gone := self._error_function(other, whole, 1, 1)):
                yield {one, *gone}, _unary(node, whole, "gelu")
            gate = self._made(other)
            if isinstance(gate, Unary) and gate.function == "tanh":
                inner = self._made(gate.input)
                if isinstance(inner, Unary) and (inner.function, inner.input) == ("softplus", one):
                    yield {other, inner.output}, _unary(node, one, "mish")
            if gate is None or gate.sources != (one,):
                continue
            if isinstance(gate, Unary) and gate.function == "sigmoid":
                yield {other}, _unary(node, one, "silu")
            elif isinstance(gate, HardSigmoid) and _is_torchs(gate):
                yield {other}, _unary(node, one, "hard_swish")


def _unary(node: Node, source: str, function: Any) -> Unary:
    return Unary(name=node.name, output=node.output, input=source, function=function)


def _is_to_six(node: Clip | Unary) -> bool:
    if isinstance(node, Unary):
        return node.function == "relu6"
    return (node.min, node.max) == (0, 6)


def _is_torchs(node: HardSigmoid) -> bool:
    return bool(np.isclose(node.alpha, _SIXTH, rtol=1e-6) and node.beta == 0.5)


def _is_constant(state: State, node: Affine, scale: float, shift: float) -> bool:
    return all(
        bool(np.isclose(state[f"{node.name}.{key}"], value, rtol=1e-6, atol=0).all())
        for key, value in (("scale", scale), ("shift", shift))
    )
