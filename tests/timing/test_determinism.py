# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The same region takes exactly the same cycles, whatever surrounds it."""

from typing import Any

import pytest

from .model import TestedModel

SOURCE = "kernels/timing/tests/determinism.c"


@pytest.fixture(scope="module")
def program(timing: TestedModel) -> str:
    return timing.compile("determinism", [SOURCE])


@pytest.fixture(scope="module")
def reference(timing: TestedModel, program: str) -> list[dict[str, Any]]:
    regions = timing.regions(program)
    assert len(regions) == 2
    assert all(region["cycles"] > region["instructions"] / 2 > 1e6 for region in regions)
    return regions


@pytest.mark.parametrize("run", range(3))
def test_equal_run_to_run(
    timing: TestedModel, program: str, reference: list[dict[str, Any]], run: int
) -> None:
    assert timing.regions(program) == reference


@pytest.mark.parametrize("size", [1, 17, 1003, 9999])
def test_equal_whatever_the_environment(
    timing: TestedModel, program: str, reference: list[dict[str, Any]], size: int
) -> None:
    assert timing.regions(program, env={"COLONNADE_PADDING": "x" * size}) == reference


@pytest.mark.parametrize(
    "options", [["-tb-size", "1"], ["-one-insn-per-tb"]], ids=["small-buffer", "single-step"]
)
def test_equal_however_qemu_cuts_the_code(
    timing: TestedModel, program: str, reference: list[dict[str, Any]], options: list[str]
) -> None:
    assert timing.regions(program, qemu_options=options) == reference


def test_a_position_independent_program_repeats_itself(timing: TestedModel) -> None:
    program = timing.compile("determinism-pie", [SOURCE], "-static-pie", "-fPIE")
    assert timing.regions(program) == timing.regions(program)
