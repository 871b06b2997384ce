# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""`colonnade board`: its commands on a stand-in for a board, and what they refuse at once."""

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import IMAGE, TIMING_MODEL
from colonnade.evaluation.rounds import NetworkRun
from colonnade.targets.target import Target
from colonnade.validation import TimingModel, calibrate, programs
from colonnade.validation.calibrate import Effort
from colonnade.validation.fit import Fit
from tests.unit.board.conftest import MACHINE, StandIn, stand_in

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A checkout, the working directory, whose target `mine` is a board."""
    checkout = tmp_path / "checkout"
    (checkout / "config/targets").mkdir(parents=True)
    monkeypatch.chdir(checkout)
    found = stand_in(tmp_path / "room", monkeypatch)
    found.probe()
    target = {"kind": "board", "board": found.config(cores=[0]).model_dump(mode="json")}
    (checkout / "config/targets/mine.yaml").write_text(json.dumps(target))
    return found


def call(*arguments: object) -> str:
    """What a command prints that succeeds."""
    command = ["board", *map(str, arguments)]
    result = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object) -> str:
    """What is wrong with a command."""
    with pytest.raises(ColonnadeError) as caught:
        cli(["board", *map(str, arguments)], standalone_mode=False)
    return str(caught.value)


def connected(there: StandIn) -> bool:
    """Whether a connection is still open."""
    return Path(f"/proc/{(there.folder / 'master').read_text().strip()}").exists()


def test_the_probe_says_what_it_is_and_disconnects(there: StandIn) -> None:
    assert json.loads(call("probe", "--target", "mine")) == MACHINE
    assert len(there.masters) == 1
    assert not connected(there)


def test_a_probe_of_something_else_says_so(there: StandIn) -> None:
    there.probe(machine="riscv64")
    said = refused("probe", "--target", "mine")
    assert said == "target mine: board.isa: x86_64; the board is riscv64"
    assert not connected(there)


def test_a_target_that_is_none_or_no_board_is_told(there: StandIn) -> None:
    Path("config/targets/here.yaml").write_text("kind: host\n")
    assert refused("probe") == "target: 'board'; allowed: here, mine (files of config/targets)"
    assert refused("clean", "--target", "here") == "target here: kind: host; allowed: board"
    assert refused("probe", "--target", "host:mine") == "target: 'host:mine'; mine is of kind board"
    assert there.masters == []


def test_all_that_is_left_there_is_removed(there: StandIn) -> None:
    call("probe", "--target", "mine")
    assert (there.home / "ours/store").is_dir()
    assert call("clean", "--target", "mine") == ""
    assert list(there.home.iterdir()) == []


def test_nothing_is_removed_while_a_job_runs(there: StandIn) -> None:
    there.on("clean", "echo busy", "exit")
    said = refused("clean", "--target", "mine")
    assert said == "target mine: a job runs there; try again when it has ended"


@pytest.fixture
def timed(there: StandIn, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments that time two networks; the first takes 3 s, the second 2 s."""
    # What is measured on this machine does not wait for us, nor we for it.
    monkeypatch.setattr("colonnade.targets.conditions.LOCK", str(there.folder / "lock"))
    Path("schedules.json").write_text("{}")
    Path("packages").mkdir()
    for name in ("slow", "fast"):
        Path("packages", name).write_text(name)
    there.program(
        "colonnade-run",
        f'echo "$*" >>{there.folder}/runs',
        "package=$2 implementation=$4",
        "while [ $# -gt 0 ]; do case $1 in --report) report=$2 ;; --output) out=$2 ;; esac; shift; done",
        "case $implementation in colnm_dense) s=3 ;; *) s=2 ;; esac",
        'echo "{\\"total\\":{\\"cycles\\":null,\\"seconds\\":$s}}" >"$report"',
        'echo logits >"$out"',
    )
    return ["--target", "mine", "--schedules", "schedules.json", "--image-px", "32"]


def rows_of(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.read_text().splitlines()))


def read_any(path: Path) -> Any:
    """In place of a package: what a run notes of one."""

    graph = {"model": "net", "checkpoint_sha256": f"sha of {path.name}"}
    return SimpleNamespace(graph=graph)


