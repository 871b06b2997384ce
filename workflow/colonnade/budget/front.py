# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The Pareto front: validation top-1 against time, with uniform patterns beside per-layer ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from colonnade.budget.plan import Costs
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_text
from colonnade.config.data import DataConfig
from colonnade.config.training import TrainingConfig
from colonnade.evaluation.runs import PER_LAYER, UNIFORM, Network
from colonnade.evaluation.tables import milliseconds
from colonnade.evaluation.top1 import judged, open_checkpoint
from colonnade.pruning.layers import sparsity_of
from colonnade.report.accuracy import pareto_figure
from colonnade.results.records import Run
from colonnade.results.tables import PARETO, write_table
from colonnade.targets.target import Target
from colonnade.training.judge import measure


def write_front(
    networks: Sequence[tuple[Network, Path, Path]],
    costs: Costs,
    target: Target,
    batch: int,
    data: DataConfig,
    training: TrainingConfig,
    allowed_drop_points: float,
    table: Path,
    figure: Path,
) -> None:
    """Write `pareto.csv` and its figure; the first of `networks` is the dense one.

    Each network comes with its checkpoint, and with the report of its run on `target`, of `batch` images.
    `on_front` marks networks that no other one beats in both top-1 and time; `chosen` the fastest one
    within the allowed drop. The test split is not touched.

    Raises:
        ColonnadeError: a damaged checkpoint, other data than it was trained on, or a run of another one.
    """
    rows: list[dict[str, Any]] = []
    for network, checkpoint, report in networks:
        source, images = open_checkpoint(checkpoint, data)
        with judged(source, training) as (model, hardware):
            _, top = measure(model, images.validation, hardware)
        run = read_json(report, Run)
        if run["checkpoint_sha256"] != source.sha256:
            raise ColonnadeError(f"{report}: not a run of {checkpoint}")
        conv_ms, conv_cycles = costs.total(source.info.plan)
        ms = milliseconds(run, target)
        rows.append(
            {
                "network": network.name,
                "kind": network.kind,
                "dataset": data.name,
                "sparsity": sparsity_of(source.masks) if source.masks else 0.0,
                "validation_top1": 100 * top,
                "conv_cycles": conv_cycles,
                "conv_ms": conv_ms,
                "cycles": run["total"]["cycles"],
                "ms": ms,
                "images_per_s": 1000 * batch / ms,
                "evidence": target.evidence,
                "checkpoint_sha256": source.sha256,
            }
        )
    compared = judge(rows, allowed_drop_points)
    write_table(table, PARETO, compared)
    write_text(figure, pareto_figure(pl.DataFrame(compared, schema=dict(PARETO))))


def judge(rows: Sequence[Mapping[str, Any]], allowed_drop_points: float) -> list[dict[str, Any]]:
    """The rows with speedup and drop over the first one, and marks for the front and the choice.

    A uniform row has `saved_percent`, too: how much less time the fastest network with a pattern per
    layer takes that is at least as accurate; below 0 where that is slower, none where there is none.
    """
    dense = rows[0]
    fit = [
        row
        for row in rows
        if dense["validation_top1"] - row["validation_top1"] <= allowed_drop_points
    ]
    fastest = min(fit, key=lambda row: float(row["ms"]))
    return [
        {
            **row,
            "drop_points": dense["validation_top1"] - row["validation_top1"],
            "conv_speedup": dense["conv_ms"] / row["conv_ms"],
            "speedup": dense["ms"] / row["ms"],
            "saved_percent": _saved_percent(row, rows),
            "on_front": int(not any(_beats(other, row) for other in rows)),
            "chosen": int(row is fastest),
        }
        for row in rows
    ]


def _saved_percent(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> float | None:
    better = [
        float(each["ms"])
        for each in rows
        if each["kind"] == PER_LAYER and each["validation_top1"] >= row["validation_top1"]
    ]
    return 100 * (1 - min(better) / row["ms"]) if row["kind"] == UNIFORM and better else None


def _beats(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """At least as good in both, better in one."""
    ours = (one["validation_top1"], -one["ms"])
    theirs = (other["validation_top1"], -other["ms"])
    return all(a >= b for a, b in zip(ours, theirs, strict=True)) and ours != theirs
