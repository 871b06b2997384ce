# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Measuring and calibrating a board, with stand-ins for the board and for the timing model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from colonnade.board.board import Board
from colonnade.board.machine import Machine
from colonnade.common.errors import ColonnadeError
from colonnade.config.target import TargetConfig, load_target
from colonnade.results.tables import CALIBRATION, read_table
from colonnade.targets.target import Target
from colonnade.validation.calibrate import Effort, calibrate
from colonnade.validation.fit import Fit, Parameter
from colonnade.validation.instructions import MICROBENCHMARKS, functions
from colonnade.validation.measured import (
    REFERENCE_ADDS,
    build_microbenchmarks,
    comparable,
    measure_kernels,
    measure_microbenchmarks,
    measured_mhz,
)
from colonnade.validation.model import TimingModel

from .conftest import KERNELS, ROOT, SEQUENCES, FakeToolchain, any_cycles, runs_of

# A cycle is two ticks; so a chain of as many additions takes twice as many ticks.
TICKS = 2 * REFERENCE_ADDS


@dataclass
class FakeBoard:
    """Prints what the programs print on a board that takes `factor` of what is expected.

    In one round of three it is disturbed, and takes ten times as long.
    """

    factor: float = 1.0
    reference: int = TICKS
    calls: list[tuple[str, list[str]]] = field(default_factory=list)
    rounds: dict[str, int] = field(default_factory=dict)
    machine: Machine = field(
        default_factory=lambda: Machine(
            machine="riscv64", kernel="6.6", board="a board", cpu_model="a cpu", isa="rv64gcv",
            vlen=256, l2_bytes=None, cpus=[], load=0, celsius=40, memory_mb=4000,
        )
    )  # fmt: skip

    def run(self, program: Path, arguments: Sequence[str]) -> str:
        self.calls.append((program.name, list(arguments)))
        assert program.read_text() == "a program\n"
        if program.name == "board-frequency":
            return "1590.5\n"
        if program.name == "board-microbenchmarks":
            return self._sequences(*map(int, arguments))
        number = self.rounds[program.name] = self.rounds.get(program.name, 0) + 1
        lines = []
        for run in runs_of(program.name):
            # Each kernel four times.
            ticks = 4 * 2 * self.factor * any_cycles(run, {}) * (10 if number == 1 else 1)
            lines += [f"{round(ticks)} 4 {self.reference}\n", f"{run[0]} {run[1]}\n"]
        return "".join(lines)

    def _sequences(self, rounds: int, iterations: int) -> str:
        lines = []
        for turn in range(rounds):
            for index, each in enumerate(MICROBENCHMARKS):
                cycles = self.factor * each.cycles * each.unroll * iterations
                ticks = 2 * cycles * (10 if turn == 1 else 1)
                lines.append(f"{index} {round(ticks)} {self.reference}\n")
        return "".join(lines)


@pytest.fixture
def board() -> FakeBoard:
    return FakeBoard()


@pytest.fixture
def target(board: FakeBoard) -> Target:
    """A board of four cores with the X60's description."""
    config = load_target(ROOT / "config/targets", "board")
    found = Target("board", config, FakeToolchain())
    vars(found)["board"] = board
    return found


def test_microbenchmarks_are_measured_by_a_chain_of_additions(
    board: FakeBoard, model: TimingModel
) -> None:
    found = measure_microbenchmarks(cast("Board", board), model, 3, 2000)
    assert board.calls == [("board-microbenchmarks", ["3", "2000"])]
    assert found == pytest.approx(SEQUENCES, rel=1e-3)


def test_kernels_are_measured_by_turns_and_a_disturbed_round_does_not_count(
    board: FakeBoard, model: TimingModel
) -> None:
    board.factor = 3
    found = measure_kernels(cast("Board", board), model, 3)
    assert [name for name, _ in board.calls] == [*KERNELS] * 3
    runs = [run for name in KERNELS for run in runs_of(name)]
    assert found == pytest.approx({run: 3 * any_cycles(run, {}) for run in runs})


def test_the_frequency_is_what_its_program_says(board: FakeBoard, model: TimingModel) -> None:
    assert measured_mhz(cast("Board", board), model) == 1590.5


def test_a_clock_that_stands_still_is_named(board: FakeBoard, model: TimingModel) -> None:
    board.reference = 0
    for measure in (
        lambda: measure_kernels(cast("Board", board), model, 1),
        lambda: measure_microbenchmarks(cast("Board", board), model, 1, 10),
    ):
        with pytest.raises(ColonnadeError, match=r"^the board's clock stands still: rdtime"):
            measure()


