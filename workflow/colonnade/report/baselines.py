# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Sums of dense and pruned convolutions over a network."""

from typing import Any

import polars as pl

from colonnade.common.reference import REFERENCE


def convolution_sums(table: pl.DataFrame) -> list[dict[str, Any]]:
    """Each implementation of `dense_baselines.csv` over all convolutions, and the fastest dense of each.

    Keys: implementation, sparsity, cycles, and how many times as fast as XNNPACK's operators
    (`over_xnnpack`) and as the fastest dense implementation of every convolution (`over_fastest`).
    """
    dense = table.filter(pl.col("sparsity") == 0)
    ours = _by_conv(dense.filter(pl.col("implementation") == "colnm_dense"))
    fastest = _by_conv(dense)
    sums = []
    for (name, sparsity), group in table.group_by(
        "implementation", "sparsity", maintain_order=True
    ):
        sums.append((name, sparsity, _sum(ours | _by_conv(group), table)))
    sums.append(("the fastest dense of each", 0.0, _sum(fastest, table)))
    of_xnnpack = next(cycles for name, _, cycles in sums if name == REFERENCE)
    of_fastest = sums[-1][2]
    found = [
        {
            **{"implementation": name, "sparsity": sparsity, "cycles": cycles},
            **{"over_xnnpack": of_xnnpack / cycles, "over_fastest": of_fastest / cycles},
        }
        for name, sparsity, cycles in sums
    ]
    return sorted(found, key=lambda row: -row["cycles"])


def _by_conv(table: pl.DataFrame) -> dict[str, int]:
    """The fastest row's cycles by convolution."""
    best = table.group_by("conv").agg(pl.col("cycles").min())
    return dict(best.iter_rows())


def _sum(cycles: dict[str, int], table: pl.DataFrame) -> int:
    layers = dict(table.select("conv", "layers").unique().iter_rows())
    return sum(count * cycles[conv] for conv, count in layers.items())
