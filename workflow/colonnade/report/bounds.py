# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Figures about the kernels: bounds, and what packing costs."""

import polars as pl
from matplotlib.figure import Figure

from colonnade.common.reference import REFERENCE
from colonnade.report.figures import (
    COLOURS,
    MARKERS,
    clear,
    colour,
    legend_above,
    marker,
    name_rows,
    svg,
)


def achieved_and_possible(table: pl.DataFrame) -> str:
    """MAC per cycle of every convolution at each sparsity, and the bound of each as a tick."""
    convs = table["conv"].unique(maintain_order=True).to_list()
    labels = {"XNNPACK's dense": table.filter(pl.col("algorithm") == REFERENCE)}
    ours = table.filter(pl.col("algorithm") != REFERENCE)
    for sparsity in sorted(ours["sparsity"].unique().to_list()):
        labels[f"{100 * sparsity:.6g}% pruned"] = ours.filter(pl.col("sparsity") == sparsity)
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
            marker=marker(index),
            markersize=5,
            color=colour(index),
            label=label,
        )
        if index > 0:
            bounds = rows["bound_mac_per_cycle"].to_list()
            axes.plot(bounds, places, "|", markersize=9, color=colour(index))
    name_rows(axes, convs, fontsize=8)
    axes.set_xlim(left=0)
    axes.set_xlabel("useful MAC per cycle, modelled; a tick is what the core could do at most")
    legend_above(axes, 4)
    clear(axes)
    return svg(figure, "Multiply-accumulates per cycle and their bounds, by convolution")


def packed_and_direct(table: pl.DataFrame) -> str:
    """Cycles of the packed algorithm with its packing apart, and of direct, at the highest sparsity."""
    sparsity = max(table["sparsity"])
    rows = table.filter(pl.col("sparsity") == sparsity)
    names = rows["conv"].to_list()
    packing = [cycles / 1e6 for cycles in rows["packing_cycles"]]
    rest = [
        cycles / 1e6 - first for cycles, first in zip(rows["packed_cycles"], packing, strict=True)
    ]
    direct = [cycles / 1e6 for cycles in rows["direct_cycles"]]
    places = range(len(names))
    figure = Figure(figsize=(8.5, 0.3 * len(names) + 1.2))
    axes = figure.add_subplot()
    axes.barh(places, packing, height=0.6, color=COLOURS[5], label="packed: packing")
    axes.barh(places, rest, left=packing, height=0.6, color=COLOURS[6], label="packed: the rest")
    axes.plot(direct, places, MARKERS[2], markersize=5.5, color=COLOURS[1], label="direct")
    name_rows(axes, names, fontsize=8)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"million cycles at {sparsity:.0%}, modelled")
    legend_above(axes, 3)
    clear(axes)
    return svg(figure, "What packing costs, by convolution, and the direct algorithm")
