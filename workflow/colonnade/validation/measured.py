# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The programs that validate the timing model, on a board: cycles that were measured.

Time is that of the processor's clock, of which every program may read the ticks. How many ticks a cycle
has follows from a chain of additions that is timed beside each of them: no frequency is assumed.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from colonnade.board.board import Board
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_text
from colonnade.common.progress import track
from colonnade.validation.compare import PROGRAMS
from colonnade.validation.instructions import MICROBENCHMARKS, functions
from colonnade.validation.kernels import Run
from colonnade.validation.model import TimingModel

_SOURCES = Path("kernels/timing/board")
_CLOCK = (_SOURCES / "clock.c", Path("kernels/common/pinning.c"))
# In place of what marks regions for the timing model.
_FLAGS = (f"-I{_SOURCES}", "-Ikernels/common")
# Cycles of a reference: as many additions as kernels/timing/board/clock.h and board/measure.sh have.
REFERENCE_ADDS = 1 << 18
# Kernels of several cores run as one thread there.
_SEVERAL = "several cores"

Line = Sequence[str]


def build_microbenchmarks(model: TimingModel) -> Path:
    """Compile the microbenchmarks for a board; returns the program.

    Raises:
        ColonnadeError: the compiler refused them.
    """
    source = model.work / "sequences.S"
    write_text(source, functions(MICROBENCHMARKS))
    sources = [_SOURCES / "microbenchmarks.c", *_CLOCK, source]
    return model.compile("board-microbenchmarks", sources, *_FLAGS)


def build_frequency(model: TimingModel) -> Path:
    """Compile the program that tells a board's frequency.

    Raises:
        ColonnadeError: the compiler refused it.
    """
    return model.compile("board-frequency", [_SOURCES / "frequency.c", *_CLOCK], *_FLAGS)


def build_kernels(model: TimingModel) -> list[Path]:
    """Compile the kernels of validation for a board.

    Raises:
        ColonnadeError: the compiler refused one.
    """
    return [each.build(model, *_CLOCK, flags=_FLAGS) for each in PROGRAMS]


def measure_microbenchmarks(
    board: Board, model: TimingModel, rounds: int, iterations: int
) -> dict[str, float]:
    """Measured cycles of one sequence of each microbenchmark, by name: medians over rounds.

    Raises:
        ColonnadeError: they could not be compiled or run.
    """
    printed = board.run(build_microbenchmarks(model), [str(rounds), str(iterations)])
    found: dict[int, list[float]] = {index: [] for index in range(len(MICROBENCHMARKS))}
    for number, ticks, reference in _lines(printed):
        found[int(number)].append(_cycles(ticks, reference))
    return {
        benchmark.name: median(found[index]) / (benchmark.unroll * iterations)
        for index, benchmark in enumerate(MICROBENCHMARKS)
    }


def measure_kernels(board: Board, model: TimingModel, rounds: int) -> dict[Run, float]:
    """Measured cycles of each kernel that the validation programs run: medians over rounds.

    Raises:
        ColonnadeError: they could not be compiled or run.
    """
    built = build_kernels(model)
    found: dict[Run, list[float]] = {}
    turns = [program for _ in range(rounds) for program in built]
    for program in track(turns, "kernels on the board", len(turns), "run"):
        printed = board.run(program, [])
        # First what the region took, then which it was.
        lines = _lines(printed)
        for (ticks, runs, reference), (name, size) in zip(lines[::2], lines[1::2], strict=True):
            cycles = _cycles(ticks, reference) / int(runs)
            found.setdefault((name, int(size)), []).append(cycles)
    return {run: median(each) for run, each in found.items()}


def measured_mhz(board: Board, model: TimingModel) -> float:
    """The frequency of the CPU that the programs run on, in MHz.

    Raises:
        ColonnadeError: the program that tells could not be compiled or run.
    """
    return float(board.run(build_frequency(model), []))


def _lines(printed: str) -> list[Line]:
    return [line.split() for line in printed.splitlines()]


def _cycles(ticks: str, reference: str) -> float:
    if int(reference) == 0:
        raise ColonnadeError("the board's clock stands still: rdtime gives the same time always")
    return int(ticks) / int(reference) * REFERENCE_ADDS


def comparable(group: str) -> bool:
    """Whether a kind of kernels is measured here."""
    return group != _SEVERAL
