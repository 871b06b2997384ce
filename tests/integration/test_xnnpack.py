# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""XNNPACK's own tests of its convolutions, on emulated RISC-V: the modified library does what it did."""

import re
import shutil
from pathlib import Path

from colonnade.container import open_image
from colonnade.targets.emulator import emulator

from .googletest import passed


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
    assert passed(log) >= 261
    # Strides, padding, dilation, groups; and the sparse operator.
    for name in ("3x3s2", "with_left_padding", "3x3d2", "grouped_3x3", "NCHW_F32.kernel_1x1"):
        assert re.search(rf"       OK \] \S*{re.escape(name)}", log) is not None, name
