# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The parts of the report about the timing model: where cycles go, and how far it can be trusted."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from colonnade.report.figures import clear, colour, legend_above, marker, name_rows, svg
from colonnade.results.agreement import summarise

# What the model counts, by the name that the figure gives it.
REASONS = {
    "issuing": (),
    "waiting for a result": ("load_result", "result"),
    "cache misses": ("cache_miss",),
    "vector load/store unit busy": ("memory_unit",),
    "arithmetic unit busy": ("execute_unit",),
    "branches": ("branch",),
    "idle": ("idle",),
}


def cycles_by_reason(counters: Mapping[str, Any]) -> dict[str, int]:
    """Core cycles of a layer by what they went to; they add up to cycles times cores."""
    stalls = counters["stalls"]
    found = {name: sum(int(stalls[key]) for key in keys) for name, keys in REASONS.items()}
    found["issuing"] = counters["cycles"] * counters["threads"] - sum(stalls.values())
    return found


def where_cycles_go(label: str, report: Mapping[str, Any]) -> str:
    """Stacked bars, one for each layer of a run."""
    layers = report["layers"]
    names = [layer["name"] for layer in layers]
    shares = [cycles_by_reason(layer["counters"]) for layer in layers]
    figure = Figure(figsize=(8.5, 0.27 * len(names) + 1.2))
    axes = figure.add_subplot()
    left = [0.0] * len(names)
    for index, reason in enumerate(REASONS):
        widths = [share[reason] / 1e6 for share in shares]
        if not any(widths):
            continue
        axes.barh(
            names,
            widths,
            left=left,
            height=0.7,
            label=reason,
            color=colour(index),
            edgecolor="white",
            linewidth=0.4,
        )
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("million cycles of all cores, modelled")
    legend_above(axes, 3)
    clear(axes)
    return svg(figure, f"Where the cycles of {label} go, by layer")


def cycle_figures(
    labels: Sequence[str], reports: Sequence[Mapping[str, Any]]
) -> list[tuple[int, str, str]]:
    """Where the cycles go in the fastest run and in the first, the baseline; of modelled runs.

    Each with its index, and which of the two it is.
    """
    fastest = min(range(len(reports)), key=lambda index: int(reports[index]["total"]["cycles"]))
    chosen = {fastest: "the fastest run"} | {0: "the baseline"}
    return [
        (index, role, where_cycles_go(labels[index], reports[index]))
        for index, role in chosen.items()
    ]


def validation_summary(table: pl.DataFrame) -> dict[str, Any]:
    """Errors of the timing model by kind of point, points of whole kernels, and their figure.

    `table` is `validation.csv`.
    """
    points = table.filter(pl.col("group") != "instruction")
    return {
        "groups": summarise(table.rows(named=True)),
        "points": points.rows(named=True),
        "figure": published_and_modelled(points),
    }


def published_and_modelled(points: pl.DataFrame) -> str:
    """How far each modelled kernel is from what was published."""
    names = points["point"].to_list()
    figure = Figure(figsize=(8.5, 0.25 * len(names) + 0.9))
    axes = figure.add_subplot()
    axes.axvline(1, color="#aab4bc", linewidth=1)
    for index, role in enumerate(("fitted", "same source", "held out")):
        rows = [row for row, found in enumerate(points["role"]) if found == role]
        ratios = [points["modelled"][row] / points["published"][row] for row in rows]
        axes.plot(
            ratios,
            rows,
            linestyle="none",
            marker=marker(index),
            markersize=5.5,
            color=colour(index),
            label=role,
        )
    axes.set_xscale("log", base=2)
    axes.set_xlim(0.4, 5)
    axes.set_xticks([0.5, 0.8, 1, 1.25, 2, 4], ["0.5", "0.8", "1", "1.25", "2", "4"])
    name_rows(axes, names)
    axes.set_xlabel("modelled / published")
    legend_above(axes, 3)
    clear(axes)
    return svg(figure, "Modelled against published numbers of whole kernels")
