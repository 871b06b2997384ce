# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The mask: which columns of a convolution's weight matrix each tile of output channels keeps.

Every pattern is expressed by it: row-wise and unstructured pruning and pruning of filters are masks
whose tile is one row. It is made from the trained weights, and the same object is used by
fine-tuning, export and reports. Weight matrices are [Cout, K] with K in (kh, kw, cin) order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern

Scores = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ColumnMask:
    """`keep` bool [tiles, k] is true where a tile keeps a column.

    Tile t covers output channels t * tile up to min((t + 1) * tile, out_channels).

    Raises:
        ColonnadeError: the parts contradict each other.
    """

    tile: int
    keep: NDArray[np.bool_]
    out_channels: int

    def __post_init__(self) -> None:
        _check_tile(self.tile)
        tiles = -(-self.out_channels // self.tile)
        if self.keep.ndim != 2 or len(self.keep) != tiles or not self.keep.any():
            raise ColonnadeError(
                f"mask: keeps {self.keep.sum()} columns in a shape of {self.keep.shape}; expected"
                f" at least 1 in [{tiles}, K] for {self.out_channels} channels in tiles of"
                f" {self.tile}"
            )

    @classmethod
    def from_columns(
        cls, tile: int, columns: NDArray[np.int64], k: int, out_channels: int
    ) -> "ColumnMask":
        """The mask whose tiles keep `columns` [tiles, kept], ascending within a tile.

        Raises:
            ColonnadeError: columns do not ascend within 0 to k - 1, or do not fit the tiles.
        """
        if columns.ndim != 2 or columns.shape[1] < 1:
            raise ColonnadeError(f"mask: columns of shape {columns.shape}; expected [tiles, kept]")
        ascending = bool((np.diff(columns, axis=1) > 0).all())
        if not ascending or columns.min() < 0 or columns.max() >= k:
            raise ColonnadeError(f"mask: columns must ascend within 0 to {k - 1}")
        keep = np.zeros((len(columns), k), dtype=np.bool_)
        np.put_along_axis(keep, columns, values=True, axis=1)
        return cls(tile, keep, out_channels)

    @property
    def k(self) -> int:
        """Columns of the weight matrix."""
        return int(self.keep.shape[1])

    @property
    def is_uniform(self) -> bool:
        """Whether every tile keeps equally many columns: only such a mask can be packed."""
        counts = self.keep.sum(axis=1)
        return bool((counts == counts[0]).all())

    @property
    def columns(self) -> NDArray[np.int64]:
        """Kept columns of each tile, ascending: int64 [tiles, kept].

        Raises:
            ColonnadeError: tiles keep different numbers of columns.
        """
        if not self.is_uniform:
            raise ColonnadeError("mask: its tiles keep different numbers of columns")
        return self.keep.nonzero()[1].reshape(len(self.keep), -1).astype(np.int64)

    @property
    def kept(self) -> int:
        """Columns that every tile keeps; see `columns`."""
        return int(self.columns.shape[1])

    @property
    def sparsity(self) -> float:
        """Share of the weights that is pruned."""
        return 1 - float(self.expand().mean())

    def expand(self) -> NDArray[np.bool_]:
        """The mask of every single weight: bool [out_channels, k], true where kept."""
        return np.repeat(self.keep, self.tile, axis=0)[: self.out_channels]


def make_mask(importance: NDArray[np.floating], pattern: Pattern, tile: int) -> ColumnMask:
    """Choose what `pattern` keeps of a weight matrix [Cout, K].

    The score of a column is the sum of the absolute `importance` over the tile's rows, in float64:
    the weights themselves make it their L1 norm. In each group the highest scores are kept, ties go
    to the lower index. The last tile may have fewer rows, the last group fewer columns (see
    `Pattern.keeps`). `tile` is 1 for all methods but column-wise.

    Raises:
        ColonnadeError: an impossible tile, an empty matrix, or one that is not finite.
    """
    _check_tile(tile)
    if tile != pattern.tile_for(tile):
        raise ColonnadeError(f"tile: {tile}: allowed for {pattern.label}: {pattern.tile_for(tile)}")
    if importance.ndim != 2 or 0 in importance.shape:
        raise ColonnadeError(f"mask: weight of shape {importance.shape}; expected [Cout, K]")
    if not np.isfinite(importance).all():
        raise ColonnadeError("mask: the weights are not all finite")
    scores = tile_scores(importance, tile)
    if pattern.method == "unstructured":
        keep = _best(scores.ravel(), pattern.keeps(scores.size)).reshape(scores.shape)
    elif pattern.method == "filters":
        rows = _best(scores.sum(axis=1), pattern.keeps(len(scores)))
        keep = np.repeat(rows[:, None], scores.shape[1], axis=1)
    elif pattern.m == "full":
        keep = _best(scores, pattern.keeps(scores.shape[1]))
    else:
        keep = _best_per_group(scores, pattern.m, pattern)
    return ColumnMask(tile, keep, len(importance))


def tile_scores(importance: NDArray[np.floating], tile: int) -> Scores:
    """Scores of the columns [tiles, K] of an importance [Cout, K]."""
    starts = np.arange(0, len(importance), tile)
    scores: Scores = np.add.reduceat(np.abs(importance), starts, axis=0, dtype=np.float64)
    return scores


def _check_tile(tile: int) -> None:
    if tile < 1:
        raise ColonnadeError(f"tile: {tile}: allowed: 1 or more")


def _best(scores: Scores, kept: int) -> NDArray[np.bool_]:
    """True at the `kept` highest scores along the last axis, the first of equals.

    A partition, since masks may be chosen at every step of a training: sorting takes several times
    as long.
    """
    place = scores.shape[-1] - kept
    lowest = np.partition(scores, place, axis=-1)[..., place, None]
    above = scores > lowest
    equal = scores == lowest
    free = kept - above.sum(axis=-1, keepdims=True)
    keep: NDArray[np.bool_] = above | (equal & (equal.cumsum(axis=-1) <= free))
    return keep


def _best_per_group(scores: Scores, group: int, pattern: Pattern) -> NDArray[np.bool_]:
    tiles, k = scores.shape
    whole = k - k % group
    grouped = scores[:, :whole].reshape(tiles, -1, group)
    parts = [_best(grouped, pattern.keeps(group)).reshape(tiles, -1)]
    if whole < k:
        parts.append(_best(scores[:, whole:], pattern.keeps(k - whole)))
    return np.concatenate(parts, axis=1)
