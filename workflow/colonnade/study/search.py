# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The search for a fine-tuning: candidates compared on validation images alone, and recorded.

Each candidate fine-tunes the dense network, as control, and a pruned one. Of those that the dense
network does not lose by, the one is chosen whose pruned network is right most often.
"""

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from colonnade.common.errors import ColonnadeError
from colonnade.config.training import AdamWConfig, PhaseConfig
from colonnade.results.tables import RECIPE_SEARCH, write_table
from colonnade.study.control import HOLDS, Control


class Tried(NamedTuple):
    """Metrics files (CSV, a row per epoch) of a candidate: of its dense network and its pruned one."""

    control: Path
    pruned: Path


def write_search(
    candidates: Mapping[str, PhaseConfig],
    sparsity: float,
    allowed_points: float,
    start: Path,
    tried: Sequence[Tried],
    table: Path,
) -> None:
    """Write `recipe_search.csv`, a row per candidate, in their order.

    `start` holds the metrics of the dense network that all candidates start from. If the dense network
    loses more than `allowed_points` of validation top-1 by every candidate, none is chosen, and a
    message on stderr says so.

    Raises:
        ColonnadeError: a metrics file is missing or damaged.
    """
    trained = final_top1(start)
    rows = []
    for (name, phase), files in zip(candidates.items(), tried, strict=True):
        finetuned = final_top1(files.control)
        control = Control.of([trained], [finetuned], allowed_points)
        rows.append(
            {
                "candidate": name,
                **_settings(phase),
                "sparsity": sparsity,
                "dense_validation_top1": 100 * trained,
                "control_validation_top1": 100 * finetuned,
                "control_drop_points": control.drop_points,
                "control": control.verdict,
                "pruned_validation_top1": 100 * final_top1(files.pruned),
            }
        )
    chosen = _chosen(rows)
    if chosen is None:
        print(
            f"recipe-search: the dense network loses more than study.control_drop_points:"
            f" {allowed_points:g} by every candidate; none is chosen",
            file=sys.stderr,
        )
    write_table(table, RECIPE_SEARCH, [{**row, "chosen": int(row is chosen)} for row in rows])


def _chosen(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    held = [row for row in rows if row["control"] == HOLDS]
    # The first of equals wins.
    return max(held, key=lambda row: row["pruned_validation_top1"], default=None)


def _settings(phase: PhaseConfig) -> dict[str, Any]:
    warmup = getattr(phase.schedule, "warmup_epochs", None)
    return {
        "optimizer": phase.optimizer.name,
        "lr": phase.optimizer.lr,
        "weight_decay": phase.optimizer.weight_decay,
        "momentum": None if isinstance(phase.optimizer, AdamWConfig) else phase.optimizer.momentum,
        "schedule": phase.schedule.name,
        "warmup_epochs": warmup,
        "epochs": phase.epochs,
        "batch_size": phase.batch_size,
        "label_smoothing": phase.label_smoothing,
        "average": phase.average,
        "norm_batches": phase.norm_batches,
    }


def final_top1(metrics: Path) -> float:
    """Validation top-1, a share, after the last epoch of a metrics file.

    Raises:
        ColonnadeError: it is missing, has no epoch, or is damaged.
    """
    try:
        with metrics.open(newline="") as stream:
            *_, last = csv.DictReader(stream)
        return float(last["validation_top1"])
    except OSError as error:
        raise ColonnadeError(f"{metrics}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ColonnadeError(f"{metrics}: no metrics of a training with epochs") from error
