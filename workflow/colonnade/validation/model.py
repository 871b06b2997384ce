# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Compiles programs for RISC-V and runs them under the timing model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colonnade.common.paths import VALIDATED_CORE
from colonnade.targets.emulator import emulator, timed
from colonnade.targets.target import Runner, of_one_length

Region = dict[str, Any]
"""One line of the model's output: `cycles` and the counters of a marked region."""

CLANG = (
    "clang-19",
    "--target=riscv64-linux-gnu",
    "-march=rv64gcv_zfh_zvfh_zba",
    "-fuse-ld=lld",
    "-static",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Ikernels/timing",
)
GCC = ("riscv64-linux-gnu-gcc-14", "-march=rv64gcv", *CLANG[CLANG.index("-static") :])
"""Of the kernels that were published as GCC compiles them."""


@dataclass(frozen=True)
class TimingModel:
    """A built plugin. Paths are relative to the checkout, the working directory in the container."""

    container: Runner
    plugin: Path
    work: Path
    """Folder for programs and the model's output."""

    def compile(
        self,
        name: str,
        sources: Sequence[str | Path],
        *flags: str,
        compiler: Sequence[str] = CLANG,
    ) -> Path:
        """Cross-compile a program and return its path.

        Raises:
            ColonnadeError: the compiler refused it.
        """
        program = self.work / name
        self.container.run([*compiler, *flags, *map(str, sources), "-o", str(program)])
        return program

    def run(
        self,
        program: Path,
        *,
        arguments: Sequence[str] = (),
        core: Path = VALIDATED_CORE,
        vlen: int = 256,
        qemu_options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> tuple[list[Region], str]:
        """Run a program under the model; returns its regions in order and what it printed.

        Raises:
            ColonnadeError: the program or the model failed.
        """
        out = self.work / "regions.jsonl"
        model = timed(core, out, self.plugin)
        variables = ["env", "-i", *(f"{name}={value}" for name, value in (env or {}).items())]
        guest = ["-0", program.name, of_one_length(program), *arguments]
        finished = self.container.run([*variables, *emulator(vlen), *qemu_options, *model, *guest])
        lines = out.read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines], finished.stdout
