# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Whole kernels and the table of validation: what the model is for, and how well it does it."""

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from colonnade.results.agreement import ALL_ROLES, summarise
from colonnade.results.tables import VALIDATION, read_table
from colonnade.validation import KERNEL_POINTS, Region
from colonnade.validation.compare import kernel_regions, other_core_rows, validation_rows
from colonnade.validation.kernels import Run
from colonnade.validation.other_cores import OTHER_CORES

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
# What docs/timing-model.md shows.
RECORDED = Path(__file__).parents[2] / "results/baseline/validation.csv"


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
    ("C908", ALL_ROLES): (6, 28),
    ("C908", "same source"): (10, 28),
    ("X280", ALL_ROLES): (12, 32),
    ("X280", "same source"): (12, 32),
}
# Too few points, or none but an exception.
UNBOUNDED = {("several cores", ALL_ROLES)}
# Of products and convolutions that nothing was fitted to.
HELD_OUT_POINTS, HELD_OUT_MEDIAN, HELD_OUT_LARGEST = 6, 15, 35
EXCEPTIONS = {
    "utf8_count m1, DRAM",
    "utf8_count m2, DRAM",
    "utf8_count m4, DRAM",
    "strlen m1, DRAM",
    "f32 2000x3000x100, eight sums, m2, 8 cores",
    "X280, memcpy m8, DRAM",
    "X280, memset m8, DRAM",
}
# (less, more) by published numbers that differ by more than a tenth, and the other way in the model.
REVERSED = {("utf8_count m4, DRAM", "utf8_count m2, DRAM")}


@pytest.fixture(scope="module")
def regions(timing: TestedModel) -> Mapping[Run, Region]:
    return kernel_regions(timing)


@pytest.fixture(scope="module")
def rows(timing: TestedModel, regions: Mapping[Run, Region]) -> Sequence[Mapping[str, Any]]:
    return [*validation_rows(timing, regions), *other_core_rows(timing)]


def test_every_point_is_in_the_table(rows: Sequence[Mapping[str, Any]]) -> None:
    names = [row["point"] for row in rows if row["group"] != "instruction"]
    others = [point for core in OTHER_CORES for point in core.points]
    assert names == [point.name for point in (*KERNEL_POINTS, *others)]
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


def test_every_kind_is_bounded(rows: Sequence[Mapping[str, Any]]) -> None:
    kinds = {(each.group, ALL_ROLES) for each in summarise(rows) if each.role == ALL_ROLES}
    bounded = {(kind, ALL_ROLES) for kind, _ in BOUNDS}
    assert kinds - bounded == UNBOUNDED


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


def test_the_recorded_table_is_what_the_model_says(rows: Sequence[Mapping[str, Any]]) -> None:
    recorded = read_table(RECORDED, VALIDATION).to_dicts()
    assert [row["point"] for row in recorded] == [row["point"] for row in rows]
    assert recorded == [{key: row[key] for key in VALIDATION} for row in rows]


def test_every_kind_has_its_order(rows: Sequence[Mapping[str, Any]]) -> None:
    found = {
        each.group: each.rank_correlation for each in summarise(rows) if each.role == ALL_ROLES
    }
    assert set(found) == {
        *("instruction", "element-wise", "memory", "GEMM", "convolution", "several cores"),
        *("C908", "X280"),
    }
    # Too few points.
    assert found.pop("several cores") is None
    ranks = [each for each in found.values() if each is not None]
    assert len(ranks) == len(found)
    assert min(ranks) > 0.8


def test_exceptions_are_these_and_each_has_a_reason(rows: Sequence[Mapping[str, Any]]) -> None:
    assert {row["point"] for row in rows if row["exception"]} == EXCEPTIONS
    assert all(len(row["exception"]) > 40 for row in rows if row["exception"])


@pytest.mark.parametrize("run", PUBLISHED_INSTRUCTIONS, ids=lambda run: run[0])
def test_products_execute_as_many_instructions_as_the_published_ones(
    regions: Mapping[Run, Region], run: Run
) -> None:
    executed = regions[run]["instructions"] * ROWS / run[1] / 1e6 + INITIALISATION
    assert executed == pytest.approx(PUBLISHED_INSTRUCTIONS[run], rel=0.02)


def _family(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What rows have in common that measure the same work, done in several ways."""
    name = re.sub(r" m\d\b|^\d+ pointer chains?", "", row["point"])
    if row["source"].startswith(("rvv-gemm", "XNNPACK")):
        name = name.split(", ")[0]
    if "mandelbrot" in name:
        name = name.split("mandelbrot")[0]
    return row["group"], row["source"], row["unit"], name


def test_what_differs_by_a_tenth_has_its_order_but_for_named_pairs(
    rows: Sequence[Mapping[str, Any]],
) -> None:
    families: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["group"] != "instruction":
            families.setdefault(_family(row), []).append(row)
    pairs = [
        sorted(pair, key=lambda row: float(row["published"]))
        for family in families.values()
        for pair in combinations(family, 2)
    ]
    apart = [pair for pair in pairs if pair[1]["published"] > 1.1 * pair[0]["published"]]
    assert len(apart) > 60
    reversed_pairs = {
        (less["point"], more["point"])
        for less, more in apart
        if less["modelled"] >= more["modelled"]
    }
    assert reversed_pairs == REVERSED
