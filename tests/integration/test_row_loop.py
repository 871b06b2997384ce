# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The loop of im2col that the cost model simulates is the one that was compiled."""

import re
from pathlib import Path

from colonnade.container import Container
from colonnade.tuning.cost_model.calls import ROW_LOOP


def test_row_loop_is_the_compiled_one(
    toolchain: Container, riscv64_programs: Path, root: Path
) -> None:
    program = riscv64_programs.relative_to(root) / "colonnade-tests"
    disassembled = toolchain.run(
        [
            *("llvm-objdump-19", "-d", "--no-show-raw-insn"),
            *("--disassemble-symbols=xnn_x32_im2col_ukernel__rvv", str(program)),
        ]
    ).stdout
    compiled = re.findall(r"^\s*[0-9a-f]+:\s+(\S+)", disassembled, re.MULTILINE)
    assert len(compiled) > 50
    lines = ROW_LOOP.format(load="vle32.v", stride="").split("\n")[2:-1]
    loop = [line.split()[0] for line in lines]
    found = [at for at in range(len(compiled)) if compiled[at : at + len(loop)] == loop]
    assert len(found) == 1
