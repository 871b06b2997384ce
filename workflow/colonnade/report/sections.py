# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Renders single sections, each from the files that it shows."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_text
from colonnade.report.accuracy import pareto_figure, study_figure, tile_figure
from colonnade.report.baselines import convolution_sums
from colonnade.report.bounds import achieved_and_possible, packed_and_direct
from colonnade.report.comparison import ratio_figure, settings_of
from colonnade.report.contents import SECTIONS
from colonnade.report.figures import cost_per_layer, throughput_bars
from colonnade.report.model import cycle_figures, validation_summary
from colonnade.report.nightly import nights_of
from colonnade.report.rendering import environment
from colonnade.report.schedules import candidates_by_tile, quality_summary, stays_dense, winners
from colonnade.report.words import SOURCES, WORDS
from colonnade.results.intervals import drop_interval, top1_interval
from colonnade.results.records import Accuracy, Claim, Provenance, Run, Shown
from colonnade.results.tables import (
    ACCURACY,
    BOUNDS,
    COMPARISON,
    DECOMPOSITION,
    DENSE_BASELINES,
    LAYERS,
    PACKING,
    PARETO,
    PHOTOGRAPH_AGREEMENT,
    PHOTOGRAPHS,
    REFINEMENT,
    SENSITIVITY,
    SENSITIVITY_RETUNED,
    SMALL_STUDY_SUMMARY,
    STUDY_SUMMARY,
    THROUGHPUT,
    TILE_CURVE,
    TUNER_QUALITY,
    VALIDATION,
    WHOLE,
    Schema,
    read_table,
)

Files = Sequence[Path]


def write_section(name: str, provenance: Path, files: Files, target: Path) -> None:
    """Render a section, a piece of the page, into the file `target`.

    Args:
        name: which of `contents.SECTIONS`.
        provenance: `provenance.json`, which captions of tables quote.
        files: what the section shows: see the functions of this module.
        target: the file to write.

    Raises:
        ColonnadeError: there is no such section, or one of the files is missing or damaged.
    """
    found = [section for section in SECTIONS if section.name == name]
    if not found:
        allowed = ", ".join(section.name for section in SECTIONS)
        raise ColonnadeError(f"section {name!r}: allowed: {allowed}")
    html = environment().get_template("section.html.j2")
    context = CONTEXTS[name](files)
    origin = read_json(provenance, Provenance)
    write_text(target, html.render(section=found[0], provenance=origin, **context))


