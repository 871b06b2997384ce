# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a run does to the state folder and to processes, from within it."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, cast

import psutil
import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.workflow import run

LOCKS = "removed the locks of a run that was killed"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[IO[bytes]]]:
    """This process is no run yet, and none after the test; what it holds in between."""
    held: list[IO[bytes]] = []
    monkeypatch.setattr(run, "_held", held)
    monkeypatch.setenv("COLONNADE_RUN", "")
    yield held
    for stream in held:
        stream.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Snakemake's folder, with two locks."""
    folder = tmp_path / ".snakemake"
    (folder / "locks").mkdir(parents=True)
    for name in ("0.input.lock", "0.output.lock", "other"):
        (folder / "locks" / name).touch()
    return folder


def locks(state: Path) -> list[str]:
    return sorted(path.name for path in (state / "locks").iterdir())


def job(state: Path | str, *command: str) -> subprocess.Popen[str]:
    """A process of a run, in a session of its own."""
    return subprocess.Popen(
        command, env={**os.environ, "COLONNADE_RUN": str(state)}, start_new_session=True,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_locks_that_nobody_holds_are_removed_and_nothing_else(state: Path) -> None:
    assert run.claim(state, []) == [LOCKS]
    assert locks(state) == ["other"]
    assert os.environ["COLONNADE_RUN"] == str(state.resolve())


def test_a_run_is_claimed_where_there_was_none(tmp_path: Path) -> None:
    state = tmp_path / "new"
    assert run.claim(state, [tmp_path / "results/deeper"]) == []
    assert (state / "run.lock").exists()
    # Results are made by jobs.
    assert not (tmp_path / "results").exists()
    assert not run.another_is_alive()


def test_the_locks_of_a_live_run_are_left_to_it(state: Path) -> None:
    with (state / "run.lock").open("ab") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_SH)
        assert run.claim(state, []) == []
        assert len(locks(state)) == 3
        assert run.another_is_alive()
    # It has ended.
    assert not run.another_is_alive()


def test_a_run_that_was_claimed_shows_to_others(state: Path) -> None:
    run.claim(state, [])
    with (state / "run.lock").open("ab") as theirs, pytest.raises(BlockingIOError):
        fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_without_locks_of_the_file_system_no_other_is_seen(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    run.claim(state, [])
    monkeypatch.setattr(fcntl, "flock", refused)
    assert not run.another_is_alive()


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.touch()
    with pytest.raises(ColonnadeError) as caught:
        run.claim(place, [])
    assert str(caught.value) == f"{place}: cannot be written: File exists"
    assert os.environ["COLONNADE_RUN"] == ""


def test_jobs_of_a_killed_run_are_ended_and_named_others_are_not(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = job(state.resolve(), "sleep", "600")
    stubborn = job(state.resolve(), "sh", "-c", "trap '' TERM; echo ready; exec sleep 600")
    other = job(tmp_path / "another", "sleep", "600")
    try:
        assert stubborn.stdout is not None
        assert stubborn.stdout.readline() == "ready\n"
        monkeypatch.setattr(run, "_GRACE_SECONDS", 0.3)
        cleared, removed = run.claim(state, [])
        assert removed == LOCKS
        assert cleared.startswith("ended the jobs of a run that was killed: process ")
        named = {int(pid) for pid in cleared.rpartition("process ")[2].split(", ")}
        assert named == {ours.pid, stubborn.pid}
        for process in (ours, stubborn):
            assert (
                not psutil.pid_exists(process.pid)
                or psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
            )
        assert other.poll() is None
    finally:
        for process in (ours, stubborn, other):
            process.kill()
            process.communicate()


@pytest.mark.parametrize(
    "problem", [psutil.AccessDenied(1), psutil.NoSuchProcess(1), PermissionError()]
)
def test_processes_that_tell_nothing_are_not_ours(problem: Exception) -> None:
    def environ() -> Any:
        raise problem

    stranger = SimpleNamespace(pid=1, environ=environ)
    assert not run._belongs(cast("psutil.Process", stranger), "x")


def test_this_process_never_ends_itself() -> None:
    us = SimpleNamespace(pid=os.getpid(), environ=lambda: {"COLONNADE_RUN": "x"})
    job_of_us = SimpleNamespace(pid=1, environ=us.environ)
    assert not run._belongs(cast("psutil.Process", us), "x")
    assert run._belongs(cast("psutil.Process", job_of_us), "x")
    assert not run._belongs(cast("psutil.Process", job_of_us), "y")


def test_jobs_find_the_programs_of_this_environment_first_and_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    run.find_programs()
    assert os.environ["PATH"] == f"{programs}:/usr/bin:/bin"
    run.find_programs()
    assert os.environ["PATH"] == f"{programs}:/usr/bin:/bin"
    # A folder of a longer name is another.
    monkeypatch.setenv("PATH", f"/usr/bin:{programs}-old")
    run.find_programs()
    assert os.environ["PATH"] == f"{programs}:/usr/bin:{programs}-old"
    monkeypatch.delenv("PATH")
    run.find_programs()
    assert os.environ["PATH"] == f"{programs}:{os.defpath}"
