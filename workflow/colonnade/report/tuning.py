# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the report says of tuning, from its tables."""

from typing import Any

import polars as pl

from colonnade.common.reference import REFERENCE
from colonnade.results.tables import TOP


def stays_dense(layers: pl.DataFrame) -> list[dict[str, Any]]:
    """Convolutions that stay dense at a pattern they were profiled at: none of its rows is chosen.

    Each with its `layers`, the `sparsity`, and the time of the fastest pruned and dense candidate.
    """
    ours = layers.filter(pl.col("algorithm") != REFERENCE)
    best = ours.group_by("conv", "kept", maintain_order=True).agg(
        pl.col("sparsity").first(),
        pl.col("layer").unique(maintain_order=True).alias("layers"),
        pl.col("ms").min().alias("pruned_ms"),
        pl.col("chosen").max(),
    )
    dense = ours.filter(pl.col("sparsity") == 0).group_by("conv").agg(dense_ms=pl.col("ms").min())
    return (
        best.filter(pl.col("chosen") == 0)
        .join(dense, on="conv", maintain_order="left")
        .rows(named=True)
    )


def winners(layers: pl.DataFrame) -> list[dict[str, Any]]:
    """The chosen rows, one for each distinct convolution and kept columns, its layers counted."""
    chosen = layers.filter(pl.col("chosen") == 1)
    same = chosen.group_by("conv", "kept", maintain_order=True)
    return same.agg(
        pl.col("layer").first(),
        pl.len().alias("layers"),
        pl.exclude("layer").first(),
    ).rows(named=True)


def quality_summary(rows: pl.DataFrame) -> dict[str, Any]:
    """What `tuner_quality.csv` says of the cost model and of tuning, over all its searches."""
    loss = rows["tuned_loss_percent"].to_list()
    return {
        "searches": rows.height,
        "top": TOP,
        "hits": rows.filter(pl.col("rank_of_best") <= TOP).height,
        "mean_loss": sum(loss) / len(loss),
        "worst_loss": max(loss),
        "evidence": rows["evidence"][0],
    }
