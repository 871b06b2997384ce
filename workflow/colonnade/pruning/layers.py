# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Masks of a whole model: scores of its weights, and the masks that a plan makes of them."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Score
from colonnade.pruning.calibration import evaluation_mode, input_products, inverse_diagonal
from colonnade.pruning.mask import ColumnMask, make_mask
from colonnade.pruning.plan import Plan
from colonnade.pruning.weights import conv_weight, weight_matrix

Importances = Mapping[str, NDArray[np.floating]]
Masks = Mapping[str, ColumnMask]
Batches = Iterable[tuple[Tensor, Tensor]]


def importances(
    model: nn.Module, names: Iterable[str], score: Score, batches: Batches = ()
) -> dict[str, NDArray[np.floating]]:
    """The importance [Cout, K] of every weight of the named convolutions.

    `l1` and `l2` give w and w^2: their absolute values, summed over a tile's rows, rank columns as
    these norms do.
    `taylor` gives the mean over `batches` of (w * dL/dw)^2, the first-order estimate of how much
    the loss changes without w (Molchanov et al., arXiv 1906.10771), in evaluation mode.
    `second-order` gives w^2 / [H^-1]_kk with the layer's Hessian H = X^T X of its inputs over
    `batches`, damped: how much the squared error of the layer's output grows without w if the row's
    other weights make up for it (OBC, arXiv 2208.11580; Hassibi and Stork, 1992).

    Raises:
        ColonnadeError: a name that is no convolution, or no batch for `taylor` or `second-order`.
    """
    weights = {name: conv_weight(model, name) for name in names}
    if score == "l1":
        return {name: weight_matrix(weight) for name, weight in weights.items()}
    if score == "taylor":
        return _taylor(model, weights, batches)
    squares: dict[str, NDArray[np.floating]] = {
        name: np.square(weight_matrix(weight).astype(np.float64))
        for name, weight in weights.items()
    }
    if score == "l2":
        return squares
    products = input_products(model, list(weights), batches)
    return {name: each / inverse_diagonal(products[name]).numpy() for name, each in squares.items()}


def _taylor(
    model: nn.Module, weights: Mapping[str, Tensor], batches: Batches
) -> dict[str, NDArray[np.floating]]:
    total = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    count = 0
    with evaluation_mode(model):
        for count, (images, labels) in enumerate(batches, start=1):  # noqa: B007
            loss = cross_entropy(model(images), labels)
            gradients = torch.autograd.grad(loss, list(weights.values()))
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
                total[name] += (weight.detach() * gradient).square()
    if not count:
        raise ColonnadeError("score: taylor: needs at least one batch of training images")
    return {name: weight_matrix(each / count) for name, each in total.items()}


def make_masks(importance: Importances, plan: Plan, share: float = 1) -> dict[str, ColumnMask]:
    """One mask for every convolution of `plan`, with `share` of its sparsity (see `relaxed`).

    Raises:
        ColonnadeError: an impossible tile, or importances that are not finite; the layer is named.
    """
    masks = {}
    for name, layer in plan.items():
        try:
            masks[name] = make_mask(importance[name], layer.pattern.relaxed(share), layer.tile)
        except ColonnadeError as error:
            raise ColonnadeError(f"layer {name}: {error}") from error
    return masks


def sparsity_of(masks: Masks) -> float:
    """Share of the weights of all masked layers that is pruned."""
    sizes = {name: mask.k * mask.out_channels for name, mask in masks.items()}
    pruned = sum(mask.sparsity * sizes[name] for name, mask in masks.items())
    return pruned / sum(sizes.values())
