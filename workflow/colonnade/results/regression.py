# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Nightly regression of whole networks: modelled cycles are exact, measured time has noise."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_text
from colonnade.results.tables import THROUGHPUT, read_table

RUN = ["model", "batch", "image_px", "target", "vlen", "threads", "implementation"]
PATTERN = ["n", "m", "sparsity"]
"""Patterns may have one sparsity; the dense network's n and m are empty."""
LEAST_PERCENT = 5.0
"""Medians of measured time that differ by no more say nothing."""

Row = Mapping[str, Any]


def compare(table: Path, baseline: Path | None, allowed_percent: float, target: Path) -> None:
    """Write a report of each row beside the baseline's.

    Modelled cycles are compared exactly; measured time by its noise: see `measured_change`.

    Raises:
        ColonnadeError: a configuration takes over `allowed_percent` more cycles than before, or is
            slower by what was measured; all of them are named. Without a baseline and for new rows there
            is nothing to compare; the report says so where that leaves nothing.
    """
    ours = read_table(table, THROUGHPUT)
    if baseline is None:
        write_text(target, "no baseline yet; nothing compared\n")
        return
    both = ours.join(
        read_table(baseline, THROUGHPUT),
        on=[*RUN, *PATTERN],
        suffix="_baseline",
        maintain_order="left",
        nulls_equal=True,
    )
    lines, slower = [], []
    for row in both.iter_rows(named=True):
        if row["evidence"] != row["evidence_baseline"]:
            continue
        of = "" if row["m"] in (None, "full") else f" ({row['n']:g}:{row['m']})"
        name = f"{row['model']} {row['implementation']} at {row['sparsity']:.0%}{of}"
        if row["evidence"] == "measured":
            said, fails = measured_change(row)
        else:
            change = 100 * (row["cycles"] / row["cycles_baseline"] - 1)
            said = f"{row['cycles_baseline']} -> {row['cycles']} cycles ({change:+.2f}%)"
            fails = change > allowed_percent
        lines.append(f"{name}: {said}")
        if fails:
            slower.append(lines[-1])
    if slower:
        raise ColonnadeError("slower than the baseline:\n  " + "\n  ".join(slower))
    nothing = f"{baseline}: has no row of {table}; nothing compared"
    write_text(target, "\n".join(lines or [nothing]) + "\n")


def measured_change(row: Row) -> tuple[str, bool]:
    """What is said of measured time beside the baseline's, and whether it is slower.

    It is slower or faster where the medians differ by more than `LEAST_PERCENT` and than the distance of
    the quartiles in either run, and neither ran under load; otherwise it is not decided.
    """
    before, now = (1e3 * row["batch"] / row[f"images_per_s{end}"] for end in ("_baseline", ""))
    change = 100 * (now / before - 1)
    said = f"{before:.3f} -> {now:.3f} ms ({change:+.1f}%)"
    spreads = [row[f"spread_percent{end}"] for end in ("_baseline", "")]
    loaded = [row[f"under_load{end}"] for end in ("_baseline", "")]
    if None in spreads:
        return f"{said}: not decided: a run's spread is not known", False
    if any(loaded):
        return f"{said}: not decided: measured under load", False
    noise = max(LEAST_PERCENT, *spreads)
    if abs(change) <= noise:
        return f"{said}: not decided: within {noise:.1f}%", False
    return f"{said}: {'slower' if change > 0 else 'faster'}, by more than {noise:.1f}%", change > 0
