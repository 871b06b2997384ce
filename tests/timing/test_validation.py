# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Whole kernels and the table of validation: what the model is for, and how well it does it."""

from statistics import median
from typing import Any

import pytest

from colonnade.results.tables import VALIDATION, read_table
from colonnade.validation import KERNEL_POINTS
from colonnade.validation.compare import held_out_errors, write_validation
from colonnade.validation.kernels import ORDERINGS

from .model import ROOT, WORK, TestedModel


@pytest.fixture(scope="module")
def rows(timing: TestedModel) -> list[dict[str, Any]]:
    table = ROOT / WORK / "validation.csv"
    write_validation(timing, table)
    return read_table(table, VALIDATION).rows(named=True)


@pytest.mark.parametrize("group", ["instruction", "kernel", "memory"])
def test_half_of_what_was_held_out_is_met_within_a_fifth(
    rows: list[dict[str, Any]], group: str
) -> None:
    errors = held_out_errors(rows, group)
    assert len(errors) >= 10
    assert median(errors) < 20


def test_every_point_is_in_the_table(rows: list[dict[str, Any]]) -> None:
    names = [row["point"] for row in rows if row["group"] != "instruction"]
    assert names == [point.name for point in KERNEL_POINTS]
    assert all(row["source"] for row in rows)


@pytest.mark.parametrize("names", ORDERINGS, ids=lambda names: names[0])
def test_what_is_faster_is_faster_in_the_model(
    rows: list[dict[str, Any]], names: tuple[str, ...]
) -> None:
    found = {row["point"]: row for row in rows}
    for column in ("published", "modelled"):
        values = [found[name][column] for name in names]
        assert values == sorted(values)
