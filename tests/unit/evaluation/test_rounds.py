# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks on a board by turns: their order, times and states, and what an interruption leaves."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from colonnade.board.machine import Machine
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json
from colonnade.config.schema import ThroughputConfig
from colonnade.config.target import TargetConfig
from colonnade.evaluation.rounds import NetworkRun, run_rounds
from colonnade.results.tables import BOARD_RUNS, read_table
from colonnade.targets.implementations import IMPLEMENTATIONS
from colonnade.targets.target import Target
from tests.unit.board.test_machine import MACHINE, config

from .packaged import RecordedRunner, paired

TIMED = ThroughputConfig(image_px=32, batch=2, threads=2, repetitions=5, warmup=1)
CPUS = [(0, 1590.0), (1, 1580.0), (2, 700.0)]


class StandIn:
    """A board on which each run takes as many seconds as are next in its list; one may fail."""

    def __init__(self, seconds: Sequence[float], **machine: Any) -> None:
        self.seconds, self.fails_at = list(seconds), -1
        self.machine = Machine.model_validate({**MACHINE, **machine})
        self.asked = 0
        self.ran: list[tuple[str, str]] = []
        self.images: list[Any] = []

    def ask(self) -> Machine:
        """Busier, warmer and slower every time; the CPU that no program runs on is slowest."""
        self.asked += 1
        cpus = [
            {"cpu": cpu, "governor": None, "mhz": mhz - 10 * self.asked, "max_mhz": None}
            for cpu, mhz in CPUS
        ]
        state = {"cpus": cpus, "load": 0.1 * self.asked, "celsius": 40.0 + self.asked}
        return self.machine.model_copy(update=Machine.model_validate({**MACHINE, **state}).__dict__)

    def run(
        self,
        executable: Path,
        arguments: Sequence[str],
        reads: Sequence[Path],
        writes: Sequence[Path],
        log: Path | None,
    ) -> str:
        asked = paired(arguments)
        assert executable == Path("results/build/riscv64/colonnade-run")
        assert {asked["--package"], asked["--schedules"], asked["--input"]} == set(map(str, reads))
        assert [asked["--output"], asked["--report"]] == list(map(str, writes))
        assert (asked["--repetitions"], asked["--warmup"], asked["--threads"]) == ("5", "1", "2")
        if len(self.ran) == self.fails_at:
            raise ColonnadeError("target mine: lost")
        self.images.append(load_file(asked["--input"])["image"])
        self.ran.append((asked["--package"], asked["--implementation"]))
        total = {"cycles": None, "seconds": self.seconds.pop(0)}
        Path(asked["--report"]).write_text(json.dumps({"total": total}), "utf-8")
        Path(asked["--output"]).touch()
        return ""


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: Path) -> Path:
    """A checkout with two packages, schedules and the runner for a board."""
    monkeypatch.chdir(tmp_path)
    for name in ("dense", "pruned"):
        shutil.copytree(package, name)
    Path("schedules.json").write_text("{}")
    program = Path("results/build/riscv64/colonnade-run")
    program.parent.mkdir(parents=True)
    program.write_text("a program")
    return tmp_path


RUNS = [
    NetworkRun(Path("dense"), "xnnpack_nhwc_dense"),
    NetworkRun(Path("dense"), "colnm_dense"),
    NetworkRun(Path("pruned"), "colnm_tuned"),
]
TURN = [(str(run.package), run.implementation) for run in RUNS]
# Of three rounds with three runs.
SECONDS = [0.8, 0.4, 0.1, 0.6, 0.5, 0.3, 1.0, 0.2, 0.2]


def target(board: Any) -> Target:
    described = TargetConfig(
        kind="board", core=Path("core.json"), board=config(cores=[0, 1]), vlen=256, clock_ghz=1.6
    )
    made = Target("mine", described, RecordedRunner({}))
    # Connected already.
    vars(made)["board"] = board
    return made


def time(board: StandIn, rounds: int = 3, runs: Sequence[NetworkRun] = RUNS) -> None:
    run_rounds(target(board), runs, Path("schedules.json"), TIMED, rounds, Path("board.csv"))


def left() -> list[str]:
    return sorted(path.name for path in Path().glob("[.b]*"))


def test_every_round_runs_each_once_on_the_same_images() -> None:
    board = StandIn(SECONDS)
    time(board)
    assert board.ran == TURN * 3
    assert board.asked == 3
    assert all((each == board.images[0]).all() for each in board.images)
    assert board.images[0].shape == (2, 3, 32, 32)
    # What was finished on the way is gone.
    assert left() == ["board.csv"]


