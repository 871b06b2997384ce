# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Weights of convolutions as torch has them, and the matrices and masks that belong to them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from colonnade.common.errors import ColonnadeError
from colonnade.pruning.mask import ColumnMask


def conv_weight(model: nn.Module, name: str) -> Tensor:
    """The weight [Cout, Cin, KH, KW] of a convolution.

    Raises:
        ColonnadeError: no such layer, or one that is no convolution.
    """
    try:
        module = model.get_submodule(name)
    except AttributeError as error:
        raise ColonnadeError(f"layer {name}: no such layer in the model") from error
    if not isinstance(module, nn.Conv2d):
        raise ColonnadeError(f"layer {name}: not a convolution")
    return module.weight


def weight_matrix(weight: Tensor) -> NDArray[np.float32]:
    """A weight [Cout, Cin, KH, KW] as [Cout, K], K in (kh, kw, cin) order."""
    matrix: NDArray[np.float32] = as_matrix(weight).cpu().numpy()
    return matrix


def as_matrix(weight: Tensor) -> Tensor:
    """The same on its device."""
    return weight.detach().permute(0, 2, 3, 1).flatten(1)


def as_weight(matrix: Tensor, like: Tensor) -> Tensor:
    """A matrix [Cout, K] in the layout of the weight `like`, [Cout, Cin, KH, KW]."""
    out_channels, in_channels, height, width = like.shape
    return matrix.reshape(out_channels, height, width, in_channels).permute(0, 3, 1, 2)


def kept_weights(mask: ColumnMask, weight: Tensor) -> Tensor:
    """What `mask` keeps of a weight [Cout, Cin, KH, KW]: bool in its layout and on its device."""
    return as_weight(torch.from_numpy(mask.expand()).to(weight.device), weight)
