"""The mask: which columns of a convolution's weight matrix each tile of output channels keeps.

It is made once, from the weights after dense training, and from then on the same object is used by
fine-tuning, export and reports. Weight matrices are [Cout, K] with K in (kh, kw, cin) order.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colonnade.errors import ColonnadeError
from colonnade.pruning.settings import Pattern


@dataclass(frozen=True, eq=False)
class ColumnMask:
    """Kept columns of each tile: `columns` int64 [tiles, kept], ascending within a tile.

    Tile t covers output channels t * tile up to min((t + 1) * tile, out_channels).

    Raises:
        ColonnadeError: the parts contradict each other.
    """

    tile: int
    columns: NDArray[np.int64]
    k: int
    out_channels: int

    def __post_init__(self) -> None:
        _check_tile(self.tile)
        tiles = -(-self.out_channels // self.tile)
        if self.columns.ndim != 2 or len(self.columns) != tiles or self.columns.shape[1] < 1:
            raise ColonnadeError(
                f"mask: columns of shape {self.columns.shape}; expected [{tiles}, at least 1]"
                f" for {self.out_channels} channels in tiles of {self.tile}"
            )
        ascending = bool((np.diff(self.columns, axis=1) > 0).all())
        if not ascending or self.columns.min() < 0 or self.columns.max() >= self.k:
            raise ColonnadeError(f"mask: columns must ascend within 0 to {self.k - 1}")

    @property
    def kept(self) -> int:
        """Columns that every tile keeps."""
        return int(self.columns.shape[1])

    def expand(self) -> NDArray[np.bool_]:
        """The mask of every single weight: bool [out_channels, k], true where kept."""
        tiles = np.zeros((len(self.columns), self.k), dtype=np.bool_)
        np.put_along_axis(tiles, self.columns, values=True, axis=1)
        return np.repeat(tiles, self.tile, axis=0)[: self.out_channels]

    def for_conv(self, weight: Tensor) -> Tensor:
        """The mask in the layout of a torch convolution weight [Cout, Cin, KH, KW], bool."""
        out_channels, in_channels, height, width = weight.shape
        flat = torch.from_numpy(self.expand())
        return flat.reshape(out_channels, height, width, in_channels).permute(0, 3, 1, 2)


def weight_matrix(weight: Tensor) -> NDArray[np.float32]:
    """A torch convolution weight [Cout, Cin, KH, KW] as [Cout, K], K in (kh, kw, cin) order."""
    matrix: NDArray[np.float32] = weight.detach().permute(0, 2, 3, 1).flatten(1).numpy()
    return matrix


def make_mask(weight: NDArray[np.floating], pattern: Pattern, tile: int) -> ColumnMask:
    """Choose the columns of `weight` [Cout, K] that each tile of `tile` rows keeps.

    The score of a column is its L1 norm over the tile's rows, summed in float64; in each group the
    highest scores are kept, ties go to the lower index. The last tile may have fewer rows, the last
    group fewer columns (see `Pattern.keeps`).

    Raises:
        ColonnadeError: tile below 1, an empty matrix, or weights that are not finite.
    """
    _check_tile(tile)
    if weight.ndim != 2 or 0 in weight.shape:
        raise ColonnadeError(f"mask: weight of shape {weight.shape}; expected [Cout, K]")
    if not np.isfinite(weight).all():
        raise ColonnadeError("mask: the weights are not all finite")
    out_channels, k = weight.shape
    scores = _scores(weight, tile)
    if pattern.m == "full":
        columns = _best(scores, pattern.keeps(k))
    else:
        columns = _best_per_group(scores, pattern.m, pattern)
    return ColumnMask(tile, columns, k, out_channels)


def _check_tile(tile: int) -> None:
    if tile < 1:
        raise ColonnadeError(f"tile: {tile}: allowed: 1 or more")


def _scores(weight: NDArray[np.floating], tile: int) -> NDArray[np.float64]:
    out_channels, k = weight.shape
    tiles = -(-out_channels // tile)
    magnitude = np.zeros((tiles * tile, k))
    magnitude[:out_channels] = np.abs(weight)
    scores: NDArray[np.float64] = magnitude.reshape(tiles, tile, k).sum(axis=1)
    return scores


def _best(scores: NDArray[np.float64], kept: int) -> NDArray[np.int64]:
    """Indices of the `kept` highest scores along the last axis, ascending."""
    ranking = np.argsort(-scores, axis=-1, kind="stable")
    return np.sort(ranking[..., :kept], axis=-1)


def _best_per_group(scores: NDArray[np.float64], group: int, pattern: Pattern) -> NDArray[np.int64]:
    tiles, k = scores.shape
    whole = k - k % group
    grouped = _best(scores[:, :whole].reshape(tiles, -1, group), pattern.keeps(group))
    starts = np.arange(0, whole, group)[:, None]
    parts = [(grouped + starts).reshape(tiles, -1)]
    if whole < k:
        parts.append(_best(scores[:, whole:], pattern.keeps(k - whole)) + whole)
    return np.concatenate(parts, axis=1)