def test_the_table_has_medians_extremes_and_speedups() -> None:
    time(StandIn(SECONDS))
    rows = read_table(Path("board.csv"), BOARD_RUNS).rows(named=True)
    times = [[row[key] for key in ("ms", "ms_least", "ms_most", "speedup")] for row in rows]
    assert times == [
        pytest.approx([800, 600, 1000, 1]),
        pytest.approx([400, 200, 500, 2]),
        pytest.approx([200, 100, 300, 4]),
    ]
    assert [(row["package"], row["implementation"]) for row in rows] == TURN
    digest = read_json(Path("dense/graph.json"))["checkpoint_sha256"]
    for row in rows:
        assert row["checkpoint_sha256"] == digest
        assert (row["target"], row["board"], row["evidence"]) == ("mine", "BPI-F3", "measured")
        sizes = [row[key] for key in ("threads", "batch", "image_px", "rounds")]
        assert sizes == [2, 2, 32, 3]
        # Of the CPUs that programs stay on, in the last round.
        assert row["slowest_mhz"] == pytest.approx(1550)
        assert row["highest_load"] == pytest.approx(0.3)
        assert row["highest_celsius"] == 43


@pytest.mark.parametrize(
    ("known", "called"),
    [
        ({"board": None}, "spacemit,x60"),
        ({"board": None, "cpu_model": None}, "riscv64"),
    ],
)
def test_a_board_without_a_name_is_called_by_its_cpu(known: dict[str, Any], called: str) -> None:
    time(StandIn(SECONDS, **known), rounds=1)
    assert read_table(Path("board.csv"), BOARD_RUNS)["board"].unique().to_list() == [called]


def test_what_a_board_does_not_tell_stays_empty() -> None:
    board = StandIn(SECONDS)
    silent = {"load": None, "celsius": None, "cpus": [{**MACHINE["cpus"][2], "cpu": 0}]}
    board.ask = lambda: Machine.model_validate({**MACHINE, **silent})  # type: ignore[method-assign]
    time(board, rounds=2)
    for row in read_table(Path("board.csv"), BOARD_RUNS).rows(named=True):
        told = [row[key] for key in ("slowest_mhz", "highest_load", "highest_celsius")]
        assert told == [None] * 3


def test_rounds_that_an_earlier_call_finished_count() -> None:
    first = StandIn(SECONDS)
    first.fails_at = 4
    with pytest.raises(ColonnadeError, match="target mine: lost"):
        time(first)
    assert first.ran == [*TURN, TURN[0]]
    (kept,) = left()
    assert kept.startswith(".board-")
    second = StandIn(SECONDS[4:])
    time(second)
    assert second.ran == [TURN[1], TURN[2], *TURN]
    # The first round's state was known.
    assert (first.asked, second.asked) == (1, 2)
    assert left() == ["board.csv"]
    rows = read_table(Path("board.csv"), BOARD_RUNS)
    assert rows["ms"].to_list() == pytest.approx([800, 400, 200])


@pytest.mark.parametrize("changed", ["schedules.json", "pruned/graph.json", "program", "runs"])
def test_what_was_finished_of_something_else_does_not_count(changed: str) -> None:
    first = StandIn(SECONDS)
    first.fails_at = 1
    with pytest.raises(ColonnadeError, match="lost"):
        time(first)
    runs = [RUNS[0], *RUNS[2:], RUNS[1]] if changed == "runs" else RUNS
    if changed == "program":
        changed = "results/build/riscv64/colonnade-run"
    if changed != "runs":
        path = Path(changed)
        path.write_text(path.read_text() + " ")
    second = StandIn(SECONDS)
    time(second, rounds=1, runs=runs)
    assert len(second.ran) == 3


def test_a_target_that_is_no_board_is_refused_and_nothing_is_left() -> None:
    host = Target("host", TargetConfig(kind="host"), RecordedRunner({}))
    with pytest.raises(ColonnadeError, match=r"target host: kind: host; allowed: board"):
        run_rounds(host, RUNS, Path("schedules.json"), TIMED, 1, Path("board.csv"))
    assert left() == []


@pytest.mark.parametrize("text", ["", "package", ":colnm_tuned", "package:", ":"])
def test_runs_are_a_package_and_an_implementation(text: str) -> None:
    with pytest.raises(ColonnadeError) as told:
        NetworkRun.parse(text)
    assert str(told.value) == f"{text!r}: allowed: PACKAGE:IMPLEMENTATION"
    assert NetworkRun.parse("a:b/c:colnm_tuned") == (Path("a:b/c"), "colnm_tuned")


def test_a_run_of_an_implementation_that_the_runner_lacks_is_refused() -> None:
    with pytest.raises(ColonnadeError) as told:
        NetworkRun.parse("a/b:colnm_fastest")
    allowed = ", ".join(IMPLEMENTATIONS)
    assert str(told.value) == f"'a/b:colnm_fastest': 'colnm_fastest'; allowed: {allowed}"
