# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Figures of the report, as inline SVG."""

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette, distinguishable with any colour vision; markers tell the series apart in
# black and white too.
COLOURS = ("#5f6b76", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#111111")
MARKERS = ("s", "o", "D", "^", "v", "P", "X", "*")
# Of lines that may be seen on white and on black.
FAINT = "#8a949c"
# The same file for the same numbers.
matplotlib.rcParams["svg.hashsalt"] = "colonnade"
# Text stays text: it can be searched, and takes the page's font.
matplotlib.rcParams["svg.fonttype"] = "none"
matplotlib.rcParams["font.family"] = "sans-serif"


def svg(figure: Figure, description: str) -> str:
    """The figure as an element for the page; `description` is for those who cannot see it."""
    buffer = io.StringIO()
    figure.savefig(
        buffer, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None}
    )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    # Figures of one page may not share ids, and black would vanish in the dark.
    own = re.sub(r"\W+", "-", description)
    text = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{own}-", text).replace(
        "#000000", "currentColor"
    )
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(description)}"', 1)


def colour(index: int) -> str:
    """That of a series: there may be more of them than colours."""
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    """That of a series; of equal colour, eight series further on, it is another one."""
    return MARKERS[(index + index // len(COLOURS)) % len(MARKERS)]


def clear(axes: Axes) -> None:
    """Leave of the frame what helps reading: a grid across the bars."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=FAINT, alpha=0.35, linewidth=0.6)
    axes.set_axisbelow(True)


def name_rows(axes: Axes, names: Sequence[str], **text: Any) -> None:
    """Name the rows from 0 down; `text` are properties of the names."""
    axes.set_yticks(range(len(names)), names, **text)
    axes.set_ylim(len(names) - 0.4, -0.6)


def legend_above(axes: Axes, columns: int) -> None:
    """A legend of so many columns that hides no data."""
    axes.legend(frameon=False, ncols=columns, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)


def throughput_bars(labels: Sequence[str], table: pl.DataFrame) -> str:
    """Images per second of every row of `throughput.csv`."""
    values = table["images_per_s"].to_list()
    figure = Figure(figsize=(8.5, 0.5 * len(values) + 0.8))
    axes = figure.add_subplot()
    colours = [colour(index) for index in range(len(values))]
    bars = axes.barh(range(len(values)), values, height=0.62, color=colours)
    speedups = table["speedup_vs_xnnpack_dense"].to_list()
    notes = [f"{v:.2f}   ({s:.2f}x)" for v, s in zip(values, speedups, strict=True)]
    axes.bar_label(bars, notes, padding=5)
    name_rows(axes, labels)
    axes.set_xlim(0, 1.2 * max(values))
    axes.set_xlabel(f"images per second, {table['evidence'][0]}")
    clear(axes)
    return svg(figure, "Images per second by implementation")


def cost_per_layer(labels: Sequence[str], reports: Sequence[Mapping[str, Any]]) -> str:
    """Cost of each layer in each run: millions of modelled cycles, or measured milliseconds."""
    modelled = all(report["total"]["cycles"] is not None for report in reports)
    names = list(dict.fromkeys(layer["name"] for r in reports for layer in r["layers"]))
    figure = Figure(figsize=(8.5, 0.27 * len(names) + 1.2))
    axes = figure.add_subplot()
    rows = range(len(names))
    costs = [_costs(report, names, modelled) for report in reports]
    axes.hlines(
        rows, 0, [max(each) for each in zip(*costs, strict=True)], color=FAINT, alpha=0.25, lw=4
    )
    for index, (label, cost) in enumerate(zip(labels, costs, strict=True)):
        axes.plot(
            cost,
            rows,
            linestyle="none",
            marker=marker(index),
            markersize=6,
            color=colour(index),
            label=label,
        )
    name_rows(axes, names)
    axes.set_xlim(left=0)
    axes.set_xlabel("million cycles, modelled" if modelled else "milliseconds, measured")
    legend_above(axes, min(4, len(labels)))
    clear(axes)
    return svg(figure, "Cost of each layer by implementation")


def _costs(report: Mapping[str, Any], names: Sequence[str], modelled: bool) -> list[float]:
    """Cost by layer name; 0 for a layer that this run fused into another one."""
    found = {
        layer["name"]: layer["cycles"] / 1e6 if modelled else layer["seconds"] * 1e3
        for layer in report["layers"]
    }
    return [float(found.get(name, 0)) for name in names]
