# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The kernels of this machine: their own tests, and the machine code of those for AVX-512."""

import platform
import re
from pathlib import Path

import pytest

from colonnade.container import Container

from .googletest import passed
from .machine_code import disassembly, innermost_loops

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="host kernels are those of x86-64"
)


def test_kernels_and_operators_match_float64(
    toolchain: Container, host_programs: Path, root: Path
) -> None:
    program = host_programs.relative_to(root) / "colonnade-tests"
    output = toolchain.run([str(program)]).stdout
    assert passed(output) >= 1100


def test_no_loop_of_avx512_kernels_spills(
    toolchain: Container, host_programs: Path, root: Path
) -> None:
    """Between the FMAs of a tile and a panel nothing of them is on the stack."""
    tables = (host_programs / "generated/colnm-kernels.h").read_text("utf-8")
    listed = set(re.findall(r"void (xnn_f32_colnm_gemm_\w+__avx512f)\(", tables))
    assert len(listed) == 31 + 15 + 7 + 3
    kernels = disassembly(toolchain, root, host_programs / "colonnade-tests", listed)
    assert set(kernels) == listed
    for name, code in kernels.items():
        loops = [body for body in innermost_loops(code) if any("vfmadd" in line for line in body)]
        assert loops, name
        for body in loops:
            spilled = [line for line in body if "zmm" in line and re.search(r"%r[sb]p", line)]
            assert not spilled, f"{name}: {spilled[0]}"


@pytest.mark.parametrize("isa", ["avx512f", "fma3"])
@pytest.mark.parametrize("kind", ["elementwise", "cnhw-pool", "dwconv", "winograd"])
def test_every_function_has_loops_of_vectors(
    toolchain: Container, host_programs: Path, root: Path, kind: str, isa: str
) -> None:
    """What templates leave to the compiler too, but for elements that lie apart from each other."""
    (file,) = host_programs.rglob(f"f32-{kind}-{isa}.c.o")
    functions = disassembly(toolchain, root, file)
    for apart in ("strided_rows", "clear"):
        functions.pop(apart, None)
    assert functions
    vectors = re.compile(r"%[yz]mm|\bv\w+ps\b")
    for name, code in functions.items():
        assert any(vectors.search(each) for body in innermost_loops(code) for each in body), name
