# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Least-squares repair: kept weights are solved anew so that layers give what the dense ones gave.

For every layer in execution order: with X [positions, K] what the pruned network feeds into it and Y
[positions, Cout] what the dense network has as its output, a tile that keeps columns S gets

    argmin over W_S of |X_S W_S^T - Y|^2 + damping * |W_S - W_S, trained|^2,

in closed form by the normal equations (Cholesky). Rows of a tile share X_S^T X_S, so a column-wise
mask costs one factorisation per tile. OBC (Frantar and Alistarh, arXiv 2208.11580) and SparseGPT
(arXiv 2301.00774) solve the same problem for rows that each have a mask of their own, on the dense
network's inputs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from colonnade.common.progress import track
from colonnade.models.module import Network
from colonnade.pruning.calibration import (
    damped,
    evaluation_mode,
    input_rows,
    require_ungrouped,
)
from colonnade.pruning.layers import Masks
from colonnade.pruning.mask import ColumnMask
from colonnade.pruning.weights import as_matrix, as_weight, conv_weight

# Batches of images [N, 3, H, W].
Calibration = Sequence[Tensor]


class _ReachedError(Exception):
    """The layer has seen its input; what follows in the network is not needed."""


@torch.no_grad()
def repair(
    network: Network, dense: Network, masks: Masks, calibration: Calibration, damping: float
) -> None:
    """Solve the kept weights of all masked layers of `network` anew, in place.

    `dense` is the network that it is to imitate, its channels in the same order. Weights outside
    the masks become zero. Both networks are left in the mode that they were in.

    Raises:
        ColonnadeError: a grouped convolution.
    """
    require_ungrouped(network, masks)
    with evaluation_mode(network), evaluation_mode(dense):
        names = [conv.name for conv in network.graph.convs if conv.name in masks]
        for name in track(names, "repair", len(names), "layer"):
            product, target = _products(network, dense, name, calibration)
            trained = as_matrix(conv_weight(dense, name)).to(product)
            solved = solve(product, target, trained, masks[name], damping)
            weight = conv_weight(network, name)
            weight.copy_(as_weight(solved, weight))


def solve(
    product: Tensor, target: Tensor, trained: Tensor, mask: ColumnMask, damping: float
) -> Tensor:
    """Weights [Cout, K] float64 that give the least squared error, zero outside `mask`.

    `product` is X^T X [K, K], `target` X^T Y [K, Cout], `trained` the weights [Cout, K] towards
    which `damping` pulls, in units of the mean diagonal of `product`.
    """
    solved = torch.zeros_like(trained)
    system = damped(product, damping)
    pull = (system - product).diagonal()[:, None]
    wanted = target + pull * trained.T
    for tile, keep in enumerate(torch.from_numpy(mask.keep).to(product.device)):
        columns = keep.nonzero()[:, 0]
        rows = slice(tile * mask.tile, min((tile + 1) * mask.tile, mask.out_channels))
        if len(columns) == 0:
            continue
        factor = torch.linalg.cholesky(system[columns][:, columns])
        solved[rows, columns] = torch.cholesky_solve(wanted[columns, rows], factor).T
    return solved


def _products(
    network: Network, dense: Network, name: str, calibration: Calibration
) -> tuple[Tensor, Tensor]:
    """X^T X and X^T Y of one layer over all calibration images, in float64."""
    conv, original = network.get_submodule(name), dense.get_submodule(name)
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(original, nn.Conv2d)
    weight = as_matrix(original.weight)
    size = weight.shape[1]
    product = torch.zeros(size, size, dtype=torch.float64, device=weight.device)
    target = torch.zeros(size, len(weight), dtype=torch.float64, device=weight.device)
    for images in calibration:
        rows = input_rows(conv, _input_of(network, conv, images))
        # The same bias is added to both.
        wanted = input_rows(original, _input_of(dense, original, images)) @ weight.T
        product += rows.T @ rows
        target += rows.T @ wanted
    return product, target


def _input_of(network: nn.Module, layer: nn.Module, images: Tensor) -> Tensor:
    """What `layer` is fed when `network` sees `images`; it does not run further."""
    seen: list[Tensor] = []

    def stop(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0])
        raise _ReachedError

    handle = layer.register_forward_pre_hook(stop)
    try:
        network(images)
    except _ReachedError:
        pass
    finally:
        handle.remove()
    return seen[0]
