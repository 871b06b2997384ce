# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Masks as tensors of a safetensors file, and back.

A mask of layer L is the tensor `mask.L`, uint8 [tiles, ceil(K / 8)]: one bit per column, the first
one highest, set where the tile keeps it. Tile, K and Cout follow from the file's header and weights.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from colonnade.common.errors import ColonnadeError
from colonnade.pruning.mask import ColumnMask

PREFIX = "mask."


def masks_to_tensors(masks: Mapping[str, ColumnMask]) -> dict[str, Tensor]:
    """The tensors to store for `masks`."""
    return {
        f"{PREFIX}{name}": torch.from_numpy(np.packbits(mask.keep, axis=1))
        for name, mask in masks.items()
    }


def masks_from_tensors(
    tensors: Mapping[str, Tensor], tiles: Mapping[str, int]
) -> dict[str, ColumnMask]:
    """The masks stored among `tensors`, which also hold the weights they apply to.

    `tiles` gives the tile of every masked layer.

    Raises:
        ColonnadeError: a mask or its weight is missing, superfluous, or does not fit.
    """
    stored = {key.removeprefix(PREFIX) for key in tensors if key.startswith(PREFIX)}
    if stored != set(tiles):
        raise ColonnadeError(f"masks of {sorted(stored ^ set(tiles))}: tile or columns missing")
    masks = {}
    for name, tile in tiles.items():
        weight = tensors.get(f"{name}.weight")
        if weight is None or weight.ndim != 4:
            raise ColonnadeError(f"layer {name}: has a mask but no convolution weight")
        try:
            masks[name] = ColumnMask(tile, _unpack(tensors[PREFIX + name], weight), len(weight))
        except ColonnadeError as error:
            raise ColonnadeError(f"layer {name}: {error}") from error
    return masks


def _unpack(packed: Tensor, weight: Tensor) -> np.typing.NDArray[np.bool_]:
    k = weight[0].numel()
    if packed.dtype != torch.uint8 or packed.ndim != 2 or packed.shape[1] != -(-k // 8):
        raise ColonnadeError(
            f"mask: {packed.dtype} {tuple(packed.shape)}; expected uint8 [tiles, {-(-k // 8)}]"
        )
    return np.unpackbits(packed.numpy(), axis=1, count=k).astype(np.bool_)
