# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Points of other cores: what they are called, which kernels they need, and how values follow."""

import json
from pathlib import Path

import pytest

from colonnade.validation.kernels import LARGE, SMALL, STREAM
from colonnade.validation.other_cores import C908, OTHER_CORES, X280, OtherCore

ROOT = Path(__file__).resolve().parents[3]
CORE = OtherCore(
    "C908",
    Path("core.json"),
    128,
    "board",
    loops={"utf8_count m2": (1.5, "fitted")},
    streams={"memset m8": (0.5, "held out")},
    pixels={"m1": 0.25},
    exception="nobody knows",
)


def test_points_follow_from_published_numbers() -> None:
    loop, stream, picture = CORE.points
    assert [point.name for point in CORE.points] == [
        "C908, utf8_count m2, L1",
        "C908, memset m8, DRAM",
        "C908, mandelbrot f32 m1",
    ]
    assert {point.group for point in CORE.points} == {"C908"}
    assert [point.source for point in CORE.points] == [
        "rvv-bench board/utf8_count.html",
        "rvv-bench board/memset.html",
        "rvv-bench board/mandelbrot.html",
    ]
    assert loop.runs == (("count-m2", SMALL), ("count-m2", LARGE))
    # The fixed cost of a call cancels.
    assert loop.value([100, 100 + (LARGE - SMALL) // 2]) == pytest.approx(2, rel=1e-3)
    assert (stream.runs, stream.value([STREAM * 2])) == ((("fill-m8", STREAM),), 0.5)
    assert (picture.runs, picture.value([9216 * 4])) == ((("mandelbrot-m1", 96),), 0.25)
    assert [point.published for point in CORE.points] == [1.5, 0.5, 0.25]
    assert [point.role for point in CORE.points] == ["fitted", "held out", "held out"]
    assert [point.exception for point in CORE.points] == ["", "nobody knows", ""]


def test_each_kernel_is_needed_once() -> None:
    assert CORE.kernels == ["count-m2", "fill-m8", "mandelbrot-m1"]
    assert len(set(C908.kernels)) == len(C908.kernels)
    assert "fill-m8" in X280.kernels


def test_points_of_all_cores_have_names_of_their_own() -> None:
    names = [point.name for core in OTHER_CORES for point in core.points]
    assert len(set(names)) == len(names) == 18 + 13
    assert all(point.published > 0 for core in OTHER_CORES for point in core.points)


@pytest.mark.parametrize("core", OTHER_CORES, ids=lambda core: core.name)
def test_a_core_has_the_vlen_of_its_description(core: OtherCore) -> None:
    assert json.loads((ROOT / core.description).read_text())["vlen"] == core.vlen
