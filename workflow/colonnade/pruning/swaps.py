# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Refines an order of output channels by swaps of two rows of different tiles.

Masks are chosen anew for every swap that is tried, so swaps find what neither a new order for given
masks nor new masks for a given order can. Balanced clustering with such exchanges is how out-channel
vector-wise pruning groups its rows (Tan et al., "Accelerating Sparse Convolution with Column
Vector-Wise Sparsity", NeurIPS 2022).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from colonnade.pruning.mask import tile_scores

Matrix = NDArray[np.float64]
Order = NDArray[np.int64]

SWEEPS = 3
# Partners that are tried for a row, those first that promise most under the present masks.
PARTNERS = 24
# Of what a layer keeps: sums of float64 differ by less when they are taken in another order.
LEAST_GAIN = 1e-12


@dataclass
class TiledRows:
    """A layer's importance [Cout, K], of which each tile of `tile` rows keeps its `kept` best columns."""

    importance: Matrix
    tile: int
    kept: int

    def __post_init__(self) -> None:
        self.importance = self.importance.copy()
        self.tile_of = np.arange(len(self.importance)) // self.tile
        self.scores = tile_scores(self.importance, self.tile)
        self.best = self._best(self.scores)
        # What row r would keep in tile t under its mask.
        self.gain = self.importance @ self._mask(self.scores).T

    def _best(self, scores: Matrix) -> Matrix:
        """What tiles of these scores [..., K] keep."""
        place = scores.shape[-1] - self.kept
        found: Matrix = np.partition(scores, place, axis=-1)[..., place:].sum(axis=-1)
        return found

    def _mask(self, scores: Matrix) -> Matrix:
        columns = np.argpartition(scores, scores.shape[-1] - self.kept, axis=-1)
        mask = np.zeros(scores.shape)
        np.put_along_axis(mask, columns[..., -self.kept :], values=1, axis=-1)
        return mask

    def promise(self, row: int) -> Matrix:
        """What a swap of `row` with each other row gains under the present masks, at least."""
        mine, theirs = self.tile_of[row], self.tile_of
        own = self.gain[np.arange(len(theirs)), theirs]
        found: Matrix = self.gain[row, theirs] + self.gain[:, mine] - own[row] - own
        return found

    def gains(self, row: int, others: NDArray[np.int64]) -> Matrix:
        """What a swap of `row` with each of `others` gains with the best masks of both tiles."""
        mine, theirs = self.tile_of[row], self.tile_of[others]
        moved = self.importance[others] - self.importance[row]
        after = self._best(self.scores[mine] + moved) + self._best(self.scores[theirs] - moved)
        return np.where(mine == theirs, 0.0, after - self.best[mine] - self.best[theirs])

    def swap(self, row: int, other: int) -> None:
        """Exchange two rows."""
        pair = [row, other]
        self.importance[pair] = self.importance[pair[::-1]]
        self.gain[pair] = self.gain[pair[::-1]]
        for tile in {int(self.tile_of[each]) for each in pair}:
            start = tile * self.tile
            self.scores[tile] = self.importance[start : start + self.tile].sum(axis=0)
            self.best[tile] = self._best(self.scores[tile])
            self.gain[:, tile] = self.importance @ self._mask(self.scores[tile])


def refine(layers: Sequence[TiledRows], order: Order) -> Order:
    """An order whose masks keep no less of the sum over `layers`, whose rows share it.

    `layers` have their rows in `order` already; they are changed with it. Equal inputs give equal
    orders.
    """
    order = order.copy()
    enough = LEAST_GAIN * sum(float(layer.best.sum()) for layer in layers)
    for _ in range(SWEEPS):
        swapped = False
        for row in range(len(order)):
            promise = np.sum([layer.promise(row) for layer in layers], axis=0)
            partners = np.argsort(-promise, kind="stable")[:PARTNERS]
            gains = np.sum([layer.gains(row, partners) for layer in layers], axis=0)
            chosen = int(gains.argmax())
            if gains[chosen] > enough:
                other = int(partners[chosen])
                for layer in layers:
                    layer.swap(row, other)
                order[[row, other]] = order[[other, row]]
                swapped = True
        if not swapped:
            break
    return order
