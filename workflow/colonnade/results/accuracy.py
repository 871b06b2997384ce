# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The table of top-1 over the test split: PyTorch's, and the exported package's on emulated RISC-V."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from colonnade.common.files import read_json
from colonnade.results.records import Accuracy
from colonnade.results.tables import ACCURACY, write_table


def accuracy_table(
    model: str,
    dataset: str,
    reports: Sequence[tuple[Path, Mapping[str, Any]]],
    table: Path,
) -> None:
    """Write `accuracy.csv`, top-1 in percent, from evaluations; the first one is the dense one's.

    With each evaluation come the columns that say what is pruned: method, n, m and sparsity.
    """
    read = [(read_json(path, Accuracy), pattern) for path, pattern in reports]
    dense = 100 * read[0][0]["top1_torch"]
    rows = []
    for report, pattern in read:
        for executed_on, top, agreement in (
            ("torch", report["top1_torch"], 1.0),
            (report["target"], report["top1_target"], report["agreement"]),
        ):
            rows.append(
                {
                    **pattern,
                    "model": model,
                    "dataset": dataset,
                    "top1": 100 * top,
                    "top1_dense": dense,
                    "drop_points": dense - 100 * top,
                    "n_images": report["n_images"],
                    "executed_on": executed_on,
                    "agreement_with_torch": agreement,
                    "checkpoint_sha256": report["checkpoint_sha256"],
                }
            )
    write_table(table, ACCURACY, rows)
