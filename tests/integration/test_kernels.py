"""The kernels' own tests (GoogleTest) on emulated RISC-V at every vector length."""

import re
from pathlib import Path

import pytest

from colonnade.container import Container


@pytest.mark.parametrize("vlen", [128, 256, 512, 1024])
def test_kernels_and_operators_match_float64(
    toolchain: Container, riscv64_programs: Path, root: Path, vlen: int
) -> None:
    program = riscv64_programs.relative_to(root) / "colonnade-tests"
    emulator = ["/opt/qemu/bin/qemu-riscv64", "-cpu", f"rv64,v=true,vlen={vlen}"]
    output = toolchain.run([*emulator, str(program)]).stdout
    passed = re.search(r"\[  PASSED  \] (\d+) tests", output)
    assert passed is not None, output[-2000:]
    # 240 random convolutions, 40 random poolings, every microkernel, copies, the refused parameters.
    assert int(passed[1]) >= 287
