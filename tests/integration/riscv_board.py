# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A RISC-V board on loopback: an SSH server whose logins run RISC-V programs by the emulator."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from colonnade.container import Container
from colonnade.targets.emulator import emulator

from .sshd import Server

_SOURCE = Path(__file__).with_name("riscv_login.c")
# The emulator with its libraries, for a machine that may have others.
_COPY = r"""
set -e
qemu=$1 folder=$2
cp "$qemu" "$folder/qemu"
ldd "$qemu" | tr -d '\t' | while read -r line; do
    library=${line#*=> }
    case $library in /*) cp -L "${library%% *}" "$folder/" ;; esac
done
gcc-14 -O1 -Wall -Wextra -Werror -shared -fPIC -o "$folder/login.so" "$3"
"""


@dataclass
class RiscvBoard:
    """The server, and what makes its logins those of a RISC-V machine."""

    server: Server
    tools: Path

    @property
    def runs(self) -> list[str]:
        """Names of the RISC-V programs that ran there, in order."""
        file = self.server.folder / "runs"
        return [Path(line).name for line in file.read_text().splitlines()] if file.exists() else []

    def login(self, *, vlen: int = 256, disk: int | None = None) -> None:
        """Give it a CPU, and files that may get no longer than `disk` bytes."""
        loader = self.tools / "ld-linux-x86-64.so.2"
        qemu = [str(loader), "--library-path", str(self.tools), str(self.tools / "qemu")]
        lines = [
            f"export BOARD_QEMU='{' '.join([*qemu, *emulator(vlen)[1:]])}'",
            f"export BOARD_RUNS={self.server.folder / 'runs'}",
            *([] if disk is None else [f"export BOARD_DISK={disk}"]),
            f"export LD_PRELOAD={self.tools / 'login.so'}",
        ]
        self.server.login(*lines)

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a login's shell, without SSH."""
        return subprocess.run(
            [self.server.folder / "login"],
            env={"PATH": os.environ["PATH"], "SSH_ORIGINAL_COMMAND": command},
            capture_output=True,
            text=True,
            check=False,
        )

    def target_file(self, path: Path, **values: Any) -> Mapping[str, Any]:
        """Write the file of a target that is this board, with other values of `board` than these."""
        board = self.server.config(**{"isa": "riscv64", **values}).model_dump(mode="json")
        content = {"kind": "board", "core": "kernels/timing/cores/x60.json", "board": board}
        path.write_text(yaml.safe_dump(content))
        return content


def riscv_board(server: Server, toolchain: Container, root: Path, tools: Path) -> RiscvBoard:
    """Make a server's logins those of a board; `tools` is an empty folder inside the checkout."""
    command = emulator(256)[0]
    inside = [os.path.relpath(path, root) for path in (tools, _SOURCE)]
    toolchain.run(["sh", "-c", _COPY, "sh", command, *inside])
    board = RiscvBoard(server, tools)
    board.login()
    return board
