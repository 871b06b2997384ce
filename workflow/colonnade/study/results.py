# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The results of the study: top-1 by run and seed, means with intervals, and the figure."""

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from colonnade.common.files import read_json, write_text
from colonnade.report.accuracy import study_figure
from colonnade.results.records import StudyEvaluation
from colonnade.results.tables import STUDIED_COLUMNS, STUDY, STUDY_SUMMARY, write_table
from colonnade.study.control import REFUSED, Control
from colonnade.study.runs import DENSE, START, Evaluated

CONFIDENCE = 0.95


def write_study(
    evaluated: Sequence[Evaluated],
    allowed_points: float,
    table: Path,
    summary: Path,
    figure: Path,
) -> None:
    """Write `study.csv` (a row per network), its summary (a row per run), and the figure.

    If fine-tuning costs the dense network more than `allowed_points` of validation top-1, the summary,
    the figure and a message on stderr say that it is refused.

    Drops count from the better of the dense runs, which validation images choose: a learning rate
    that suits pruned networks may harm dense ones. Its rows come first.

    Raises:
        ColonnadeError: a report is missing or damaged.
    """
    reports = [(each, read_json(each.report, StudyEvaluation)) for each in evaluated]
    reference = _best_dense(reports)
    reports.sort(key=lambda pair: pair[0].run.label != reference)
    dense = {each.seed: 100 * r["top1"] for each, r in reports if each.run.label == reference}
    rows = [_row(each, report, dense[each.seed]) for each, report in reports]
    write_table(table, STUDY, rows)
    control = _control(reports, allowed_points)
    summaries = [
        {**each, "control_drop_points": control.drop_points, "control": control.verdict}
        for each in _summaries(rows)
    ]
    if control.verdict == REFUSED:
        print(control.message, file=sys.stderr)
    write_table(summary, STUDY_SUMMARY, summaries)
    write_text(figure, study_figure(pl.DataFrame(summaries, schema=dict(STUDY_SUMMARY))))


def _best_dense(reports: Sequence[tuple[Evaluated, Mapping[str, Any]]]) -> str:
    """Label of the dense run with the highest mean validation top-1."""
    validation: dict[str, float] = {}
    for each, report in reports:
        if each.run.pattern is None:
            label = each.run.label
            validation[label] = validation.get(label, 0.0) + report["validation_top1"]
    return max(validation, key=lambda label: validation[label])


def _control(
    reports: Sequence[tuple[Evaluated, Mapping[str, Any]]], allowed_points: float
) -> Control:
    """What fine-tuning does to the dense networks, paired by seed."""
    found = {
        (each.run.label, each.seed): report["validation_top1"]
        for each, report in reports
        if each.run.pattern is None
    }
    seeds = sorted({seed for _, seed in found})
    trained, finetuned = ([found[label, seed] for seed in seeds] for label in (START, DENSE))
    return Control.of(trained, finetuned, allowed_points)


def _row(each: Evaluated, report: Mapping[str, Any], dense: float) -> dict[str, Any]:
    copied = ("model", "dataset", "epochs", "pruned_share", "n_images", "checkpoint_sha256")
    return {
        **each.run.columns(),
        **{key: report[key] for key in copied},
        "seed": each.seed,
        "top1": 100 * report["top1"],
        "validation_top1": 100 * report["validation_top1"],
        "top1_dense": dense,
        "drop_points": dense - 100 * report["top1"],
    }


def _summaries(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Means over seeds, in the order of the rows; drops are paired by seed."""
    keys = STUDIED_COLUMNS
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    found = []
    for key, group in groups.items():
        top, drop = ([row[name] for row in group] for name in ("top1", "drop_points"))
        found.append(
            {
                **dict(zip(keys, key, strict=True)),
                "seeds": len(group),
                "top1_mean": float(np.mean(top)),
                "top1_interval": half_interval(top),
                "validation_top1_mean": float(np.mean([row["validation_top1"] for row in group])),
                "drop_mean": float(np.mean(drop)),
                "drop_interval": half_interval(drop) if any(drop) else None,
            }
        )
    return found


def half_interval(values: Sequence[float]) -> float | None:
    """Half the width of Student's 95% interval of the mean; None for a single value."""
    if len(values) < 2:
        return None
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    return quantile * error
