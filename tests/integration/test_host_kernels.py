# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The kernels of this machine: their own tests, and the machine code of those for AVX-512."""

import platform
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from colonnade.container import Container

from .googletest import passed

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="host kernels are those of x86-64"
)


@pytest.fixture(scope="module")
def tests_program(build_part: Callable[[str], Path], root: Path) -> str:
    """The kernels' tests for this machine, brought up to date with the sources."""
    return str(build_part("host").relative_to(root) / "colonnade-tests")


def test_kernels_and_operators_match_float64(toolchain: Container, tests_program: str) -> None:
    output = toolchain.run([tests_program]).stdout
    assert passed(output) >= 480


def test_no_loop_of_avx512_kernels_spills(toolchain: Container, tests_program: str) -> None:
    """Between the FMAs of a tile and a panel nothing of them is on the stack."""
    text = toolchain.run(["objdump", "-d", "--no-show-raw-insn", tests_program]).stdout
    kernels = re.findall(
        r"<xnn_f32_colnm_gemm_minmax_ukernel_(\w+)__avx512f>:\n(.*?)\n\n", text, re.S
    )
    assert len({name for name, _ in kernels}) == 31 + 15 + 7 + 3
    for name, code in kernels:
        loops = [body for body in _loops(code) if any("vfmadd" in line for line in body)]
        assert loops, name
        for body in loops:
            spilled = [line for line in body if "zmm" in line and re.search(r"%r[sb]p", line)]
            assert not spilled, f"{name}: {spilled[0]}"


def _loops(code: str) -> list[list[str]]:
    """The bodies of loops that have none within."""
    lines = [
        match for line in code.splitlines() if (match := re.match(r"\s*([0-9a-f]+):\s+(.*)", line))
    ]
    places = {int(match[1], 16): index for index, match in enumerate(lines)}
    bodies: list[list[str]] = []
    ends = -1
    for last, match in enumerate(lines):
        jump = re.match(r"j\w+\s+([0-9a-f]+)", match[2])
        first = places.get(int(jump[1], 16)) if jump else None
        if first is not None and ends < first <= last:
            bodies.append([each[2] for each in lines[first : last + 1]])
            ends = last
    return bodies
