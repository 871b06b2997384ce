# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Programs on a board: files are sent once, and what a job wrote comes back whole or not at all."""

import hashlib
import os
import platform
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from colonnade.board import board as module
from colonnade.board.board import Board
from colonnade.board.machine import Machine
from colonnade.board.ssh import LostConnectionError
from colonnade.common.errors import ColonnadeError
from colonnade.config.target import TargetConfig

from .conftest import MACHINE, StandIn

REPORT = Path("results/deep/report")


def board(there: StandIn, **values: Any) -> Board:
    return Board("mine", TargetConfig(kind="board", board=there.config(**values)))


def asked(there: StandIn, **values: Any) -> Board:
    """A board that has said already what it is, and is what its target's file says."""
    mine = board(there, **values)
    vars(mine)["machine"] = Machine.model_validate(MACHINE)
    return mine


def failure(there: StandIn, program: Path, log: Path | None = None) -> str:
    """What is said of a program that fails there; nothing stays there or comes back."""
    with asked(there) as mine, pytest.raises(ColonnadeError) as caught:
        mine.run(program, [], writes=[REPORT], log=log)
    assert there.jobs == []
    assert not REPORT.exists()
    return str(caught.value)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_only_a_target_that_is_a_board_has_one() -> None:
    with pytest.raises(ColonnadeError) as caught:
        Board("mine", TargetConfig(kind="host"))
    assert str(caught.value) == "target mine: kind: host; allowed: board"


def test_a_program_reads_writes_and_prints_there(there: StandIn, tmp_path: Path) -> None:
    package = Path("results/package one")
    (package / "inner").mkdir(parents=True)
    (package / "graph").write_text("7\n")
    (package / "inner/weights").write_bytes(bytes(range(256)))
    program = there.program(
        "colonnade-run",
        'cat "$1/graph" "$1/inner/weights" >results/deep/report',
        'echo "$COLONNADE_CPUS $2"',
        "echo said >&2",
    )
    log, arguments = tmp_path / "log", [str(package), "it's  two"]
    with board(there, cores=[0, 3], cool_down_s=0.01) as mine:
        there.probe(
            cpus=[{"cpu": n, "governor": None, "mhz": None, "max_mhz": None} for n in (0, 3)]
        )
        found = mine.run(program, arguments, reads=[package], writes=[REPORT], log=log)
        assert found == "0,3 it's  two\n"
        assert REPORT.read_bytes() == b"7\n" + bytes(range(256))
        assert log.read_text() == f"{found}said\n"
        assert there.jobs == []
        # By their digests: two files, the program and the one that tells what the board is.
        files = [package / "graph", package / "inner/weights", program]
        files.append(program.with_name("colonnade-probe"))
        store = {path.name: path.read_bytes() for path in (there.home / "ours/store").iterdir()}
        assert store == {sha256(path): path.read_bytes() for path in files}
        # What is there is not sent again, and what the board is not asked again.
        before = list(there.commands)
        assert before.count("put") == 4
        mine.run(program, arguments, reads=[package], writes=[REPORT])
        assert there.commands[len(before) :] == ["missing", "start", "fetch", "fetch", "drop"]
        assert mine.clean()
    assert list(there.home.iterdir()) == []


def test_files_of_one_content_are_sent_once(there: StandIn) -> None:
    for name in ("a", "b"):
        Path(name).write_text("same")
    program = there.program("colonnade-run", "cat a b")
    with board(there) as mine:
        assert mine.run(program, [], reads=[Path("a"), Path("b")]) == "samesame"
    # The program that tells what the board is, this one, and the content.
    assert there.commands.count("put") == 3


def test_it_rests_before_a_program_but_not_before_it_is_asked(there: StandIn) -> None:
    program = there.program("colonnade-run", "true")
    tools = there.folder / "tools"
    (tools / "sleep").write_text(f'#!/bin/sh\necho "$1" >>{there.folder}/sleeps\n')
    (tools / "sleep").chmod(0o700)
    there.on("start", f"echo start >>{there.folder}/sleeps")
    # What keeps the connection sleeps too.
    text = (tools / "ssh").read_text()
    (tools / "ssh").write_text(text.replace("exec sleep 600", "exec tail -f /dev/null"))
    with board(there, cool_down_s=7.5) as mine:
        mine.run(program, [])
    slept = (there.folder / "sleeps").read_text().split()
    # The script there sleeps while it waits.
    assert [each for each in slept if each != "0.05"] == ["start", "0", "start", "7.5"]


