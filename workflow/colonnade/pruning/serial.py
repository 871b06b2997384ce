"""Masks as tensors of a safetensors file, and back.

A mask of layer L is the tensor `mask.L.columns`, int32 [tiles, kept]; tile, K and Cout follow from
the pattern's description and the layer's weight.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from colonnade.errors import ColonnadeError
from colonnade.pruning.mask import ColumnMask

PREFIX = "mask."
SUFFIX = ".columns"


def masks_to_tensors(masks: Mapping[str, ColumnMask]) -> dict[str, Tensor]:
    """The tensors to store for `masks`."""
    return {
        f"{PREFIX}{name}{SUFFIX}": torch.from_numpy(mask.columns.astype(np.int32))
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
    stored = {
        key.removeprefix(PREFIX).removesuffix(SUFFIX) for key in tensors if key.startswith(PREFIX)
    }
    if stored != set(tiles):
        raise ColonnadeError(f"masks of {sorted(stored ^ set(tiles))}: tile or columns missing")
    masks = {}
    for name, tile in tiles.items():
        weight = tensors.get(f"{name}.weight")
        if weight is None or weight.ndim != 4:
            raise ColonnadeError(f"layer {name}: has a mask but no convolution weight")
        columns = tensors[f"{PREFIX}{name}{SUFFIX}"].numpy().astype(np.int64)
        try:
            masks[name] = ColumnMask(tile, columns, weight[0].numel(), len(weight))
        except ColonnadeError as error:
            raise ColonnadeError(f"layer {name}: {error}") from error
    return masks
