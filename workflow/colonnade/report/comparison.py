# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks on this machine beside other engines: what `comparison.csv` says at each setting."""

from typing import Any

import polars as pl
from matplotlib.figure import Figure

from colonnade.report.figures import clear, colour, legend_above, name_rows, svg

SETTING = ("model", "batch", "threads")


def settings_of(table: pl.DataFrame) -> list[dict[str, Any]]:
    """Each setting with its rows, and what they share: the machine, and what else it did."""
    return [
        {**rows.row(0, named=True), "rows": rows.rows(named=True)}
        for _, rows in table.group_by(SETTING, maintain_order=True)
    ]


def ratio_figure(table: pl.DataFrame) -> str:
    """Speed of each participant at each setting against the best dense engine, with quartiles."""
    ran = table.filter(pl.col("speedup_vs_best_peer").is_not_null())
    ran = ran.with_columns(name=pl.format("{} {}", "participant", "variant"))
    names = ran["name"].unique(maintain_order=True).to_list()
    settings = list(ran.group_by(SETTING, maintain_order=True))
    figure = Figure(figsize=(8.5, 0.16 * len(names) * (len(settings) + 2) + 1))
    axes = figure.add_subplot()
    height = 0.8 / len(settings)
    for place, ((model, batch, threads), rows) in enumerate(settings):
        at = [names.index(name) - 0.4 + height * (place + 0.5) for name in rows["name"]]
        ratio = rows["speedup_vs_best_peer"]
        spread = [ratio - rows["speedup_q1"], rows["speedup_q3"] - ratio]
        axes.barh(
            at,
            ratio.to_list(),
            height=height,
            xerr=[each.to_list() for each in spread],
            color=colour(place),
            label=f"{model}, batch {batch}, threads {threads}",
        )
    axes.axvline(1, color="#111111", lw=0.8)
    name_rows(axes, names)
    axes.set_xlabel("times as fast as the best dense engine of others, measured")
    clear(axes)
    legend_above(axes, 2)
    return svg(figure, "Speed against the best dense engine of others")
