# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where the speedup comes from: the factor of each step is the time of the step before over its own."""

from collections.abc import Sequence
from pathlib import Path

from colonnade.common.files import read_json
from colonnade.evaluation.runs import Step
from colonnade.evaluation.throughput import milliseconds
from colonnade.results.records import Run
from colonnade.results.tables import DECOMPOSITION, write_table
from colonnade.targets.target import Target


def decomposition_table(target: Target, runs: Sequence[tuple[Step, Path]], table: Path) -> None:
    """Write `decomposition.csv` from the steps and the reports of their runs.

    Raises:
        ColonnadeError: a report is missing or damaged.
    """
    rows = []
    before = None
    for step, path in runs:
        report = read_json(path, Run)
        ms = milliseconds(report, target)
        rows.append(
            {
                "model": report["model"],
                "step": step.name,
                "implementation": step.implementation,
                "sparsity": step.sparsity,
                "cycles": report["total"]["cycles"],
                "factor_to_previous": 1.0 if before is None else before / ms,
                "evidence": target.evidence,
            }
        )
        before = ms
    write_table(table, DECOMPOSITION, rows)
