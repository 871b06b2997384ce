# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a configuration may say is what the programs take: their limits are in their own sources."""

import re
from pathlib import Path

import pytest

from colonnade.config import section
from colonnade.config.schema import VECTOR_REGISTERS
from colonnade.package import graph as package_graph

KERNELS = Path(__file__).resolve().parents[3] / "kernels"


def constant(file: str, name: str) -> int:
    (value,) = re.findall(rf"\b{name} = ([^;]+);", (KERNELS / file).read_text("utf-8"))
    base, _, shift = re.sub(r"size_t\{(\d+)\}", r"\1", value).partition(" << ")
    return int(base) << int(shift or 0)


def option(program: str, name: str) -> int:
    """The most that a program's numeric option takes."""
    source = (KERNELS / program / "main.cc").read_text("utf-8")
    (most,) = re.findall(rf'"--{name}",[^;]*Range\(\w+, (\d+)u?\)', source)
    return int(most)


def test_tiles_are_those_that_kernels_have() -> None:
    source = (KERNELS / "include/colonnade/registers.h").read_text("utf-8")
    (registers,) = re.findall(r"#define COLNM_VECTOR_REGISTERS (\d+)", source)
    assert int(registers) == VECTOR_REGISTERS
    # One accumulator a row, and a panel vector.
    assert section.MAX_TILE == package_graph.MAX_TILE == VECTOR_REGISTERS - 1


def test_panels_and_kc_splits_are_taken_by_bench_and_runner() -> None:
    assert constant("common/size_limits.h", "kMaxPanels") >= section.MAX_PANELS
    assert constant("common/size_limits.h", "kMaxKcSplits") >= section.MAX_KC_SPLITS


@pytest.mark.parametrize("program", ["bench", "runner"])
def test_threads_are_taken_by_the_programs(program: str) -> None:
    assert option(program, "threads") >= section.MAX_THREADS


def test_repetitions_are_taken_by_the_bench() -> None:
    assert option("bench", "repetitions") >= section.MAX_REPETITIONS
