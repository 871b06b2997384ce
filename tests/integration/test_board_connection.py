# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A board over a real SSH server on loopback: scripts take the place of compiled programs."""

import json
import os
import platform
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from colonnade.board.board import Board
from colonnade.board.ssh import Connection, LostConnectionError
from colonnade.common.errors import ColonnadeError
from colonnade.config.target import TargetConfig

from .sshd import Server, serve

CPU = min(os.sched_getaffinity(0))
MACHINE: dict[str, Any] = {
    **{"machine": "x86_64", "kernel": "6.6", "board": None, "cpu_model": "one", "isa": None},
    "vlen": None,
    "l2_bytes": None,
    "cpus": [{"cpu": CPU, "governor": "performance", "mhz": 1600.0, "max_mhz": 1600.0}],
    **{"load": 0.5, "celsius": None, "memory_mb": 4000.0},
}
PROGRAM = Path("results/build/host/colonnade-run")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serve(tmp_path / "board") as running:
        yield running


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose programs are scripts, and the working directory."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    probe(MACHINE)
    return folder


def script(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", "set -eu", *lines]) + "\n")


def probe(machine: dict[str, Any]) -> None:
    script(Path("results/build/host/colonnade-probe"), f"echo '{json.dumps(machine)}'")


def board(server: Server, **values: Any) -> Board:
    return Board("mine", TargetConfig(kind="board", board=server.config(**values)))


def wait_until_begun(server: Server) -> None:
    """Until the program there has written that it runs, or so long that what follows will fail."""
    begun = server.home / "ours/begun"
    for _ in range(3000):
        if begun.exists() and begun.read_text():
            break
        time.sleep(0.02)


def refused(server: Server, **values: Any) -> str:
    """What is said of a board on which nothing may run."""
    script(PROGRAM, "echo ran")
    with pytest.raises(ColonnadeError) as caught, board(server, **values) as mine:
        mine.run(PROGRAM, [])
    assert server.jobs() == []
    return str(caught.value)


def test_a_program_reads_writes_and_prints_there(server: Server, checkout: Path) -> None:
    package = Path("results/package one")
    script(package / "graph", "7")
    Path("results/deep").mkdir()
    script(
        PROGRAM, 'cat "$1/graph" >results/deep/report', 'echo "$COLONNADE_CPUS $2"', "echo said >&2"
    )
    report, log = Path("results/deep/report"), Path("results/log")
    arguments = [str(package), "it's  two"]
    with board(server) as mine:
        for _ in range(2):
            found = mine.run(PROGRAM, arguments, reads=[package], writes=[report], log=log)
            assert found == f"{CPU} it's  two\n"
            assert report.read_text() == (package / "graph").read_text()
            assert log.read_text() == f"{found}said\n"
            report.unlink()
        assert mine.machine.cpus[0].governor == "performance"
        assert server.jobs() == []
        store = list((server.home / "ours/store").iterdir())
        assert len(store) == 3
        mine.clean()
    assert list(server.home.iterdir()) == []


def test_it_rests_before_each_program(server: Server) -> None:
    script(PROGRAM, "echo ran")
    tools = server.folder / "tools"
    script(tools / "sleep", f'echo "$1" >>{server.folder}/sleeps')
    (tools / "sleep").chmod(0o700)
    server.login(f"PATH={tools}:$PATH", "export PATH")
    with board(server, cool_down_s=7.5) as mine:
        mine.run(PROGRAM, [])
    assert "7.5" in (server.folder / "sleeps").read_text().split()


def test_a_machine_that_is_off_is_named(server: Server) -> None:
    server.process.terminate()
    server.process.wait()
    said = refused(server)
    assert said.startswith("target mine: ")
    assert f"@127.0.0.1:{server.port}: cannot be reached: " in said
    assert "Connection refused" in said


def test_a_changed_host_key_is_refused(server: Server) -> None:
    server.new_host_key()
    known = server.folder / "known_hosts"
    assert f"its host key is not the one of {known}" in refused(server)
    known.write_text("")
    assert f"its host key is not in {known}" in refused(server)


def test_a_key_that_it_does_not_know_is_named(server: Server) -> None:
    (server.folder / "authorized_keys").write_text("")
    identity = server.folder / "identity"
    assert f"it refuses the key {identity} for user " in refused(server)


def test_only_keys_are_tried_and_no_agent_goes_there(server: Server) -> None:
    server.login("env >../env")
    with Connection("mine", server.config()) as connection:
        words = connection._ssh()
        connection.checked("hello")
    for option in (
        *("BatchMode=yes", "PasswordAuthentication=no", "PreferredAuthentications=publickey"),
        *("StrictHostKeyChecking=yes", "ForwardAgent=no", "IdentitiesOnly=yes"),
    ):
        assert option in words
    assert "SSH_AUTH_SOCK" not in (server.folder / "env").read_text()


@pytest.mark.parametrize(
    ("machine", "values", "said"),
    [
        ({"machine": "riscv64"}, {}, "board.isa: x86_64; the board is riscv64"),
        ({}, {"cores": [CPU, 1001]}, f"board.cores: 1001; allowed there: {CPU}"),
        ({}, {"governor": "powersave"}, f"board.governor: powersave; CPU {CPU} has performance"),
        ({}, {"mhz": 1800}, f"board.mhz: 1800; CPU {CPU} runs at 1600"),
    ],
)
def test_a_board_that_is_something_else_is_refused(
    server: Server, machine: dict[str, Any], values: dict[str, Any], said: str
) -> None:
    probe({**MACHINE, **machine})
    assert refused(server, **values) == f"target mine: {said}"


def test_a_program_that_there_is_not_is_named(server: Server, checkout: Path) -> None:
    tools = server.folder / "tools"
    tools.mkdir()
    for each in Path("/usr/bin").iterdir():
        if each.name != "flock":
            (tools / each.name).symlink_to(each)
    server.login(f"PATH={tools}", "export PATH")
    assert "flock: no such program there" in refused(server)


def test_a_program_that_is_not_built_is_named(server: Server) -> None:
    with pytest.raises(ColonnadeError, match=f"{PROGRAM}: cannot be read"), board(server) as mine:
        mine.run(PROGRAM, [])


def test_a_program_for_another_machine_is_refused(server: Server) -> None:
    # The header of a program for an ISA that no Linux has.
    header = bytearray(64)
    header[:7], header[16], header[18] = b"\x7fELF\x02\x01\x01", 2, 0xFF
    Path("results/build/host/colonnade-probe").write_bytes(header)
    said = refused(server)
    assert f"its programs cannot run there, where `uname -m` says {platform.machine()}" in said


def test_a_program_that_fails_says_its_last_line(server: Server) -> None:
    script(PROGRAM, "echo first >&2", "echo error: no >&2", "exit 7")
    report = Path("results/report")
    with board(server) as mine:
        with pytest.raises(ColonnadeError) as caught:
            mine.run(PROGRAM, [], writes=[report])
        assert server.jobs() == []
    assert str(caught.value) == "target mine: colonnade-run: exit status 7: error: no"
    assert not report.exists()


def test_a_lost_connection_is_made_again_and_the_job_goes_on(server: Server) -> None:
    script(PROGRAM, "echo begun >>../../../begun", "sleep 3", "echo ended", "echo 1 >report")
    cuts: list[int] = []

    def cut() -> None:
        wait_until_begun(server)
        cuts.append(server.cut())

    cutting = threading.Thread(target=cut)
    cutting.start()
    with board(server) as mine:
        assert mine.run(PROGRAM, [], writes=[Path("report")]) == "ended\n"
    cutting.join()
    assert cuts[0] > 0
    assert Path("report").read_text() == "1\n"
    assert (server.home / "ours/begun").read_text() == "begun\n"
    assert server.jobs() == []


def test_who_comes_back_gets_what_the_job_found(server: Server) -> None:
    """The client is gone in the middle; the same call later takes the job's result."""
    script(PROGRAM, "echo begun >>../../../begun", "sleep 1", "echo ended")

    def refuse() -> None:
        wait_until_begun(server)
        server.login("exit 255")
        server.cut()

    refusing = threading.Thread(target=refuse)
    refusing.start()
    with board(server, reconnect_s=0) as mine, pytest.raises(LostConnectionError) as caught:
        mine.run(PROGRAM, [])
    refusing.join()
    assert "the same command again takes what it found" in str(caught.value)
    assert len(server.jobs()) == 1
    server.login()
    with board(server) as mine:
        assert mine.run(PROGRAM, []) == "ended\n"
    assert (server.home / "ours/begun").read_text() == "begun\n"
    assert server.jobs() == []
    assert server.process.poll() is None


def test_a_job_that_somebody_ended_there_is_told(server: Server) -> None:
    script(PROGRAM, "kill -9 $(cut -d' ' -f1 ../keeper)")
    with (
        pytest.raises(ColonnadeError, match="a job ended there without a status"),
        board(server) as mine,
    ):
        mine.run(PROGRAM, [])
    assert server.jobs() == []


def test_an_interrupted_command_ends_its_job_there(server: Server) -> None:
    script(PROGRAM, "echo $$ >../../../begun", "exec sleep 600")

    def interrupt() -> None:
        wait_until_begun(server)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    # A shell starts what it runs in the background with this signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        thread.start()
        with board(server) as mine, pytest.raises(KeyboardInterrupt):
            mine.run(PROGRAM, [])
        thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert server.jobs() == []
    pid = (server.home / "ours/begun").read_text().strip()
    for _ in range(500):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.02)
    pytest.fail(f"{pid} still runs")


def test_one_job_at_a_time_runs_there(server: Server) -> None:
    """Two callers at once take turns: no program sees another one beside it."""
    script(
        PROGRAM,
        "mkdir ../../../alone",
        "sleep 0.5",
        "rmdir ../../../alone",
        'echo "$1"',
    )
    found: list[str] = []

    def one(name: str) -> None:
        with board(server) as mine:
            found.append(mine.run(PROGRAM, [name]))

    threads = [threading.Thread(target=one, args=(name,)) for name in "ab"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(found) == ["a\n", "b\n"]


def test_the_script_there_is_plain_shell() -> None:
    path = Path(__file__).resolve().parents[2] / "workflow/colonnade/board/there.sh"
    assert subprocess.run(["sh", "-n", path], check=False).returncode == 0
