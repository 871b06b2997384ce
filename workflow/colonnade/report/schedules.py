# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the report says of tuning: the candidates of every convolution, and how good the choice is."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from colonnade.common.reference import REFERENCE
from colonnade.report.figures import svg
from colonnade.results.tables import SAME_PERCENT, TOP

# Times this much longer than the best, and all above, have the same colour.
_WORST = 1.3
# In steps, which the colour bar draws as shapes; a smooth one would be an embedded picture.
_COLOURS = matplotlib.colormaps["viridis_r"].resampled(12)


def candidates_by_tile(layers: pl.DataFrame) -> str:
    """Small multiples of `layers.csv`: a row for each convolution, a column for each sparsity.

    A cell is the best candidate of its T and LMUL that was run, by time relative to the fastest of
    the panel; the chosen one has a ring. Empty cells were not run.
    """
    ours = layers.filter(pl.col("algorithm") != REFERENCE)
    convs = ours["conv"].unique(maintain_order=True).to_list()
    sparsities = sorted(ours["sparsity"].unique().to_list())
    tiles, lmuls = (sorted(ours[name].unique().to_list()) for name in ("tile", "lmul"))
    figure = Figure(
        figsize=(3.2 * len(sparsities) + 1, 0.85 * len(convs) + 0.9), layout="constrained"
    )
    panels = figure.subplots(len(convs), len(sparsities), sharex=True, sharey=True, squeeze=False)
    shades = Normalize(1, _WORST)
    for conv, row in zip(convs, panels, strict=True):
        for sparsity, axes in zip(sparsities, row, strict=True):
            here = ours.filter((pl.col("conv") == conv) & (pl.col("sparsity") == sparsity))
            _panel(axes, here, tiles, lmuls, shades)
        row[0].set_title(conv, loc="left", fontsize=8)
    for sparsity, axes in zip(sparsities, panels[-1], strict=True):
        axes.set_xlabel(f"T at {sparsity:.0%} sparsity", fontsize=8)
    image = matplotlib.cm.ScalarMappable(shades, _COLOURS)
    bar = figure.colorbar(image, ax=panels, location="top", shrink=0.4, aspect=40, pad=0.01)
    bar.set_label(f"{ours['evidence'][0]} time, relative to the fastest of the panel", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    return svg(figure, "Time of the candidates of each convolution by tile and LMUL")


def _panel(
    axes: Axes, here: pl.DataFrame, tiles: Sequence[int], lmuls: Sequence[int], shades: Normalize
) -> None:
    axes.set_xticks(range(len(tiles)), [str(tile) for tile in tiles], fontsize=6)
    axes.set_yticks(range(len(lmuls)), [f"m{lmul}" for lmul in lmuls], fontsize=7)
    axes.set_xlim(-0.5, len(tiles) - 0.5)
    axes.set_ylim(-0.5, len(lmuls) - 0.5)
    axes.spines[:].set_color("#8a949c80")
    axes.tick_params(length=0)
    if here.is_empty():
        axes.text(0.5, 0.5, "not pruned", transform=axes.transAxes, ha="center", va="center")
        return
    best = here.group_by("tile", "lmul", maintain_order=True).agg(
        pl.col("ms").min(), pl.col("chosen").max()
    )
    x = [tiles.index(tile) for tile in best["tile"]]
    y = [lmuls.index(lmul) for lmul in best["lmul"]]
    times = (best["ms"] / best["ms"].min()).to_list()
    axes.scatter(x, y, c=times, cmap=_COLOURS, norm=shades, marker="s", s=46, linewidths=0)
    chosen = best.filter(pl.col("chosen") == 1)
    axes.scatter(
        [tiles.index(tile) for tile in chosen["tile"]],
        [lmuls.index(lmul) for lmul in chosen["lmul"]],
        facecolors="none",
        edgecolors="#d55e00",
        marker="o",
        s=30,
    )


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
    apart = rows["apart_percent"].drop_nulls()
    return {
        "searches": rows.height,
        "top": TOP,
        "hits": rows.filter(pl.col("rank_of_best") <= TOP).height,
        "mean_loss": sum(loss) / len(loss),
        "worst_loss": max(loss),
        "same_percent": SAME_PERCENT,
        "same": apart.filter(apart <= SAME_PERCENT).len(),
        "most_apart": apart.max(),
        "evidence": rows["evidence"][0],
    }
