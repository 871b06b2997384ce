"""The part of the report about the kernels' bounds, and the decomposition of the speedup."""

from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from colonnade.report.figures import COLOURS, MARKERS, clear, legend_above, name_rows, svg
from colonnade.tables import BOUNDS, DECOMPOSITION, REFERENCE, read_if_made


def bounds_summary(results: Path) -> dict[str, Any] | None:
    """Rows and figure of `bounds.csv`; None where time is measured."""
    table = read_if_made(results / "tables/bounds.csv", BOUNDS)
    if table is None:
        return None
    return {"rows": table.rows(named=True), "figure": achieved_and_possible(table)}


def achieved_and_possible(table: pl.DataFrame) -> str:
    """MAC per cycle of every convolution at each sparsity, and the bound of each as a tick."""
    convs = table["conv"].unique(maintain_order=True).to_list()
    labels = {"XNNPACK's dense": table.filter(pl.col("algorithm") == REFERENCE)}
    ours = table.filter(pl.col("algorithm") != REFERENCE)
    for sparsity in sorted(ours["sparsity"].unique().to_list()):
        labels[f"{sparsity:.0%} pruned"] = ours.filter(pl.col("sparsity") == sparsity)
    figure = Figure(figsize=(8.5, 0.3 * len(convs) + 1.2))
    axes = figure.add_subplot()
    for index, (label, rows) in enumerate(labels.items()):
        # Apart from each other, so that no series hides another one.
        shift = 0.18 * (index - (len(labels) - 1) / 2)
        places = [convs.index(conv) + shift for conv in rows["conv"]]
        axes.plot(
            rows["mac_per_cycle"].to_list(),
            places,
            linestyle="none",
            marker=MARKERS[index],
            markersize=5,
            color=COLOURS[index],
            label=label,
        )
        if index > 0:
            bounds = rows["bound_mac_per_cycle"].to_list()
            axes.plot(bounds, places, "|", markersize=9, color=COLOURS[index])
    name_rows(axes, convs, fontsize=8)
    axes.set_xlim(left=0)
    axes.set_xlabel("useful MAC per cycle, modelled; a tick is what the core could do at most")
    legend_above(axes, 4)
    clear(axes)
    return svg(figure, "Multiply-accumulates per cycle and their bounds, by convolution")


def decomposition_rows(results: Path) -> list[dict[str, Any]] | None:
    """The rows of `decomposition.csv`; None where `snakemake kernel-figures` has not been run."""
    table = read_if_made(results / "tables/decomposition.csv", DECOMPOSITION)
    return None if table is None else table.rows(named=True)
