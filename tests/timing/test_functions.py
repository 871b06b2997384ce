# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Cycles by function."""

import pytest

from .model import TestedModel


@pytest.mark.parametrize("options", [[], ["-one-insn-per-tb"]], ids=["blocks", "single-step"])
def test_cycles_go_to_the_function_that_takes_them(timing: TestedModel, options: list[str]) -> None:
    program = timing.compile("functions", ["kernels/timing/tests/functions.c"])
    (region,) = timing.regions(program, qemu_options=options)
    functions = region["functions"]
    # The region's own instructions take less than a thousandth and are left out.
    assert set(functions) == {"once", "nine_times"}
    assert functions["nine_times"] == pytest.approx(9 * functions["once"], rel=0.01)
    assert 0.99 * region["cycles"] < sum(functions.values()) <= region["cycles"]
