# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Masks of a package's convolutions, and their weights with zeros where they are pruned."""

import numpy as np
from numpy.typing import NDArray

from colonnade.package.archive import Package
from colonnade.pruning.mask import ColumnMask


def expand(values: NDArray[np.float32], mask: ColumnMask) -> NDArray[np.float32]:
    """The inverse of `compress`: the matrix [Cout, K] with zeros in all other places."""
    matrix = np.zeros((mask.out_channels, mask.k), dtype=np.float32)
    offset = 0
    for start, columns in zip(range(0, len(matrix), mask.tile), mask.columns, strict=True):
        rows = matrix[start : start + mask.tile]
        size = len(rows) * mask.kept
        rows[:, columns] = values[offset : offset + size].reshape(mask.kept, len(rows)).T
        offset += size
    return matrix


def mask_of(package: Package, name: str) -> ColumnMask | None:
    """The mask of a convolution; None if it is dense."""
    node = package.node(name)
    if node["pattern"] is None:
        return None
    k = node["in_channels"] * node["kernel"][0] * node["kernel"][1]
    columns = package.tensors[f"{name}.columns"].astype(np.int64)
    return ColumnMask.from_columns(node["tile"], columns, k, node["out_channels"])


def dense_weight(package: Package, name: str) -> NDArray[np.float32]:
    """Weight [Cout, KH, KW, Cin] of a convolution."""
    node, mask = package.node(name), mask_of(package, name)
    if mask is None:
        return np.asarray(package.tensors[f"{name}.weight"], dtype=np.float32)
    matrix = expand(package.tensors[f"{name}.values"], mask)
    return matrix.reshape(node["out_channels"], *node["kernel"], node["in_channels"])
