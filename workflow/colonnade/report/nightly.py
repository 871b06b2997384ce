# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How the cycles of nightly runs went, night by night: a section of the report, and a page by itself."""

from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from colonnade.common.files import write_text
from colonnade.report.figures import FAINT, clear, colour, marker, svg
from colonnade.report.rendering import environment
from colonnade.results.tables import NIGHTS, read_table

# More names of commits than these could not be told apart.
_NAMED = 12
_COLUMNS = 2


def write_night_page(table: Path, target: Path) -> None:
    """Write the page of `nights.csv`, for nights without any other results."""
    text = environment().get_template("night.html.j2").render(**nights_of(table))
    write_text(target, text)


def nights_of(table: Path) -> dict[str, Any]:
    """What is shown of `nights.csv`: of each network its figure, and how many nights there are."""
    rows = read_table(table, NIGHTS)
    figures = [
        {"model": model, "figure": trend(str(model), nights)}
        for (model,), nights in rows.group_by("model", maintain_order=True)
    ]
    return {
        "figures": figures,
        "nights": rows["git_commit"].n_unique(),
        "without": rows.filter(pl.col("baseline_cycles").is_null())["run"]
        .unique()
        .sort()
        .to_list(),
    }


def trend(model: str, nights: pl.DataFrame) -> str:
    """Cycles of every run of a network over the nights, a plot for each kind of layers.

    They are in percent of the baseline's, or of the first night's where the baseline has no such run.
    """
    commits = nights["git_commit"].unique(maintain_order=True).to_list()
    kinds = nights["layers"].unique(maintain_order=True).to_list()
    runs = nights["run"].unique(maintain_order=True).to_list()
    rows = -(-len(kinds) // _COLUMNS)
    figure = Figure(figsize=(8.5, 2.3 * rows + 0.25 * len(runs) + 0.6), layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, sharex=True, squeeze=False).flatten()
    said = []
    for kind, plot in zip(kinds, axes, strict=False):
        plot.axhline(100, color=FAINT, linewidth=1, linestyle="--", label="the baseline")
        last = []
        for index, run in enumerate(runs):
            own = nights.filter(layers=kind, run=run)
            if own.is_empty():
                continue
            base = own["baseline_cycles"][0] or own["cycles"][0]
            percent = [100 * cycles / base for cycles in own["cycles"]]
            last.append(percent[-1])
            plot.plot(
                [commits.index(commit) for commit in own["git_commit"]],
                percent,
                marker=marker(index),
                color=colour(index),
                markersize=5,
                label=run.removeprefix(f"{model} at "),
            )
        said.append(f"{kind} {min(last):.2f} to {max(last):.2f}")
        plot.set_title(kind, loc="left", fontsize="medium")
        plot.ticklabel_format(axis="y", useOffset=False)
        clear(plot)
        plot.grid(axis="y", color=FAINT, alpha=0.35, linewidth=0.6)
    for plot in axes[len(kinds) :]:
        plot.set_visible(False)
    step = -(-len(commits) // _NAMED)
    named = range(0, len(commits), step)
    for plot in axes[: len(kinds)][-_COLUMNS:]:
        plot.set_xticks(named, [commits[index][:8] for index in named], rotation=45)
        plot.tick_params(labelbottom=True)
    figure.supylabel("modelled cycles, % of the baseline's")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", frameon=False, ncols=_COLUMNS)
    return svg(
        figure,
        f"Modelled cycles of {model} over {len(commits)} nights, in percent of the baseline's;"
        f" in the last one, by layers, least to most of {len(runs)} runs: {', '.join(said)}",
    )