def fastest_of(throughput: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The row of the fastest run; of equal ones the last."""
    return sorted(throughput, key=lambda row: float(row["speedup_vs_xnnpack_dense"]))[-1]


def _labels(throughput: pl.DataFrame) -> list[str]:
    """How the rows of `throughput.csv` are called in figures: patterns of one sparsity by n and m too."""
    rows = list(throughput.iter_rows(named=True))
    labels = [
        f"{row['implementation']} {100 * row['sparsity']:.6g}%"
        if row["sparsity"]
        else str(row["implementation"])
        for row in rows
    ]
    return [
        label if labels.count(label) == 1 else f"{label} ({row['n']:g} of {row['m']})"
        for label, row in zip(labels, rows, strict=True)
    ]


def _claims(files: Files) -> dict[str, Any]:
    """Of `claims.json`."""
    return {"claims": read_json(files[0], list[Claim]), "sources": SOURCES}


def _throughput(files: Files) -> dict[str, Any]:
    """Of `throughput.csv`."""
    table = read_table(files[0], THROUGHPUT)
    rows = table.rows(named=True)
    figure = throughput_bars(_labels(table), table)
    return {"rows": rows, "fastest": fastest_of(rows), "figure": figure}


def _accuracy(files: Files) -> dict[str, Any]:
    """Of `accuracy.csv`, then the reports of top-1."""
    rows = [
        {
            **row,
            "top1_interval": top1_interval(row["top1"], row["n_images"]),
            "drop_interval": drop_interval(row["top1_dense"], row["top1"], row["n_images"]),
        }
        for row in read_table(files[0], ACCURACY).iter_rows(named=True)
    ]
    reports = [read_json(path, Accuracy) for path in files[1:]]
    differences = {each["checkpoint_sha256"]: each["max_abs_logit_difference"] for each in reports}
    sources: Counter[str] = Counter()
    for report in reports:
        sources.update(report["schedule_sources"])
    return {"rows": rows, "logit_difference": differences, "sources": sources}


def _comparison(files: Files) -> dict[str, Any]:
    """Of `comparison.csv`."""
    table = read_table(files[0], COMPARISON)
    found: dict[str, Any] = {"settings": settings_of(table)}
    if table["speedup_vs_best_peer"].count():
        found["figure"] = ratio_figure(table)
    return found


def _photographs(files: Files) -> dict[str, Any]:
    """Of `photographs.csv`, `photograph_agreement.csv`, and the photographs themselves."""
    rows = read_table(files[0], PHOTOGRAPHS)
    pictures = read_json(files[2], Shown)["pictures"]
    by_run = rows.group_by("variant", "dtype", maintain_order=True).agg(
        photographs=pl.len(), same=pl.col("same_top1").sum(), difference=pl.col("difference").max()
    )
    first = rows.filter((pl.col("variant") == "dense") & (pl.col("dtype") == "f32"))
    return {
        "photographs": [
            {"name": name, "picture": pictures[name], "labels": labels.split("; ")}
            for name, labels in first.select("photograph", "labels").iter_rows()
        ],
        "target": rows["target"][0],
        "runs": by_run.rows(named=True),
        "agreement": read_table(files[1], PHOTOGRAPH_AGREEMENT).rows(named=True),
    }


def _layers(files: Files) -> dict[str, Any]:
    """Of `throughput.csv`, then the report of the run of each of its rows."""
    labels, reports = _runs(files)
    return {"figure": cost_per_layer(labels, reports)}


def _cycles(files: Files) -> dict[str, Any]:
    """Of the same."""
    labels, reports = _runs(files)
    figures = [
        {
            **{"role": role, "label": labels[index], "figure": figure},
            # Its name in the folder of results.
            "file": "/".join(files[1 + index].parts[-3:]),
        }
        for index, role, figure in cycle_figures(labels, reports)
    ]
    return {"figures": figures}


def _runs(files: Files) -> tuple[list[str], list[dict[str, Any]]]:
    labels = _labels(read_table(files[0], THROUGHPUT))
    if len(labels) != len(files) - 1:
        raise ColonnadeError(f"{files[0]}: {len(labels)} rows, but reports of {len(files) - 1}")
    return labels, [read_json(path, Run) for path in files[1:]]


def _schedules(files: Files) -> dict[str, Any]:
    """Of `layers.csv`."""
    table = read_table(files[0], LAYERS)
    candidate = ("conv", "algorithm", "tile", "lmul", "panels", "kc_splits", "kept")
    return {
        "candidates": table.select(candidate).unique().height,
        "winners": winners(table),
        "stays_dense": stays_dense(table),
        "figure": candidates_by_tile(table),
    }


def _refinement(files: Files) -> dict[str, Any]:
    """Of `refinement.csv`: what changed, and networks before and after."""
    table = read_table(files[0], REFINEMENT)
    whole = pl.col("key") == WHOLE
    return {
        "networks": table.filter(whole).rows(named=True),
        "tried": table.filter(~whole).height,
        "rows": table.filter(~whole & (pl.col("schedule") != pl.col("alone"))).rows(named=True),
    }


def _tuner_quality(files: Files) -> dict[str, Any]:
    """Of `tuner_quality.csv`."""
    return {"quality": quality_summary(read_table(files[0], TUNER_QUALITY))}


def _validation(files: Files) -> dict[str, Any]:
    """Of `validation.csv`."""
    return validation_summary(read_table(files[0], VALIDATION))


def _dense_baselines(files: Files) -> dict[str, Any]:
    """Of `dense_baselines.csv`."""
    return {"sums": convolution_sums(read_table(files[0], DENSE_BASELINES))}


def _rows_of(
    schema: Schema, figure: Callable[[pl.DataFrame], str] | None = None
) -> Callable[[Files], dict[str, Any]]:
    """Of one table: its rows, and a figure of them."""

    def context(files: Files) -> dict[str, Any]:
        table = read_table(files[0], schema)
        found: dict[str, Any] = {"rows": table.rows(named=True)}
        if figure is not None and not table.is_empty():
            found["figure"] = figure(table)
        return found

    return context


def _sensitivity(files: Files) -> dict[str, Any]:
    """Ranges over the band, and where schedules were tuned for some of its cores, what that gains."""
    table, *retuned = files
    return {
        "rows": read_table(table, SENSITIVITY).rows(named=True),
        "retuned": [
            row
            for path in retuned
            for row in read_table(path, SENSITIVITY_RETUNED).rows(named=True)
        ],
    }


CONTEXTS: Mapping[str, Callable[[Files], dict[str, Any]]] = {
    "claims": _claims,
    "throughput": _throughput,
    "accuracy": _accuracy,
    "small_study": _rows_of(SMALL_STUDY_SUMMARY, partial(study_figure, study="small study")),
    "study": _rows_of(STUDY_SUMMARY, study_figure),
    "tile_curve": _rows_of(TILE_CURVE, tile_figure),
    "pareto": _rows_of(PARETO, pareto_figure),
    "photographs": _photographs,
    "comparison": _comparison,
    "layers": _layers,
    "cycles": _cycles,
    "bounds": _rows_of(BOUNDS, achieved_and_possible),
    "packing": _rows_of(PACKING, packed_and_direct),
    "decomposition": _rows_of(DECOMPOSITION),
    "dense_baselines": _dense_baselines,
    "schedules": _schedules,
    "refinement": _refinement,
    "tuner_quality": _tuner_quality,
    "validation": _validation,
    "sensitivity": _sensitivity,
    "nightly": lambda files: nights_of(files[0]),
    "words": lambda _: {"words": WORDS},
    "provenance": lambda _: {},
}
