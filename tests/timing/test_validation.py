# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Whole kernels and the table of validation: what the model is for, and how well it does it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

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
