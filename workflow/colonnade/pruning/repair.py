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

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from colonnade.common.progress import track
from colonnade.models.layers import Node
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


# Elements of the matrix of inputs that are multiplied at once.
_ROWS = 1 << 24


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
    names = [conv.name for conv in network.graph.convs if conv.name in masks]
    with evaluation_mode(network), evaluation_mode(dense):
        # All images go on together, so that every layer runs once in either network.
        runs = [(network.walk(images), dense.walk(images)) for images in calibration]
        for name in track(names, "repair", len(names), "layer"):
            inputs = [(_reached(pruned, name), _reached(whole, name)) for pruned, whole in runs]
            conv = dense.get_submodule(name)
            assert isinstance(conv, nn.Conv2d)
            product, target = _products(conv, inputs)
            trained = as_matrix(conv.weight).to(product)
            solved = solve(product, target, trained, masks[name], damping)
            weight = conv_weight(network, name)
            weight.copy_(as_weight(solved, weight))


def _reached(run: Iterator[tuple[Node, tuple[Tensor, ...]]], name: str) -> Tensor:
    """What the convolution `name` reads, up to which a network runs on."""
    return next(given[0] for node, given in run if node.name == name)


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
        # Both at once: copying whole rows first takes longer than the factorisation.
        factor = torch.linalg.cholesky(system[columns[:, None], columns])
        solved[rows, columns] = torch.cholesky_solve(wanted[columns, rows], factor).T
    return solved


def _products(conv: nn.Conv2d, inputs: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """X^T X and X^T Y over all calibration images: of a few in float32, added up in float64.

    `inputs` are those of a layer, in the pruned network and in the dense one, whose layer `conv` is.
    """
    weight = as_matrix(conv.weight)
    size = weight.shape[1]
    product = torch.zeros(size, size, dtype=torch.float64, device=weight.device)
    target = torch.zeros(size, len(weight), dtype=torch.float64, device=weight.device)
    for pruned, dense in inputs:
        step = max(1, _ROWS // (size * pruned.shape[2] * pruned.shape[3]))
        for start in range(0, len(pruned), step):
            rows = input_rows(conv, pruned[start : start + step])
            # The same bias is added to both.
            wanted = input_rows(conv, dense[start : start + step]) @ weight.T
            product += rows.T @ rows
            target += rows.T @ wanted
    return product, target
