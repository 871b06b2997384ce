# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Reordering channels before masking, so that the rows of a tile agree on their columns.

Exact, and free at run time: a permutation of a convolution's output channels is undone by
renumbering the input channels of whatever reads them. Tensors that meet in an addition hold the
same channels and share one permutation: a `Space`. Images and outputs keep their order, and so does
what is read by its place: by a concatenation, a shuffle, a flattening or a grouped convolution.

The search maximises the importance that the masks keep, as a share of each layer's total. For given
masks the best order of a space's channels is a linear assignment problem, for a given order the best
masks are known; taking turns never loses. Where that finds no more, rows are swapped (see `swaps`),
but for channels that patterns with a whole M read. apex ASP searches the input channels of its 2:4
pattern by swaps instead (Pool and Yu, NeurIPS 2021); the aim is the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from colonnade.config.pruning import Pattern
from colonnade.models.graph import Graph
from colonnade.models.layers import Affine, BatchNorm, Conv2d, FullyConnected, Node, Prelu
from colonnade.pruning.layers import Importances
from colonnade.pruning.mask import make_mask, tile_scores
from colonnade.pruning.plan import Plan
from colonnade.pruning.swaps import TiledRows, refine

Order = NDArray[np.int64]
ROUNDS = 20
SWEEPS = 2


@dataclass
class Space:
    """Channels that must keep one order, by the modules that write and read them."""

    channels: int
    writers: list[str] = field(default_factory=list)
    norms: list[str] = field(default_factory=list)
    readers: list[str] = field(default_factory=list)
    classifiers: list[str] = field(default_factory=list)


def spaces(graph: Graph) -> list[Space]:
    """The channel spaces of a network, in the order in which they are first written."""
    root: dict[str, str] = {}

    def find(tensor: str) -> str:
        while root.setdefault(tensor, tensor) != tensor:
            tensor = root[tensor]
        return tensor

    for node in graph.nodes:
        for source in node.in_order:
            root[find(source)] = find(node.output)
    fixed = {find(tensor) for tensor in _fixed(graph)}
    found: dict[str, Space] = {}
    for node in graph.nodes:
        if find(node.output) in fixed:
            continue
        if isinstance(node, Conv2d):
            space = found.setdefault(find(node.output), Space(node.out_channels))
            space.writers.append(node.name)
        elif isinstance(node, BatchNorm | Affine | Prelu) and find(node.output) in found:
            found[find(node.output)].norms.append(node.name)
    for node in graph.nodes:
        if _mixes(node) and find(node.sources[0]) in found:
            space = found[find(node.sources[0])]
            names = space.readers if isinstance(node, Conv2d) else space.classifiers
            names.append(node.name)
    return list(found.values())


def _mixes(node: Node) -> bool:
    """Whether the node reads its input by weights for every channel, which can be renumbered."""
    return (isinstance(node, Conv2d) and node.groups == 1) or isinstance(node, FullyConnected)


def _fixed(graph: Graph) -> Iterator[str]:
    """Tensors whose channels must stay where they are."""
    yield from (each.name for each in graph.inputs)
    yield from graph.outputs
    for node in graph.nodes:
        if not _mixes(node):
            yield from set(node.sources) - set(node.in_order)
        if not node.in_order and not (isinstance(node, Conv2d) and node.groups == 1):
            yield node.output


@torch.no_grad()
def permute(model: nn.Module, space: Space, order: Order) -> None:
    """Put channel order[i] of the space in place i, in all modules that write or read it.

    The model computes what it did before, up to the rounding of reordered sums.
    """
    index = torch.from_numpy(order)
    for name in space.writers:
        conv = model.get_submodule(name)
        assert isinstance(conv, nn.Conv2d)
        conv.weight.copy_(conv.weight[index])
        if conv.bias is not None:
            conv.bias.copy_(conv.bias[index])
    for name in space.norms:
        # One value for every channel, but for a batch norm's counter.
        for values in model.get_submodule(name).state_dict().values():
            if values.dim():
                values.copy_(values[index])
    for name in space.readers:
        conv = model.get_submodule(name)
        assert isinstance(conv, nn.Conv2d)
        conv.weight.copy_(conv.weight[:, index])
    for name in space.classifiers:
        linear = model.get_submodule(name)
        assert isinstance(linear, nn.Linear)
        linear.weight.copy_(linear.weight[:, index])


def search(graph: Graph, importance: Importances, plan: Plan) -> list[tuple[Space, Order]]:
    """Orders of all spaces with which the masks of `plan` keep more importance.

    `importance` is [Cout, K] of every layer of `plan`. Tiles of several rows gain, and patterns
    with a whole M; for others the order stays as it is.
    """
    kernels = {conv.name: conv.kernel[0] * conv.kernel[1] for conv in graph.convs}
    layers = {}
    for name, layer in plan.items():
        magnitude = np.abs(importance[name]).astype(np.float64)
        share = magnitude / max(magnitude.sum(), np.finfo(np.float64).tiny)
        layers[name] = _Layer(share, layer.pattern, layer.tile, kernels[name])
    found = spaces(graph)
    orders = [np.arange(space.channels) for space in found]
    for _ in range(SWEEPS):
        for index, space in enumerate(found):
            step = _improve(space, layers)
            for name in layers.keys() & space.writers:
                layers[name] = layers[name].with_rows(step)
            for name in layers.keys() & space.readers:
                layers[name] = layers[name].with_columns(step)
            orders[index] = orders[index][step]
    return list(zip(found, orders, strict=True))


