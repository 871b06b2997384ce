# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The table of the comparison: medians over rounds, their spread, and ratios to the best dense engine.

A ratio is taken in every round, between two times of the same minute; its median and its quartiles say
more than those of times of a machine that others use.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import truediv
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json
from colonnade.results.records import Compared
from colonnade.results.tables import COMPARISON, read_table, write_table

Row = Mapping[str, Any]
SETTING = ("model", "batch", "threads")


def comparison_table(measured: Sequence[Path], table: Path) -> None:
    """Write `comparison.csv` from what was measured of each network.

    Raises:
        ColonnadeError: a file is damaged, or no engine of others ran at some setting.
    """
    rows: list[dict[str, Any]] = []
    for path in measured:
        found: list[Row] = [*read_json(path, list[Compared])]
        for _, group in groupby(found, lambda row: [row[key] for key in SETTING]):
            rows += judge(list(group), str(path))
    write_table(table, COMPARISON, rows)


def judge(rows: Sequence[Row], source: str) -> list[dict[str, Any]]:
    """Rows of the table, of all that ran at one setting.

    Raises:
        ColonnadeError: no engine of others did; the message names `source`.
    """
    peers = [row for row in rows if row["kind"] == "peer" and row["round_ms"]]
    if not peers:
        reasons = "; ".join(
            f"{row['participant']}: {row['reason']}" for row in rows if row["reason"]
        )
        raise ColonnadeError(f"{source}: no engine to compare with has run: {reasons}")
    best = min(peers, key=lambda row: median(row["round_ms"]))
    return [_judge(row, best["round_ms"]) for row in rows]


def _judge(row: Row, best: Sequence[float]) -> dict[str, Any]:
    kept = {key: value for key, value in row.items() if key != "round_ms"}
    ms = row["round_ms"]
    times, ratios = _spread(ms), _spread([*map(truediv, best, ms)])
    return {
        **kept,
        "rounds": len(ms),
        **dict(zip(("ms_q1", "ms", "ms_q3"), times, strict=True)),
        "images_per_s": 1e3 * row["batch"] / times[1] if times[1] else None,
        **dict(zip(("speedup_q1", "speedup_vs_best_peer", "speedup_q3"), ratios, strict=True)),
        "evidence": "measured",
    }


def _spread(values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    """Quartiles and the median between them; None of nothing."""
    if not values:
        return None, None, None
    if len(values) == 1:
        return values[0], values[0], values[0]
    first, middle, third = quantiles(values, n=4, method="inclusive")
    return first, middle, third


def printed(table: Path) -> str:
    """The table as text: ratios with their quartiles, and what was said of noise.

    Raises:
        ColonnadeError: it is missing or damaged.
    """
    lines = []
    rows = read_table(table, COMPARISON).rows(named=True)
    for (model, batch, threads), group in groupby(
        rows, lambda row: tuple(row[key] for key in SETTING)
    ):
        some = list(group)
        lines.append(f"{model}, batch {batch}, {threads} threads; {noise(some)}")
        for row in some:
            name = f"{row['participant']} {row['variant']}"
            if row["ms"] is None:
                lines.append(f"  {name:34} not run: {row['reason']}")
            else:
                lines.append(
                    f"  {name:34} {row['ms']:9.2f} ms ({row['ms_q1']:.2f} to {row['ms_q3']:.2f})"
                    f" {row['speedup_vs_best_peer']:6.2f}x"
                    f" ({row['speedup_q1']:.2f} to {row['speedup_q3']:.2f})"
                )
    return "\n".join(lines)


def noise(rows: Sequence[Row]) -> str:
    """What is to be said of noise, of all rows of one setting."""
    first = rows[0]
    spread = max(
        (100 * (row["ms_q3"] - row["ms_q1"]) / row["ms"] for row in rows if row["ms"] is not None),
        default=0.0,
    )
    load = (
        f"others took {first['others_percent']:.0f}% of the machine, the hypervisor"
        f" {first['steal_percent']:.0f}%"
    )
    state = "UNDER LOAD" if first["under_load"] else "quiet"
    return f"{state}: {load}; quartiles of a time lie up to {spread:.0f}% apart"