def test_programs_of_a_board_have_its_clock_in_the_place_of_the_models_marks(
    model: TimingModel, toolchain: FakeToolchain
) -> None:
    assert build_microbenchmarks(model) == model.work / "board-microbenchmarks"
    (command,) = toolchain.commands
    source = model.work / "sequences.S"
    assert source.read_text() == functions(MICROBENCHMARKS)
    sources = ["kernels/timing/board/clock.c", "kernels/common/pinning.c", str(source)]
    assert [each for each in command if each in sources] == sources
    assert "-Ikernels/timing/board" in command


def test_kernels_of_several_cores_are_not_compared() -> None:
    assert comparable("GEMM")
    assert not comparable("several cores")


def calibrated(
    target: Target, model: TimingModel, fit: Fit | None, output: Path, table: Path | None
) -> str:
    return calibrate(target, model, Effort(3, 1000), fit, output, table)


def test_a_board_is_measured_compared_and_described(
    target: Target, board: FakeBoard, model: TimingModel, tmp_path: Path
) -> None:
    board.factor = 2
    output, table = tmp_path / "new/core.json", tmp_path / "calibration.csv"
    said = calibrated(target, model, None, output, table)
    new = json.loads(output.read_text())
    old = json.loads((ROOT / "kernels/timing/cores/x60.json").read_text())
    assert (new["name"], new["clock_mhz"]) == (f"{old['name']}, calibrated", 1590.5)
    # The published cycles of a fused multiply-add at LMUL 1 and 8, twice.
    assert [new["classes"]["vf_fma"]["occupancy"][place] for place in (3, 6)] == [2, 16]
    assert new["miss"] == old["miss"]
    where = said.splitlines()[0]
    assert where.startswith(
        "Measured by colonnade board calibrate on a board (a cpu, Linux 6.6) at 1590.5 MHz,"
        " CPU 0, 1, 2, 3, "
    )
    assert where.endswith(" UTC; it began with kernels/timing/cores/x60.json.")
    assert new["about"][0] == where
    rows = read_table(table, CALIBRATION).rows(named=True)
    assert len([row for row in rows if row["kind"] == "instruction"]) == len(MICROBENCHMARKS)
    # The model says what was published, half of what the board takes.
    assert all(row["error_percent"] == pytest.approx(-50, abs=0.5) for row in rows)
    points = {row["point"]: row["class"] for row in rows}
    assert points["copy-m1 2967"] == "element-wise"
    assert "gemm-eight-cores 512" not in points
    # The board's programs are not those of the model, whose folder is another.
    assert (model.work / "board/kernels").exists()
    assert json.loads((model.work / "calibrated-core.json").read_text()) == new


def test_a_fit_adds_the_parameters_that_nothing_measures(
    target: Target, model: TimingModel, tmp_path: Path
) -> None:
    core = Path("kernels/timing/cores/x60.json")
    fit = Fit(about=[], core=core, parameters=[Parameter(path="miss.fill", values=[7, 8])])
    output = tmp_path / "core.json"
    calibrated(target, model, fit, output, None)
    new, old = json.loads(output.read_text()), json.loads(core.read_text())
    # The stand-in's cycles do not depend on it.
    assert new["miss"]["fill"] == old["miss"]["fill"]
    assert new["about"][-1] == f"Fitted to its kernels: miss.fill {old['miss']['fill']}."
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".csv"] == []


def test_a_target_without_a_core_is_refused(model: TimingModel, tmp_path: Path) -> None:
    host: Any = Target("host", TargetConfig(kind="host"), FakeToolchain())
    with pytest.raises(ColonnadeError) as caught:
        calibrated(host, model, None, tmp_path / "core.json", tmp_path / "table.csv")
    assert str(caught.value) == "target host: has no core; there is nothing to calibrate"
    assert list(model.work.iterdir()) == []


def test_a_description_that_the_model_refuses_is_not_written(
    target: Target, model: TimingModel, toolchain: FakeToolchain, tmp_path: Path
) -> None:
    class Refusing(FakeToolchain):
        def run(self, command: Sequence[str], **how: Any) -> Any:
            if any("calibrated-core.json" in each for each in command):
                raise ColonnadeError("calibrated-core.json: units: none")
            return super().run(command, **how)

    output, table = tmp_path / "core.json", tmp_path / "table.csv"
    refusing = TimingModel(Refusing(), model.plugin, model.work)
    with pytest.raises(ColonnadeError, match=r"calibrated-core\.json: units: none"):
        calibrated(target, refusing, None, output, table)
    assert not output.exists()
    assert not table.exists()
