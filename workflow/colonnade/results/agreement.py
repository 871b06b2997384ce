# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How well the timing model meets published numbers, by kind of point and by what was fitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

# Fewer points have no order worth a number.
_ORDERED = 3
ALL_ROLES = "all"


@dataclass(frozen=True)
class KindSummary:
    """Points of one kind and role, without those that are exceptions.

    Errors are absolute, in percent. `rank_correlation` is Spearman's, of the points with the same unit
    and averaged over the units by their numbers of points; None where no unit has three.
    """

    group: str
    role: str
    points: int
    exceptions: int
    median: float
    largest: float
    largest_of: str
    rank_correlation: float | None


def summarise(rows: Sequence[Mapping[str, Any]]) -> Sequence[KindSummary]:
    """Summaries of the rows of `validation.csv`: of each kind, first of all roles, then of each."""
    found = []
    for group in dict.fromkeys(row["group"] for row in rows):
        of_group = [row for row in rows if row["group"] == group]
        roles = dict.fromkeys(row["role"] for row in of_group)
        found.append(_summary(group, ALL_ROLES, of_group))
        found += [
            _summary(group, role, [row for row in of_group if row["role"] == role])
            for role in roles
            if len(roles) > 1
        ]
    return found


def in_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The errors of kinds and roles: the table that docs/timing-model.md has."""
    lines = ["| kind | role | points | median | largest | of |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {each.group} | {each.role} | {each.points} | {each.median:.1f}% | {each.largest:.1f}%"
        f" | {each.largest_of} |"
        for each in summarise(rows)
        if each.points
    ]
    return "".join(f"{line}\n" for line in lines)


def _summary(group: str, role: str, rows: Sequence[Mapping[str, Any]]) -> KindSummary:
    counted = [row for row in rows if not row["exception"]]
    errors = pl.Series([abs(row["error_percent"]) for row in counted], dtype=pl.Float64)
    largest = max(counted, key=lambda row: abs(row["error_percent"]), default=None)
    return KindSummary(
        group=group,
        role=role,
        points=len(counted),
        exceptions=len(rows) - len(counted),
        median=_number(errors.median()),
        largest=_number(errors.max()),
        largest_of="" if largest is None else largest["point"],
        rank_correlation=_rank_correlation(counted),
    )


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _rank_correlation(rows: Sequence[Mapping[str, Any]]) -> float | None:
    weighted, points = 0.0, 0
    for unit in {row["unit"] for row in rows}:
        of_unit = [row for row in rows if row["unit"] == unit]
        if len(of_unit) >= _ORDERED:
            columns = {name: [row[name] for row in of_unit] for name in ("published", "modelled")}
            found = pl.DataFrame(columns).select(
                pl.corr("published", "modelled", method="spearman")
            )
            weighted += len(of_unit) * _number(found.item())
            points += len(of_unit)
    return weighted / points if points else None