@pytest.mark.parametrize(
    ("machine", "values", "said"),
    [
        ({"machine": "riscv64"}, {}, "board.isa: x86_64; the board is riscv64"),
        ({}, {"cores": [0, 9]}, "board.cores: 9; allowed there: 0"),
        ({}, {"mhz": 1800}, "board.mhz: 1800; CPU 0 runs at 1600"),
    ],
)
def test_a_board_that_is_something_else_runs_nothing(
    there: StandIn, machine: dict[str, Any], values: dict[str, Any], said: str
) -> None:
    there.probe(**machine)
    program = there.program("colonnade-run", f"touch {there.folder}/ran")
    with board(there, **values) as mine, pytest.raises(ColonnadeError) as caught:
        mine.run(program, [])
    assert str(caught.value) == f"target mine: {said}"
    assert not (there.folder / "ran").exists()
    assert there.jobs == []


def test_what_it_is_now_is_asked_anew(there: StandIn) -> None:
    with board(there) as mine:
        assert mine.ask().load == mine.machine.load == 0.5
        there.probe(load=3.0)
        assert mine.ask().load == 3.0
        assert mine.machine.load == 0.5


@pytest.mark.parametrize("text", ["no JSON", '{"machine":"x86_64"}', "x" * 100])
def test_what_is_no_machine_is_refused(there: StandIn, text: str) -> None:
    there.program("colonnade-probe", f"printf '%s' '{text}'")
    with board(there) as mine, pytest.raises(ColonnadeError) as caught:
        _ = mine.machine
    assert str(caught.value) == f"target mine: colonnade-probe: printed {text[:80]!r}"


def test_a_program_for_another_machine_is_refused(there: StandIn) -> None:
    # The header of a program for an ISA that no Linux has.
    header = bytearray(64)
    header[:7], header[16], header[18] = b"\x7fELF\x02\x01\x01", 2, 0xFF
    program = there.program("colonnade-run")
    program.write_bytes(header)
    assert failure(there, program) == (
        "target mine: board.isa: x86_64; its programs cannot run there, where `uname -m` says"
        f" {platform.machine()}"
    )


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["echo first >&2", "echo error: no >&2", "exit 7"], "exit status 7: error: no"),
        (["echo only on stdout", "exit 3"], "exit status 3: said nothing"),
        (["kill -9 $$"], "exit status 137: said nothing"),
    ],
)
def test_a_program_that_fails_says_its_last_line(
    there: StandIn, tmp_path: Path, lines: list[str], said: str
) -> None:
    program = there.program("colonnade-run", *lines[:-1], "echo 1 >results/deep/report", lines[-1])
    log = tmp_path / "log"
    assert failure(there, program, log=log) == f"target mine: colonnade-run: {said}"
    # All of it is in the log.
    printed = [line.split()[1:-1] if ">&2" in line else line.split()[1:] for line in lines[:-1]]
    assert log.read_text() == "".join(f"{' '.join(words)}\n" for words in printed)


def test_a_program_that_writes_nothing_fails(there: StandIn) -> None:
    assert "fetch: " in failure(there, there.program("colonnade-run", "true"))


def test_what_comes_damaged_is_not_taken(there: StandIn) -> None:
    program = there.program("colonnade-run", "echo 1234 >results/deep/report")
    # Only what the program wrote has those words.
    there.on("fetch", 'setsid "$@" | sed s/1234/1235/', "exit")
    assert failure(there, program) == (
        "target mine: files/results/deep/report: came damaged from the board"
    )


def test_a_program_that_is_not_built_is_named(there: StandIn) -> None:
    program = there.program("colonnade-run", "true")
    probe = program.with_name("colonnade-probe")
    probe.unlink()
    with board(there) as mine, pytest.raises(ColonnadeError) as caught:
        mine.run(program, [])
    assert str(caught.value) == f"{probe}: cannot be read: No such file or directory"
    program.unlink()
    assert failure(there, program) == f"{program}: cannot be read: No such file or directory"
    assert there.jobs == []


def test_a_file_that_is_gone_before_it_is_sent_is_named(there: StandIn) -> None:
    program, read = there.program("colonnade-run", "true"), Path("read")
    read.write_text("x")
    with asked(there) as mine:
        there.on("missing", f'rm -f "{read.resolve()}"')
        with pytest.raises(ColonnadeError) as caught:
            mine.run(program, [], reads=[read])
    assert str(caught.value) == "read: cannot be read: No such file or directory"
    assert there.jobs == []


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "a/../../b", "two\nlines"])
def test_a_path_out_of_the_checkout_is_refused(there: StandIn, name: str) -> None:
    program = there.program("colonnade-run", "true")
    Path("a").mkdir()
    if not Path(name).is_absolute():
        Path(name).write_text("x")
    said = f"{name}: has no name on the board; allowed: a path below the checkout's folder"
    with asked(there) as mine:
        with pytest.raises(ColonnadeError) as caught:
            mine.run(program, [], writes=[Path(name)])
        assert str(caught.value) == said
        with pytest.raises(ColonnadeError) as caught:
            mine.run(Path(name), [])
        assert str(caught.value) == said
    assert there.commands == []


