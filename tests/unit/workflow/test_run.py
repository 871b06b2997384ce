# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""One run at a time: what a killed run left is cleared, a live run's locks are kept."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.workflow import run

RUN = """
import subprocess, sys, time
from pathlib import Path
from colonnade.workflow.run import claim
print(claim(Path(sys.argv[1]), []), flush=True)
if sys.argv[2:]:
    print(subprocess.Popen(["sleep", "600"], start_new_session=True).pid, flush=True)
    time.sleep(600)
"""


def claim(state: Path) -> str:
    """What another process clears when it claims a run."""
    command = [sys.executable, "-c", RUN, str(state)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def running(state: Path) -> Iterator[tuple[int, int]]:
    """A live run and its job; both are ended by the end of the block."""
    command = [sys.executable, "-c", RUN, str(state), "live"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        job = int(process.stdout.readline())
        try:
            yield process.pid, job
        finally:
            process.kill()
            if psutil.pid_exists(job):
                os.kill(job, signal.SIGKILL)


def lock(state: Path) -> Path:
    """A lock of Snakemake's."""
    path = state / "locks/0.output.lock"
    path.parent.mkdir(parents=True)
    path.write_text("results/report.html\n")
    return path


def gone(pid: int) -> bool:
    """Whether a process has ended, at the latest in some seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_locks_of_a_dead_run_are_removed(tmp_path: Path) -> None:
    state = tmp_path / ".snakemake"
    stale = lock(state)
    assert "locks of a run that was killed" in claim(state)
    assert not stale.exists()
    assert claim(state) == "[]"


def test_locks_of_a_live_run_are_kept(tmp_path: Path) -> None:
    state = tmp_path / ".snakemake"
    with running(state) as (_, job):
        kept = lock(state)
        assert claim(state) == "[]"
        assert kept.exists()
        assert psutil.pid_exists(job)


def test_jobs_that_outlived_their_run_are_ended(tmp_path: Path) -> None:
    state = tmp_path / ".snakemake"
    with running(tmp_path / "another") as (_, another), running(state) as (run, job):
        os.kill(run, signal.SIGKILL)
        assert gone(run)
        assert psutil.Process(job).status() != psutil.STATUS_ZOMBIE
        assert f"process {job}" in claim(state)
        assert gone(job)
        # Another checkout's is not touched.
        assert psutil.Process(another).status() == psutil.STATUS_SLEEPING


def test_file_system_without_locks_leaves_everything_to_snakemake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    kept = lock(tmp_path)
    monkeypatch.setattr(run.fcntl, "flock", refused)
    monkeypatch.setenv("COLONNADE_RUN", "")
    assert run.claim(tmp_path, []) == []
    assert kept.exists()


def test_read_only_folders_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.os, "access", lambda *_: False)
    with pytest.raises(ColonnadeError, match=r"results: cannot be written to"):
        run.claim(tmp_path / ".snakemake", [tmp_path / "results"])
    assert not (tmp_path / ".snakemake").exists()


@pytest.mark.parametrize("name", ["results", "results/resnet50"])
def test_folders_that_are_links_to_nowhere_are_named(tmp_path: Path, name: str) -> None:
    link = tmp_path / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("/mnt/unplugged")
    with pytest.raises(
        ColonnadeError, match=rf"{name}: a symlink to /mnt/unplugged, where nothing"
    ):
        run.claim(tmp_path / ".snakemake", [link / "deeper"])
    assert not (tmp_path / ".snakemake").exists()
