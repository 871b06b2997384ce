# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The Pareto front: validation top-1 against time, with uniform patterns beside per-layer ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from colonnade.budget.plan import Costs
from colonnade.common.files import write_text
from colonnade.config.data import DataConfig
from colonnade.config.training import TrainingConfig
from colonnade.evaluation.runs import Network
from colonnade.evaluation.top1 import judged, open_checkpoint
from colonnade.pruning.layers import sparsity_of
from colonnade.report.accuracy import pareto_figure
from colonnade.results.tables import PARETO, write_table
from colonnade.training.judge import measure


def write_front(
    networks: Sequence[tuple[Network, Path]],
    layers: Path,
    data: DataConfig,
    training: TrainingConfig,
    allowed_drop_points: float,
    table: Path,
    figure: Path,
) -> None:
    """Write `pareto.csv` and its figure; the first of `networks` is the dense one.

    Each network comes with its checkpoint. `on_front` marks networks that no other one beats in both
    top-1 and time; `chosen` the fastest one within the allowed drop. The test split is not touched.

    Raises:
        ColonnadeError: a damaged checkpoint, or other data than it was trained on.
    """
    costs = Costs(layers)
    rows: list[dict[str, Any]] = []
    for network, checkpoint in networks:
        source, images = open_checkpoint(checkpoint, data)
        with judged(source, training) as (model, hardware):
            _, top = measure(model, images.validation, hardware)
        ms, cycles = costs.total(source.info.plan)
        rows.append(
            {
                "network": network.name,
                "kind": network.kind,
                "dataset": data.name,
                "sparsity": sparsity_of(source.masks) if source.masks else 0.0,
                "validation_top1": 100 * top,
                "conv_cycles": cycles,
                "conv_ms": ms,
                "evidence": costs.evidence,
                "checkpoint_sha256": source.sha256,
            }
        )
    compared = judge(rows, allowed_drop_points)
    write_table(table, PARETO, compared)
    write_text(figure, pareto_figure(pl.DataFrame(compared, schema=dict(PARETO))))


def judge(rows: Sequence[Mapping[str, Any]], allowed_drop_points: float) -> list[dict[str, Any]]:
    """The rows with speedup and drop over the first one, and marks for the front and the choice."""
    dense = rows[0]
    fit = [
        row
        for row in rows
        if dense["validation_top1"] - row["validation_top1"] <= allowed_drop_points
    ]
    fastest = min(fit, key=lambda row: float(row["conv_ms"]))
    return [
        {
            **row,
            "drop_points": dense["validation_top1"] - row["validation_top1"],
            "conv_speedup": dense["conv_ms"] / row["conv_ms"],
            "on_front": int(not any(_beats(other, row) for other in rows)),
            "chosen": int(row is fastest),
        }
        for row in rows
    ]


def _beats(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """At least as good in both, better in one."""
    ours = (one["validation_top1"], -one["conv_ms"])
    theirs = (other["validation_top1"], -other["conv_ms"])
    return all(a >= b for a, b in zip(ours, theirs, strict=True)) and ours != theirs