def test_a_long_job_is_asked_for_until_it_ends(
    there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WAIT_SECONDS", 0)
    program = there.program(
        "colonnade-run", f"while [ ! -e {there.folder}/go ]; do sleep 0.02; done", "echo ended"
    )
    # It ends after it was asked for three times.
    waits = there.folder / "waits"
    there.on("wait", f"echo >>{waits}", f"[ $(wc -l <{waits}) -lt 3 ] || : >{there.folder}/go")
    with asked(there) as mine:
        assert mine.run(program, []) == "ended\n"
    assert there.commands.count("wait") >= 3
    assert there.jobs == []


def begun(there: StandIn) -> list[str]:
    path = there.home / "ours/begun"
    return path.read_text().split() if path.exists() else []


def test_an_answer_that_was_lost_does_not_start_a_job_again(there: StandIn) -> None:
    """The command arrives, the connection ends, and the repeated command finds the same job."""
    program = there.program("colonnade-run", "echo $$ >>../../../begun", "echo ended")
    with asked(there) as mine:
        there.on("start", "once", 'there "$@" >/dev/null', "cut", "exit 255")
        assert mine.run(program, []) == "ended\n"
    assert len(begun(there)) == 1
    assert there.jobs == []


def test_who_comes_back_gets_what_the_job_found(there: StandIn) -> None:
    """The connection stays lost; the same call later takes the job's result, another one does not."""
    program = there.program("colonnade-run", "echo $$ >>../../../begun", 'echo "ended $*"')
    lost = ("cut", f"echo gone >{there.folder}/refusal", "exit 255")
    with asked(there, reconnect_s=0) as mine:
        there.on("fetch", "once", *lost)
        with pytest.raises(LostConnectionError, match="the same command again takes what it found"):
            mine.run(program, ["a"])
    assert len(there.jobs) == len(begun(there)) == 1
    there.accept()
    with asked(there) as mine:
        assert mine.run(program, ["b"]) == "ended b\n"
        assert len(begun(there)) == 2
        assert mine.run(program, ["a"]) == "ended a\n"
    assert len(begun(there)) == 2
    assert there.jobs == []


# What keeps a job is known there a moment after the job has begun.
END_KEEPER = "until [ -s ../keeper ]; do sleep 0.01; done; kill -9 $(cut -d' ' -f1 ../keeper)"


def test_a_job_that_somebody_ended_there_is_started_once_more(there: StandIn) -> None:
    """The first time only: what it printed is then that of the second."""
    program = there.program(
        "colonnade-run",
        "echo $$ >>../../../begun",
        f"[ $(wc -l <../../../begun) -gt 1 ] || {{ {END_KEEPER}; }}",
        "echo ended",
    )
    with asked(there) as mine:
        assert mine.run(program, []) == "ended\n"
    assert len(begun(there)) == 2


def test_a_job_that_is_always_ended_there_is_told(there: StandIn) -> None:
    program = there.program("colonnade-run", "echo $$ >>../../../begun", END_KEEPER)
    assert failure(there, program) == (
        "target mine: a job ended there without a status: out of memory, no space left, or someone"
        " ended it"
    )
    assert len(begun(there)) == 2


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C means what it means on a terminal, also where the tests run in the background."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_command_ends_its_job_there(there: StandIn) -> None:
    program = there.program("colonnade-run", "echo $$ >>../../../begun", "exec sleep 60")
    with asked(there) as mine:
        # As when its user presses Ctrl-C once the program runs.
        wait = f"[ -s {there.home}/ours/begun ] || sleep 0.02"
        there.on(
            "start",
            'exec 3<&0; there "$@" <&3 &',
            f"for each in $(seq 250); do {wait}; done",
            f"kill -INT {os.getpid()}",
            "exec sleep 5",
        )
        with pytest.raises(KeyboardInterrupt):
            mine.run(program, [])
    assert there.commands[-1] == "drop"
    assert there.jobs == []
    (pid,) = begun(there)
    for _ in range(500):
        if not runs(int(pid)):
            break
        time.sleep(0.01)
    assert not runs(int(pid))


def test_a_failure_is_told_even_where_nothing_can_be_removed(there: StandIn) -> None:
    program = there.program("colonnade-run", "echo error: no >&2", "exit 7")
    with asked(there) as mine:
        there.on("drop", "echo read-only >&2", "exit 1")
        with pytest.raises(ColonnadeError, match="exit status 7: error: no"):
            mine.run(program, [])


def test_nothing_is_removed_while_a_job_runs(there: StandIn) -> None:
    there.on("clean", "echo busy", "exit")
    with board(there) as mine:
        assert mine.machine.machine == "x86_64"
        assert not mine.clean()
    assert (there.home / "ours/store").is_dir()
