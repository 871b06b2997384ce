# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Whole kernels and the table of validation: what the model is for, and how well it does it."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import pytest

from colonnade.results.agreement import ALL_ROLES, summarise
from colonnade.validation import KERNEL_POINTS, Region
from colonnade.validation.compare import kernel_regions, validation_rows
from colonnade.validation.kernels import ORDERINGS, SLOWER, Run

from .model import TestedModel

# Instructions of whole programs in millions, as perf counted them. Ours lack the initialisation.
PUBLISHED_INSTRUCTIONS = {
    ("gemm-scalar", 4): 5412,
    ("gemm-compiler", 8): 1562,
    ("gemm-multiply-add", 8): 793,
    ("gemm-fused", 8): 782,
    ("gemm-tiles-64", 64): 675,
    ("gemm-four-rows", 64): 674,
}
INITIALISATION, ROWS = 565, 2000


# Median and largest error in percent of the points of a kind and role.
BOUNDS = {
    ("instruction", "fitted"): (1, 10),
    ("instruction", "same source"): (1, 34),
    ("element-wise", ALL_ROLES): (7, 16),
    ("element-wise", "held out"): (10, 10),
    ("memory", ALL_ROLES): (5, 10),
    ("GEMM", "fitted"): (10, 12),
    ("GEMM", "same source"): (10, 15),
    ("GEMM", "held out"): (20, 25),
    ("convolution", ALL_ROLES): (10, 12),
}
# Of products and convolutions that nothing was fitted to.
HELD_OUT_POINTS, HELD_OUT_MEDIAN, HELD_OUT_LARGEST = 6, 15, 35
EXCEPTIONS = {
    "utf8_count m1, DRAM",
    "utf8_count m2, DRAM",
    "utf8_count m4, DRAM",
    "strlen m1, DRAM",
    "f32 2000x3000x100, eight sums, m2, 8 cores",
}


@pytest.fixture(scope="module")
def regions(timing: TestedModel) -> Mapping[Run, Region]:
    return kernel_regions(timing)


@pytest.fixture(scope="module")
def rows(timing: TestedModel, regions: Mapping[Run, Region]) -> Sequence[Mapping[str, Any]]:
    return validation_rows(timing, regions)


def test_every_point_is_in_the_table(rows: Sequence[Mapping[str, Any]]) -> None:
    names = [row["point"] for row in rows if row["group"] != "instruction"]
    assert names == [point.name for point in KERNEL_POINTS]
    assert all(row["source"] for row in rows)


@pytest.mark.parametrize(("kind", "role"), BOUNDS)
def test_points_of_a_kind_are_met_within_its_bounds(
    rows: Sequence[Mapping[str, Any]], kind: str, role: str
) -> None:
    (found,) = [each for each in summarise(rows) if (each.group, each.role) == (kind, role)]
    most, largest = BOUNDS[kind, role]
    assert found.points > 1
    assert found.median < most
    assert found.largest < largest, found.largest_of


def test_products_and_convolutions_that_nothing_was_fitted_to_are_met(
    rows: Sequence[Mapping[str, Any]],
) -> None:
    errors = [
        abs(row["error_percent"])
        for row in rows
        if row["role"] == "held out" and row["group"] in {"GEMM", "convolution"}
    ]
    assert len(errors) >= HELD_OUT_POINTS
    assert median(errors) < HELD_OUT_MEDIAN
    assert max(errors) < HELD_OUT_LARGEST


def test_every_kind_has_its_order(rows: Sequence[Mapping[str, Any]]) -> None:
    found = {
        each.group: each.rank_correlation for each in summarise(rows) if each.role == ALL_ROLES
    }
    assert set(found) == {
        *("instruction", "element-wise", "memory", "GEMM", "convolution", "several cores")
    }
    assert all(each is None or each > 0.8 for each in found.values())


def test_exceptions_are_these_and_each_has_a_reason(rows: Sequence[Mapping[str, Any]]) -> None:
    assert {row["point"] for row in rows if row["exception"]} == EXCEPTIONS
    assert all(len(row["exception"]) > 40 for row in rows if row["exception"])


@pytest.mark.parametrize("run", PUBLISHED_INSTRUCTIONS, ids=lambda run: run[0])
def test_products_execute_as_many_instructions_as_the_published_ones(
    regions: Mapping[Run, Region], run: Run
) -> None:
    executed = regions[run]["instructions"] * ROWS / run[1] / 1e6 + INITIALISATION
    assert executed == pytest.approx(PUBLISHED_INSTRUCTIONS[run], rel=0.02)


@pytest.mark.parametrize("names", ORDERINGS, ids=lambda names: names[0])
def test_what_is_faster_is_faster_in_the_model(
    rows: Sequence[Mapping[str, Any]], names: tuple[str, ...]
) -> None:
    found = {row["point"]: row for row in rows}
    for column in ("published", "modelled"):
        values = [found[name][column] for name in names]
        assert values == sorted(values)


@pytest.mark.parametrize("names", SLOWER, ids=lambda names: names[0])
def test_what_takes_longer_takes_longer_in_the_model(
    rows: Sequence[Mapping[str, Any]], names: tuple[str, ...]
) -> None:
    found = {row["point"]: row for row in rows}
    for column in ("published", "modelled"):
        values = [found[name][column] for name in names]
        assert values == sorted(values, reverse=True)
