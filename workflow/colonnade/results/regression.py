# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Nightly regression: modelled cycles are exact, so they are compared exactly with the baseline's."""

from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_text
from colonnade.results.tables import THROUGHPUT, read_table

KEY = ["model", "batch", "image_px", "target", "vlen", "threads", "implementation", "sparsity"]


def compare(table: Path, baseline: Path | None, allowed_percent: float, target: Path) -> None:
    """Write a report of cycles against the baseline's.

    Raises:
        ColonnadeError: a configuration takes over `allowed_percent` more cycles than before; all
            of them are named. Without a baseline, for new rows and for time that was measured, there is
            nothing to compare; the report says so where that leaves nothing.
    """
    ours = read_table(table, THROUGHPUT)
    if baseline is None:
        write_text(target, "no baseline yet; nothing compared\n")
        return
    both = ours.join(
        read_table(baseline, THROUGHPUT), on=KEY, suffix="_baseline", maintain_order="left"
    )
    lines, slower = [], []
    for row in both.drop_nulls(["cycles", "cycles_baseline"]).iter_rows(named=True):
        change = 100 * (row["cycles"] / row["cycles_baseline"] - 1)
        name = f"{row['model']} {row['implementation']} at {row['sparsity']:.0%}"
        line = f"{name}: {row['cycles_baseline']} -> {row['cycles']} cycles ({change:+.2f}%)"
        lines.append(line)
        if change > allowed_percent:
            slower.append(line)
    if slower:
        raise ColonnadeError("slower than the baseline:\n  " + "\n  ".join(slower))
    nothing = f"{baseline}: has modelled cycles of no row of {table}; nothing compared"
    write_text(target, "\n".join(lines or [nothing]) + "\n")
