# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Figure of the search for per-layer patterns."""

import polars as pl
from matplotlib.figure import Figure

from colonnade.report.figures import COLOURS, MARKERS, clear, svg


def pareto_figure(table: pl.DataFrame) -> str:
    """Validation top-1 of every row of `pareto.csv` over the cost of its convolutions."""
    modelled = table["conv_cycles"].null_count() == 0
    cost = table["conv_cycles"] / 1e6 if modelled else table["conv_ms"]
    points = table.with_columns(cost.cast(pl.Float64).alias("cost"))
    figure = Figure(figsize=(8.5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for index, (kind, group) in enumerate(points.group_by("kind", maintain_order=True)):
        axes.plot(
            group["cost"],
            group["validation_top1"],
            linestyle="none",
            marker=MARKERS[index],
            markersize=7,
            color=COLOURS[index],
            label=str(kind[0]),
        )
    front = points.filter(pl.col("on_front") == 1).sort("cost")
    axes.plot(front["cost"], front["validation_top1"], color=COLOURS[0], lw=1, zorder=0)
    for row in points.iter_rows(named=True):
        mark = " (chosen)" if row["chosen"] else ""
        axes.annotate(
            f"{row['network']} {row['conv_speedup']:.2f}x{mark}",
            (row["cost"], row["validation_top1"]),
            xytext=(6, 4),
            textcoords="offset points",
            fontsize=8,
        )
    unit = "million cycles" if modelled else "milliseconds"
    axes.set_xlabel(f"{unit} of all convolutions, {table['evidence'][0]}")
    axes.set_ylabel(f"validation top-1 in % on {table['dataset'][0]}, measured")
    axes.legend(frameon=False)
    clear(axes)
    return svg(figure, "Validation top-1 against the cost of all convolutions")
