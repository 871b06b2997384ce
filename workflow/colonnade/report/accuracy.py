# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Figures of what pruning costs in accuracy: the study, and the search for per-layer patterns."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colonnade.report.figures import COLOURS, clear, colour, marker, svg


def study_figure(summary: pl.DataFrame, study: str = "study") -> str:
    """Mean top-1 of every run with its interval, a panel per sparsity, against the dense network.

    `summary` is `study_summary.csv`; its first row is that of the dense runs which drops count from.
    `study` says which study it is: figures of one page need descriptions of their own.
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
        f"top-1 in % on {dense['dataset']}, {dense['model']}, {_mean(dense['seeds'])},"
        f" measured{_refusal(dense)}"
    )
    return svg(figure, f"Top-1 by pattern and recipe: {study}")


def _mean(seeds: int) -> str:
    return f"mean of {seeds} seeds with 95% interval" if seeds > 1 else "one seed"


def _refusal(dense: dict[str, Any]) -> str:
    """What to say of a study whose fine-tuning harms the dense network."""
    if dense["control"] == "holds":
        return ""
    lost = f"{dense['control_drop_points']:.2f} points of validation top-1"
    return f"\nfine-tuning refused: by itself it costs the dense network {lost}"


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
            fmt=marker(index),
            color=colour(index + 1),
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


def tile_figure(table: pl.DataFrame) -> str:
    """Top-1 and time of `tile_curve.csv` over T, a column per sparsity and a line for each M."""
    fixed = table.filter(pl.col("tile") != "profiled").with_columns(pl.col("tile").cast(pl.Int64))
    panels = sorted(fixed["sparsity"].unique())
    figure = Figure(figsize=(8.5, 5), layout="constrained")
    grid = figure.subplots(2, max(1, len(panels)), sharex=True, sharey="row", squeeze=False)
    for place, sparsity in enumerate(panels):
        ours = fixed.filter(pl.col("sparsity") == sparsity)
        for index, (m, group) in enumerate(ours.group_by("m", maintain_order=True)):
            line = group.sort("tile")
            style = {"marker": marker(index), "color": colour(index), "label": f"M {m[0]}"}
            grid[0, place].plot(line["tile"], line["top1_mean"], lw=1, markersize=5, **style)
            timed = line.drop_nulls("conv_ms")
            grid[1, place].plot(timed["tile"], timed["conv_ms"], lw=1, markersize=5, **style)
        grid[0, place].set_title(f"{sparsity:.1%} pruned", fontsize=10)
        grid[1, place].set_xscale("log", base=2)
        grid[1, place].set_xticks(tiles := sorted(ours["tile"].unique()), list(map(str, tiles)))
        grid[1, place].set_xlabel("T")
    if panels:
        grid[0, 0].set_ylabel("top-1 in %, measured")
        grid[1, 0].set_ylabel(f"ms of all convolutions,\n{table['evidence'][0]}")
        grid[0, 0].legend(frameon=False, fontsize=8)
    for axes in grid.flat:
        clear(axes)
    return svg(figure, "Top-1 and time by tile")


def pareto_figure(table: pl.DataFrame) -> str:
    """Validation top-1 of every row of `pareto.csv` over the time of the network."""
    modelled = table["cycles"].null_count() == 0
    cost = table["cycles"] / 1e6 if modelled else table["ms"]
    points = table.with_columns(cost.cast(pl.Float64).alias("cost"))
    figure = Figure(figsize=(8.5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for index, (kind, group) in enumerate(points.group_by("kind", maintain_order=True)):
        axes.plot(
            group["cost"],
            group["validation_top1"],
            linestyle="none",
            marker=marker(index),
            markersize=7,
            color=colour(index),
            label=str(kind[0]),
        )
    front = points.filter(pl.col("on_front") == 1).sort("cost")
    axes.plot(front["cost"], front["validation_top1"], color=COLOURS[0], lw=1, zorder=0)
    for row in points.iter_rows(named=True):
        mark = " (chosen)" if row["chosen"] else ""
        axes.annotate(
            f"{row['network']} {row['speedup']:.2f}x{mark}",
            (row["cost"], row["validation_top1"]),
            xytext=(6, 4),
            textcoords="offset points",
            fontsize=8,
        )
    unit = "million cycles" if modelled else "milliseconds"
    axes.set_xlabel(f"{unit} of the network, {table['evidence'][0]}")
    axes.set_ylabel(f"validation top-1 in % on {table['dataset'][0]}, measured")
    axes.legend(frameon=False)
    clear(axes)
    return svg(figure, "Validation top-1 against the time of the network")
