# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The kernels' own tests and XNNPACK's: on emulated RISC-V, and under sanitizers on the host."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from colonnade.container import Container, open_image
from colonnade.targets.emulator import emulator


@pytest.mark.parametrize("vlen", [128, 256, 512, 1024])
def test_kernels_and_operators_match_float64(
    toolchain: Container, riscv64_programs: Path, root: Path, vlen: int
) -> None:
    program = riscv64_programs.relative_to(root) / "colonnade-tests"
    output = toolchain.run([*emulator(vlen), str(program)]).stdout
    passed = re.search(r"\[  PASSED  \] (\d+) tests", output)
    assert passed is not None, output[-2000:]
    # 420 random convolutions, 120 of them in f16, 60 sparse ones, 40 poolings, every microkernel, copies,
    # refused parameters.
    assert int(passed[1]) >= 528


def test_only_what_programs_need_of_xnnpack_is_compiled(riscv64_programs: Path) -> None:
    candidates = (riscv64_programs / "candidates.txt").read_text().split()
    plan = (riscv64_programs / "build.ninja").read_text()
    built = set(re.findall(r"^build xnnpack/\S+/(\S+)\.o:", plan, re.MULTILINE))
    upstream = {Path(path).name for path in candidates} & built
    assert 100 < len(upstream) < len(candidates) / 2
    # What the dense baseline chooses among at run time, and nothing for int8.
    assert {"f32-gemm-7x4v-minmax-rvv.c", "f32-igemm-7x4v-minmax-rvv.c"} <= upstream
    assert not [name for name in upstream if name.startswith(("qs8-gemm", "qd8"))]


@pytest.mark.xdist_group("xnnpack")
def test_xnnpack_convolutions_do_what_they_did(
    riscv64_programs: Path, root: Path, tmp_path: Path
) -> None:
    """XNNPACK's own float32 tests; the quantized and half precision operators stay as they were."""
    # What is compiled already serves here too; in a copy, since other tests run it.
    output = riscv64_programs.relative_to(root)
    for folder in (Path("kernels"), output):
        shutil.copytree(root / folder, tmp_path / folder)
    (tmp_path / ".colonnade").symlink_to(root / ".colonnade")
    copy = open_image(root / "results/toolchain/image.json", tmp_path)
    copy.run(["sh", "kernels/build.sh", "xnnpack-tests", str(output)])
    program = output / "xnnpack-convolution-tests"
    command = [*emulator(256, half_precision=False), str(program), "--gtest_filter=*_F32.*:-*_Q*"]
    log = copy.run(command).stdout
    passed = re.search(r"\[  PASSED  \] (\d+) tests", log)
    assert passed is not None, log[-2000:]
    assert int(passed[1]) >= 261
    # Strides, padding, dilation, groups; and the sparse operator.
    for name in ("3x3s2", "with_left_padding", "3x3d2", "grouped_3x3", "NCHW_F32.kernel_1x1"):
        assert re.search(rf"       OK \] \S*{re.escape(name)}", log) is not None, name


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


@pytest.mark.xdist_group("sanitizers")
def test_sanitizers_find_nothing(
    toolchain: Container, build_part: Callable[[str], Path], root: Path
) -> None:
    """The kernels' tests on this host under AddressSanitizer and UndefinedBehaviorSanitizer."""
    output = build_part("host-sanitized").relative_to(root)
    # The stack frames that this check moves elsewhere are too little aligned for AVX-512.
    options = {"ASAN_OPTIONS": "detect_stack_use_after_return=0"}
    log = toolchain.run([str(output / "colonnade-tests")], env=options).stdout
    passed = re.search(r"\[  PASSED  \] (\d+) tests", log)
    assert passed is not None, log[-2000:]
    assert int(passed[1]) > 400
