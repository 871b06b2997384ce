# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The kernels' own tests on emulated RISC-V, and what is compiled how."""

import re
from pathlib import Path

import pytest

from colonnade.container import Container
from colonnade.targets.emulator import emulator

from .googletest import passed


@pytest.mark.parametrize("vlen", [128, 256, 512, 1024])
def test_kernels_and_operators_match_float64(
    toolchain: Container, riscv64_programs: Path, root: Path, vlen: int
) -> None:
    program = riscv64_programs.relative_to(root) / "colonnade-tests"
    output = toolchain.run([*emulator(vlen), str(program)]).stdout
    # 420 random convolutions, 120 of them in f16, 60 sparse ones, 40 poolings, every microkernel, copies,
    # refused parameters.
    assert passed(output) >= 528


def test_what_is_built_already_is_not_built_again(
    toolchain: Container, riscv64_programs: Path, root: Path
) -> None:
    output = riscv64_programs.relative_to(root)
    log = toolchain.run(["sh", "kernels/build.sh", "riscv64", str(output)]).stdout
    assert "ninja: no work to do" in log


def test_only_what_programs_need_of_xnnpack_is_compiled(riscv64_programs: Path) -> None:
    candidates = (riscv64_programs / "candidates.txt").read_text().split()
    plan = (riscv64_programs / "build.ninja").read_text()
    built = set(re.findall(r"^build xnnpack/\S+/(\S+)\.o:", plan, re.MULTILINE))
    upstream = {Path(path).name for path in candidates} & built
    # Operators of all layer types reach 261 of 414 files: those for one function name all its datatypes.
    assert 100 < len(upstream) < 0.7 * len(candidates)
    # What the dense baseline chooses among at run time, and nothing for int8.
    assert {"f32-gemm-7x4v-minmax-rvv.c", "f32-igemm-7x4v-minmax-rvv.c"} <= upstream
    assert not [name for name in upstream if name.startswith(("qs8-gemm", "qd8"))]


def test_compiler_checks_every_narrowing_in_our_sources(riscv64_programs: Path, root: Path) -> None:
    """Sizes and offsets that lose bits are errors, and the headers of XNNPACK are not ours."""
    blocks = (riscv64_programs / "build.ninja").read_text("utf-8").split("\nbuild ")
    flags = {}
    for block in blocks:
        compiled = re.match(r"\S+\.o: \S+ (\S+)", block)
        if compiled is not None and re.search("/(kernels|generated)/", source := compiled[1]):
            found = re.search(r"^  FLAGS = (.*)$", block, re.MULTILINE)
            flags[source] = found[1].split() if found is not None else []
    checked = {"-Wconversion", "-Wsign-conversion", "-Werror"}
    unchecked = [source for source, given in flags.items() if not checked <= set(given)]
    names = {Path(source).name for source in flags if source not in unchecked}
    assert names >= {"colnm-packed.c", "main.cc", "network.cc", "conv_case.cc", "virtual_pool.c"}
    ours = {path.name for path in (root / "kernels").rglob("*.c*") if path.suffix in {".c", ".cc"}}
    assert [
        source for source in unchecked if Path(source).name in ours or "/generated/" in source
    ] == []