def test_networks_are_timed_by_turns(
    there: StandIn, timed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colonnade.evaluation.throughput.read_package", read_any)
    options = ["--rounds", 2, "--repetitions", 4, "--warmup", 0, "--batch", 2]
    runs = ["packages/slow:colnm_dense", "packages/fast:colnm_tuned"]
    call("run", *timed, *options, "out/board.csv", *runs)
    rows = rows_of(Path("out/board.csv"))
    keys = ("package", "implementation", "checkpoint_sha256", "ms", "speedup", "rounds", "batch")
    assert [tuple(row[key] for key in keys) for row in rows] == [
        ("packages/slow", "colnm_dense", "sha of slow", "3000.0", "1.0", "2", "2"),
        ("packages/fast", "colnm_tuned", "sha of fast", "2000.0", "1.5", "2", "2"),
    ]
    ran = (there.folder / "runs").read_text().splitlines()
    assert [line.split()[3] for line in ran] == ["colnm_dense", "colnm_tuned"] * 2
    for line in ran:
        assert " --schedules schedules.json " in line
        assert line.endswith(" --threads 1 --repetitions 4 --warmup 0")
    # Nothing is left, there or beside the table.
    assert list(there.home.iterdir()) == []
    assert [path.name for path in Path("out").iterdir()] == ["board.csv"]


@pytest.mark.parametrize(
    ("options", "runs", "said"),
    [
        (
            ["--threads", "2"],
            ["p:rownm"],
            "throughput.threads: 2; allowed for the board target mine: 1",
        ),
        (["--batch", "0"], ["p:rownm"], "command line: batch: 0; allowed: "),
        ([], ["packages/slow"], "'packages/slow': allowed: PACKAGE:IMPLEMENTATION"),
        ([], [":slow"], "':slow': allowed: PACKAGE:IMPLEMENTATION"),
        ([], ["p:slow"], "'p:slow': 'slow'; allowed: xnnpack_nhwc_dense, "),
    ],
)
def test_what_cannot_be_timed_is_told_before_anything_runs(
    there: StandIn, timed: list[str], options: list[str], runs: list[str], said: str
) -> None:
    assert said in refused("run", *timed, *options, "board.csv", *runs)
    assert there.masters == []
    assert not Path("board.csv").exists()


def test_a_runner_that_is_not_built_is_told_before_anything_runs(
    there: StandIn, timed: list[str]
) -> None:
    for name in ("colonnade-run", "colonnade-probe"):
        Path("results/build/host", name).unlink()
    assert refused("run", *timed, "board.csv", "p:rownm") == (
        "results/build/host/colonnade-run, results/build/host/colonnade-probe: not built yet;"
        " `snakemake kernels_host` builds what is missing"
    )
    assert there.masters == []


class Calls:
    """Keeps what the library was asked for in place of a command's work."""

    def __init__(self) -> None:
        self.made: list[tuple[Any, ...]] = []

    def __call__(self, *arguments: Any) -> str:
        self.made.append(arguments)
        return "what was found"


def built_model() -> None:
    TIMING_MODEL.parent.mkdir(parents=True)
    TIMING_MODEL.touch()


def test_a_core_is_calibrated_as_the_options_say(
    there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_model()
    calls = Calls()
    monkeypatch.setattr(calibrate, "calibrate", calls)
    fit = sorted((ROOT / "kernels/timing/fits").glob("*.json"))[0]
    shutil.copy(fit, "fit.json")
    options = ["--rounds", 2, "--iterations", 30, "--fit", "fit.json", "--table", "points.csv"]
    assert call("calibrate", "--target", "mine", *options, "new.json") == "what was found\n"
    call("calibrate", "--target", "mine", "new.json")
    (target, model, *rest), (*_, effort, no_fit, output, no_table) = calls.made
    assert isinstance(target, Target)
    assert target.name == "mine"
    assert isinstance(model, TimingModel)
    work = Path("results/build/calibrate")
    assert (model.container, model.plugin, model.work) == (target.container, TIMING_MODEL, work)
    assert work.is_dir()
    expected = Fit.model_validate_json(fit.read_text())
    assert rest == [Effort(2, 30), expected, Path("new.json"), Path("points.csv")]
    assert (effort, no_fit, output, no_table) == (Effort(5, 1000), None, Path("new.json"), None)


def test_a_calibration_needs_the_timing_model_and_a_core(there: StandIn) -> None:
    said = f"{TIMING_MODEL}: not built yet; `snakemake timing_model` builds it"
    assert refused("calibrate", "--target", "mine", "new.json") == said
    built_model()
    said = "target mine: has no core; there is nothing to calibrate"
    assert refused("calibrate", "--target", "mine", "new.json") == said
    assert there.masters == []
    assert not Path("new.json").exists()


def test_a_file_that_names_no_parameters_is_told(there: StandIn) -> None:
    built_model()
    Path("fit.json").write_text('{"parameters": 7}')
    assert "fit.json: " in refused("calibrate", "--target", "mine", "--fit", "fit.json", "new.json")
    assert there.masters == []


class NoContainer:
    """A toolchain in which nothing may run here."""

    def run(self, command: Sequence[str], **unused: Any) -> None:
        pytest.fail(f"{command} ran")


def test_programs_for_a_machine_without_ssh_are_written(
    there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, toolchain = Calls(), NoContainer()
    monkeypatch.setattr(programs, "write_programs", calls)
    monkeypatch.setattr("colonnade.cli.board.container", lambda: toolchain)
    options = ["--schedules", "schedules.json", "--image-px", 64]
    call("programs", *options, "folder", "a/b:colnm_direct", "c:d:colnm_packed")
    ((model, *rest),) = calls.made
    work = Path("results/build/calibrate/board")
    assert model == TimingModel(toolchain, TIMING_MODEL, work)  # type: ignore[arg-type]
    assert work.is_dir()
    runs = [NetworkRun(Path("a/b"), "colnm_direct"), NetworkRun(Path("c:d"), "colnm_packed")]
    assert rest == [Path("folder"), runs, Path("schedules.json"), 64]


def test_programs_need_the_toolchain(there: StandIn) -> None:
    said = refused("programs", "--schedules", "s.json", "folder", "p:rownm")
    assert said == f"{IMAGE}: the toolchain is not built yet; `snakemake toolchain` does it"
    assert not Path("folder").exists()


def test_an_interrupted_command_goes_on(
    there: StandIn, timed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rounds that are finished do not run again."""
    monkeypatch.setattr("colonnade.evaluation.throughput.read_package", read_any)

    def interrupted(*_: object) -> None:
        raise ColonnadeError("interrupted")

    command = ["run", *timed, "--rounds", "1", "board.csv", "packages/slow:colnm_dense"]
    with monkeypatch.context() as patch:
        patch.setattr("colonnade.evaluation.rounds.write_table", interrupted)
        assert refused(*command) == "interrupted"
    assert not Path("board.csv").exists()
    call(*command)
    assert len((there.folder / "runs").read_text().splitlines()) == 1
    assert len(rows_of(Path("board.csv"))) == 1
