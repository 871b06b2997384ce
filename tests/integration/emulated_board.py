# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A RISC-V or Arm board on loopback: an SSH server whose logins run its programs by the emulator."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from colonnade.container import Container
from colonnade.targets.emulator import emulator, emulator_aarch64

from .sshd import Server

_SOURCE = Path(__file__).with_name("emulated_login.c")
# The emulators, for a machine that may have other libraries: RISC-V's with its own, Arm's has none.
_COPY = r"""
set -e
folder=$1 source=$2 riscv=$3 arm=$4
cp "$riscv" "$arm" "$folder/"
ldd "$riscv" | tr -d '\t' | while read -r line; do
    library=${line#*=> }
    case $library in /*) cp -L "${library%% *}" "$folder/" ;; esac
done
gcc-14 -O1 -Wall -Wextra -Werror -shared -fPIC -o "$folder/login.so" "$source"
"""


@dataclass
class EmulatedBoard:
    """The server, and what makes its logins those of another machine."""

    server: Server
    tools: Path

    @property
    def runs(self) -> list[str]:
        """Names of the programs for that machine that ran there, in order."""
        file = self.server.folder / "runs"
        return [Path(line).name for line in file.read_text().splitlines()] if file.exists() else []

    def login(self, *, vlen: int | None = 256, disk: int | None = None) -> None:
        """Give it a CPU, None: an Arm one, and files that may get no longer than `disk` bytes."""
        loader = [str(self.tools / "ld-linux-x86-64.so.2"), "--library-path", str(self.tools)]
        qemu, *cpu = emulator_aarch64() if vlen is None else emulator(vlen)
        own = [*([] if vlen is None else loader), str(self.tools / Path(qemu).name), *cpu]
        lines = [
            f"export BOARD_QEMU='{' '.join(own)}'",
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
        content = {"kind": "board", "board": board}
        if board["isa"] == "riscv64":
            content["core"] = "kernels/timing/cores/x60.json"
        path.write_text(yaml.safe_dump(content))
        return content


def emulated_board(server: Server, toolchain: Container, root: Path, tools: Path) -> EmulatedBoard:
    """Make a server's logins those of a board; `tools` is an empty folder inside the checkout."""
    emulators = [emulator(256)[0], emulator_aarch64()[0]]
    inside = [os.path.relpath(path, root) for path in (tools, _SOURCE)]
    toolchain.run(["sh", "-c", _COPY, "sh", *inside, *emulators])
    board = EmulatedBoard(server, tools)
    board.login()
    return board