@dataclass(frozen=True)
class _Layer:
    """One pruned convolution: its importance [Cout, K] in the present order of its channels."""

    importance: NDArray[np.float64]
    pattern: Pattern
    tile: int
    kernel: int

    def with_rows(self, order: Order) -> "_Layer":
        return replace(self, importance=self.importance[order])

    def with_columns(self, order: Order) -> "_Layer":
        shaped = self.importance.reshape(len(self.importance), self.kernel, -1)[:, :, order]
        return replace(self, importance=shaped.reshape(self.importance.shape))

    def keep(self) -> NDArray[np.bool_]:
        return make_mask(self.importance, self.pattern, self.tile).keep

    @property
    def tiled(self) -> TiledRows:
        """What refinement by swaps needs of it."""
        return TiledRows(self.importance, self.tile, self.pattern.keeps(self.importance.shape[1]))

    def kept(self, keep: NDArray[np.bool_]) -> float:
        return float(tile_scores(self.importance, self.tile)[keep].sum())

    def row_gain(self, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
        """What row r keeps in place s: [Cout, Cout], for masks `keep` [tiles, K] of the places."""
        per_tile = self.importance @ keep.T.astype(np.float64)
        gain: NDArray[np.float64] = np.repeat(per_tile, self.tile, axis=1)[:, : len(per_tile)]
        return gain

    def column_gain(self, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
        """What input channel c keeps in place s: [Cin, Cin], for masks `keep` of the places."""
        shape = (len(keep) * self.kernel, -1)
        ours = tile_scores(self.importance, self.tile).reshape(shape)
        gain: NDArray[np.float64] = ours.T @ keep.astype(np.float64).reshape(shape)
        return gain


def _improve(space: Space, layers: Mapping[str, _Layer]) -> Order:
    """The best order found for one space, from the present one and from one by similarity."""
    rows = [layers[name] for name in space.writers if name in layers and layers[name].tile > 1]
    columns = [
        layers[name]
        for name in space.readers
        if name in layers and layers[name].pattern.m != "full"
    ]
    identity = np.arange(space.channels)
    if not rows and not columns:
        return identity
    starts = [identity, *([_similar_together(rows)] if rows else [])]
    # The first of equals wins: without a gain the order stays.
    found = [_alternate(rows, columns, start) for start in starts]
    order = max(found, key=lambda each: each[0])[1]
    if columns or any(layer.pattern.m != "full" for layer in rows):
        return order
    return refine([layer.with_rows(order).tiled for layer in rows], order)


def _similar_together(rows: list[_Layer]) -> Order:
    """An order in which the rows of a tile correlate: each tile grows from the largest free row."""
    tile, channels = rows[0].tile, len(rows[0].importance)
    affinity = np.zeros((channels, channels))
    for layer in rows:
        centred = layer.importance - layer.importance.mean(axis=1, keepdims=True)
        affinity += centred @ centred.T
    free = np.ones(len(affinity), dtype=np.bool_)
    order: list[int] = []
    pull = affinity.diagonal()
    for _ in range(len(affinity)):
        chosen = int(np.where(free, pull, -np.inf).argmax())
        free[chosen] = False
        order.append(chosen)
        members = order[len(order) // tile * tile :]
        pull = affinity[members].sum(axis=0) if members else affinity.diagonal()
    return np.array(order)


def _alternate(rows: list[_Layer], columns: list[_Layer], order: Order) -> tuple[float, Order]:
    """Masks for the order, an order for the masks, and so on while more is kept."""
    # Every training imports this module, and hardly one permutes.
    from scipy.optimize import linear_sum_assignment

    kept, gain = _assess(rows, columns, order)
    for _ in range(ROUNDS):
        channels, places = linear_sum_assignment(gain, maximize=True)
        step = np.empty_like(order)
        step[places] = channels
        now, gain = _assess(rows, columns, step)
        if now <= kept:
            break
        order, kept = step, now
    return kept, order


def _assess(
    rows: list[_Layer], columns: list[_Layer], order: Order
) -> tuple[float, NDArray[np.float64]]:
    """What the best masks keep in this order, and what they would keep of channel c in place s."""
    kept, gain = 0.0, np.zeros((len(order), len(order)))
    for layer in rows:
        placed = layer.with_rows(order)
        keep = placed.keep()
        kept += placed.kept(keep)
        gain += layer.row_gain(keep)
    for layer in columns:
        placed = layer.with_columns(order)
        keep = placed.keep()
        kept += placed.kept(keep)
        gain += layer.column_gain(keep)
    return kept, gain
