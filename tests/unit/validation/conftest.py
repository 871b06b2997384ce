# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A stand-in for the toolchain: a compiler that keeps what it is given, an emulator that answers."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from colonnade.container import CompletedRun
from colonnade.validation.instructions import MICROBENCHMARKS
from colonnade.validation.kernels import KERNEL_POINTS, Run
from colonnade.validation.model import TimingModel
from colonnade.validation.other_cores import OTHER_CORES

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = Path("results/build/timing/model.so")
SEQUENCES = {each.name: each.cycles for each in MICROBENCHMARKS}
ALL_RUNS = list(
    dict.fromkeys(
        run
        for point in (*KERNEL_POINTS, *(each for core in OTHER_CORES for each in core.points))
        for run in point.runs
    )
)
KERNELS = ("kernels", "multiply", "xnnpack")


def program_of(run: Run) -> str:
    """The validation program that a kernel is of."""
    if run[0].startswith("gemm"):
        return "multiply"
    return "xnnpack" if "depthwise" in run[0] or "-scalar-" in run[0] else "kernels"


def runs_of(program: str, names: Sequence[str] = ()) -> list[Run]:
    """The kernels that a program runs, all of them or those of some names."""
    return [
        run for run in ALL_RUNS if program_of(run) == program and (not names or run[0] in names)
    ]


Cycles = Callable[[Run, Mapping[str, Any]], int]


def any_cycles(run: Run, _core: Mapping[str, Any]) -> int:
    """Cycles of a kernel's run; more for a larger size."""
    return 1000 + 7 * len(run[0]) + run[1]


@dataclass
class FakeToolchain:
    """Answers like the programs of validation under the timing model.

    A kernel takes `cycles` on the core that it is run on, a microbenchmark `factor` of its published
    cycles. Kernels of `lost` are run by no program.
    """

    cycles: Cycles = any_cycles
    factor: float = 1.0
    lost: set[Run] = field(default_factory=set)
    commands: list[list[str]] = field(default_factory=list)

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> CompletedRun:
        self.commands.append(list(command))
        if "-o" in command:
            Path(command[command.index("-o") + 1]).write_text("a program\n")
            return CompletedRun("", "")
        place = command.index("-0")
        program, names = command[place + 1], command[place + 3 :]
        options = command[command.index("-plugin") + 1].split(",")
        core, out = (
            next(each.removeprefix(f"{key}=") for each in options if each.startswith(f"{key}="))
            for key in ("core", "out")
        )
        if program == "microbenchmarks":
            found = [self.factor * b.cycles * b.unroll * b.iterations for b in MICROBENCHMARKS]
            printed = ""
        else:
            description = json.loads(Path(core).read_text())
            runs = [run for run in runs_of(program, names) if run not in self.lost]
            found = [self.cycles(run, description) for run in runs]
            printed = "".join(f"{name} {size}\n" for name, size in runs)
        Path(out).write_text("".join(f"{json.dumps({'cycles': each})}\n" for each in found))
        return CompletedRun(printed, "")

    @property
    def compiled(self) -> list[str]:
        """Names of the programs that were compiled, in order."""
        return [Path(each[-1]).name for each in self.commands if "-o" in each]


@pytest.fixture
def toolchain() -> FakeToolchain:
    """The stand-in."""
    return FakeToolchain()


@pytest.fixture
def model(toolchain: FakeToolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TimingModel:
    """The timing model of the stand-in; the working directory is the checkout."""
    monkeypatch.chdir(ROOT)
    (tmp_path / "work").mkdir()
    return TimingModel(toolchain, PLUGIN, tmp_path / "work")
