# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The figure of the paper's networks: how many times as fast as XNNPACK's dense, and as our dense."""

from pathlib import Path

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colonnade.common.files import write_text
from colonnade.report.figures import clear, colour, legend_above, marker, name_rows, svg
from colonnade.results.tables import THROUGHPUT, read_table

# A layout by the beginning of what its implementations are called.
LAYOUTS = {"colnm_": "channel-major throughout", "mixed_": "NHWC before the first stage"}


def write_paper_figure(table: Path, output: Path) -> None:
    """Draw `throughput.csv` of the paper's networks as SVG.

    Raises:
        ColonnadeError: the table is missing or damaged.
    """
    write_text(output, paper_figure(read_table(table, THROUGHPUT)) + "\n")


def paper_figure(table: pl.DataFrame) -> str:
    """A row for each network and sparsity, a mark for each layout: over XNNPACK, and over dense."""
    networks = table.select("model", "sparsity").unique(maintain_order=True).sort("sparsity")
    order = {name: place for place, name in enumerate(table["model"].unique(maintain_order=True))}
    rows = sorted(networks.rows(), key=lambda row: (order[row[0]], row[1]))
    figure = Figure(figsize=(8.5, 0.27 * len(rows) + 1.4))
    left, right = figure.subplots(1, 2, sharey=True)
    _mark(left, table, rows, over_dense=False)
    _mark(right, table, rows, over_dense=True)
    name_rows(left, [f"{model} {sparsity:.0%}" for model, sparsity in rows])
    left.set_xlabel("times as fast as XNNPACK's dense NHWC")
    right.set_xlabel("times as fast as dense in the same layout")
    legend_above(left, 2)
    return svg(figure, "Speedup of the paper's networks by sparsity and layout")


def _mark(
    axes: Axes, table: pl.DataFrame, rows: list[tuple[str, float]], *, over_dense: bool
) -> None:
    for index, (prefix, label) in enumerate(LAYOUTS.items()):
        layout = table.filter(pl.col("implementation").str.starts_with(prefix))
        speedups = {
            (row["model"], row["sparsity"]): row["speedup_vs_xnnpack_dense"]
            for row in layout.iter_rows(named=True)
        }
        found = [(place, row) for place, row in enumerate(rows) if row in speedups]
        values = [
            speedups[row] / (speedups[row[0], 0.0] if over_dense else 1.0) for _, row in found
        ]
        axes.plot(
            values,
            [place for place, _ in found],
            linestyle="none",
            marker=marker(index),
            color=colour(index + 1),
            label=label,
        )
    axes.set_xlim(left=0)
    clear(axes)
