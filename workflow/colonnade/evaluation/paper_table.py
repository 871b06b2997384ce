# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The table of the paper's networks."""

from collections.abc import Sequence
from pathlib import Path

from colonnade.common.files import read_json
from colonnade.config.schema import ThroughputConfig
from colonnade.evaluation.tables import write_throughput
from colonnade.results.records import PaperRun
from colonnade.targets.target import Target


def paper_table(
    target: Target, timed: ThroughputConfig, files: Sequence[Path], table: Path
) -> None:
    """Write `throughput.csv` of the runs of all networks.

    Raises:
        ColonnadeError: a file is missing or damaged.
    """
    runs = []
    for path in files:
        for each in read_json(path, list[PaperRun]):
            sparsity = each["sparsity"]
            pattern = {"n": 1 - sparsity, "m": "full"} if sparsity else {"n": None, "m": None}
            runs.append((target, each["run"], {**pattern, "sparsity": sparsity}))
    write_throughput(timed, runs, table)
