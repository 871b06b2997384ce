# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The report: one HTML file with everything inline, so that it opens offline."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from colonnade.common.files import read_json, write_text
from colonnade.report.bounds import bounds_summary, decomposition_rows, packing_summary
from colonnade.report.figures import cost_per_layer, throughput_bars
from colonnade.report.heatmap import candidates_by_tile
from colonnade.report.model import cycle_figures, sensitivity_summary, validation_summary
from colonnade.report.pareto import pareto_of
from colonnade.report.study import study_summary
from colonnade.report.tuning import stays_dense, tuner_quality
from colonnade.results.records import Accuracy, Claim, Provenance, Run
from colonnade.results.tables import ACCURACY, LAYERS, THROUGHPUT, read_table

_HERE = Path(__file__).parent


def write_report(
    claims: Path,
    provenance: Path,
    runs: Sequence[Path],
    evaluations: Sequence[Path],
    tables: Mapping[str, Path],
    target: Path,
) -> None:
    """Render the results of a run into the file `target`.

    Args:
        claims: `claims.json`.
        provenance: `provenance.json`.
        runs: the reports of single runs, in the order of the rows of `throughput.csv`.
        evaluations: the reports of top-1.
        tables: tables by name: throughput, accuracy and layers, and any of those that only some
            targets make. A section is left out where its table is.
        target: the file to write.

    Raises:
        ColonnadeError: one of the inputs is missing or damaged.
    """
    throughput = read_table(tables["throughput"], THROUGHPUT)
    accuracy = read_table(tables["accuracy"], ACCURACY)
    layers = read_table(tables["layers"], LAYERS)
    reports = [read_json(path, Run) for path in runs]
    labels = [series_label(row) for row in throughput.iter_rows(named=True)]
    html = (
        _environment()
        .get_template("report.html.j2")
        .render(
            claims=read_json(claims, list[Claim]),
            provenance=read_json(provenance, Provenance),
            throughput=throughput.rows(named=True),
            accuracy=accuracy.rows(named=True),
            logit_difference={
                each["checkpoint_sha256"]: each["max_abs_logit_difference"]
                for each in (read_json(path, Accuracy) for path in evaluations)
            },
            winners=_winners(layers),
            stays_dense=stays_dense(layers),
            tuner_quality=tuner_quality(tables.get("tuner_quality")),
            candidates=layers.select(
                "conv", "algorithm", "tile", "lmul", "panels", "kc_splits", "kept"
            )
            .unique()
            .height,
            throughput_figure=throughput_bars(labels, throughput),
            layers_figure=cost_per_layer(labels, reports),
            cycle_figures=cycle_figures(labels, reports),
            study=study_summary(tables.get("study_summary")),
            pareto_figure=pareto_of(tables.get("pareto")),
            bounds=bounds_summary(tables.get("bounds")),
            packing=packing_summary(tables.get("packing")),
            decomposition=decomposition_rows(tables.get("decomposition")),
            validation=validation_summary(tables.get("validation")),
            sensitivity=sensitivity_summary(tables.get("sensitivity")),
            candidates_figure=candidates_by_tile(layers),
        )
    )
    write_text(target, html)


def series_label(row: dict[str, Any]) -> str:
    """How a row of `throughput.csv` is called in figures."""
    return (
        f"{row['implementation']} {row['sparsity']:.0%}"
        if row["sparsity"]
        else row["implementation"]
    )


def _winners(layers: pl.DataFrame) -> list[dict[str, Any]]:
    """The chosen rows, one for each distinct convolution and kept columns, its layers counted."""
    chosen = layers.filter(pl.col("chosen") == 1)
    same = chosen.group_by("conv", "kept", maintain_order=True)
    return same.agg(
        pl.col("layer").first(),
        pl.len().alias("layers"),
        pl.exclude("layer").first(),
    ).rows(named=True)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["group"] = lambda value: f"{value:,}".replace(",", "\u202f")
    environment.filters["percent"] = lambda share: f"{100 * share:.0f}%"
    return environment
