# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Threads of the programs under the timing model: cores with the same cycles on every run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.paths import TARGETS
from colonnade.config.target import load_target
from colonnade.container import Container
from colonnade.targets.target import Target

CONV = "n1c16h14w14-o32-k3x3-s1-p1-d1"


@pytest.fixture(scope="module")
def target(toolchain: Container, riscv64_programs: Path, timing_model: None) -> Target:
    return Target("x60", load_target(TARGETS, "x60"), toolchain)


SMALL = [
    *("--conv", CONV, "--algorithm", "packed,xnnpack_nhwc_dense"),
    *("--tile", "8", "--lmul", "1", "--panels", "1", "--sparsity", "0.5"),
]
# 25 panels in blocks of 16 and 9, as the schedule has them.
UNEVEN = [
    *("--conv", "n1c128h14w14-o112-k1x1-s1-p0-d1", "--algorithm", "direct,packed"),
    *("--tile", "14", "--lmul", "1", "--panels", "16"),
]


def run(
    target: Target, root: Path, scratch: Path, threads: int, what: Sequence[str] = SMALL
) -> list[dict[str, Any]]:
    arguments = [*what, "--threads", str(threads), "--check"]
    timing = scratch.relative_to(root) / "timing"
    return [
        json.loads(line)
        for line in target.run("colonnade-bench", arguments, timing=timing).splitlines()
    ]


@pytest.mark.parametrize("threads", [1, 2, 4, 8])
def test_three_runs_are_equal(target: Target, root: Path, scratch: Path, threads: int) -> None:
    first, *others = (run(target, root, scratch, threads) for _ in range(3))
    assert len(first) == 2
    assert all(other == first for other in others)
    for line in first:
        assert line["max_abs_error"] < 1e-4
        assert line["counters"]["threads"] == threads


def test_two_cores_are_faster_than_one(target: Target, root: Path, scratch: Path) -> None:
    one, two = (run(target, root, scratch, threads) for threads in (1, 2))
    assert len(one) == 2
    for alone, together in zip(one, two, strict=True):
        assert alone["cycles"] / 2 < together["cycles"] < alone["cycles"]


def test_two_cores_have_half_of_the_work_each(target: Target, root: Path, scratch: Path) -> None:
    """By the schedule's blocks one of them would have 64% of it."""
    one, two = (run(target, root, scratch, threads, UNEVEN) for threads in (1, 2))
    assert [line["algorithm"] for line in one] == ["direct", "packed"]
    for alone, together in zip(one, two, strict=True):
        assert together["cycles"] < 0.57 * alone["cycles"], alone["algorithm"]
        assert together["max_abs_error"] < 1e-4
