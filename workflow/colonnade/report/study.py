# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Figure of the accuracy study."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colonnade.report.figures import COLOURS, MARKERS, clear, svg


def study_figure(summary: pl.DataFrame) -> str:
    """Mean top-1 of every run with its interval, a panel per sparsity, against the dense network.

    `summary` is `study_summary.csv`; its first row is that of the dense runs which drops count from.
    """
    dense = summary.row(0, named=True)
    rows = summary.rows(named=True)[1:]
    panels = sorted({row["sparsity"] for row in rows})
    heights = [sum(row["sparsity"] == each for row in rows) for each in panels]
    figure = Figure(figsize=(8.5, 0.3 * sum(heights) + 0.9 * len(panels)), layout="constrained")
    grid = figure.subplots(
        len(panels), sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for axes, sparsity in zip(grid[:, 0], panels, strict=True):
        _panel(axes, dense, [row for row in rows if row["sparsity"] == sparsity])
        axes.set_title(f"{sparsity:.1%} pruned" if sparsity else "dense", loc="left", fontsize=10)
    grid[-1, 0].set_xlabel(
        f"top-1 in % on {dense['dataset']}, {dense['model']}, mean of {dense['seeds']} seeds"
        " with 95% interval, measured"
    )
    return svg(figure, "Top-1 by pattern and recipe")


def _panel(axes: Axes, dense: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    half = dense["top1_interval"] or 0
    axes.axvline(dense["top1_mean"], color=COLOURS[0], linewidth=1)
    axes.axvspan(
        dense["top1_mean"] - half, dense["top1_mean"] + half, color=COLOURS[0], alpha=0.15, lw=0
    )
    methods = list(dict.fromkeys(row["method"] for row in rows))
    for place, row in enumerate(rows):
        index = methods.index(row["method"])
        axes.errorbar(
            row["top1_mean"],
            place,
            xerr=row["top1_interval"],
            fmt=MARKERS[index],
            color=COLOURS[index + 1],
            markersize=5,
            linewidth=1,
            capsize=2,
        )
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
    axes.invert_yaxis()
    clear(axes)


def _label(row: dict[str, Any]) -> str:
    group = f"{row['n']:g}:{row['m']}" if row["m"] not in (None, "full") else "all of K"
    if row["method"] in ("dense", "unstructured", "filters"):
        name = str(row["method"])
    elif row["method"] == "row-wise":
        name = f"row-wise {group}"
    else:
        name = f"column-wise {group}, T {row['tile']}"
    return name if row["recipe"] == "paper" else f"{name}, {row['recipe']}"
