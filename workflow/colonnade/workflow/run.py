# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a run of the workflow needs before its first job: programs, writable folders, nobody in its way.

Snakemake's locks do not say whose they are, so those of a killed run look like those of a live one.
Every run therefore holds a lock that the kernel takes back when the process is gone, however it went.
"""

import fcntl
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import check_folder

# The state folder of the run that a process belongs to; jobs inherit it.
_RUN = "COLONNADE_RUN"
_GRACE_SECONDS = 10
# Closing the file gives the lock back, so it stays open as long as the process lives.
_held: list[IO[bytes]] = []


def find_programs() -> None:
    """Let jobs call the programs of this environment by name, whether it is active or not."""
    programs, path = str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)
    if programs not in path.split(os.pathsep):
        os.environ["PATH"] = f"{programs}{os.pathsep}{path}"


def claim(state: Path, folders: Sequence[Path]) -> list[str]:
    """Mark this process as a run, for as long as it lives; clear what a killed run left.

    If no other run is alive, jobs that outlived theirs are ended and Snakemake's locks removed.
    Otherwise both are left alone, and Snakemake judges whether the two runs can go together.

    Args:
        state: Snakemake's folder, `.snakemake`.
        folders: where results go; they need not exist yet.

    Returns:
        What was cleared, a message for each kind.

    Raises:
        ColonnadeError: `state` or one of `folders` cannot be written to, or is a symlink to nowhere.
    """
    for folder in folders:
        for part in reversed((folder, *folder.parents)):
            check_folder(part)
        _check_writable(folder)
    try:
        state.mkdir(exist_ok=True)
        stream = (state / "run.lock").open("ab")
    except OSError as error:
        raise ColonnadeError(f"{state}: cannot be written: {error.strerror}") from error
    _held.append(stream)
    name = str(state.resolve())
    cleared = []
    # Some network file systems have no such locks: there Snakemake's own locks have to do.
    with suppress(OSError):
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            cleared = [*_end_orphans(name), *_remove_locks(state)]
        except BlockingIOError:
            pass  # another run is alive
        fcntl.flock(stream, fcntl.LOCK_SH)
    os.environ[_RUN] = name
    return cleared


def another_is_alive() -> bool:
    """Whether another run lives beside this one. Asked by a run that ends: it may lose its own mark."""
    with suppress(OSError):
        for stream in _held:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False


def _check_writable(folder: Path) -> None:
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ColonnadeError(f"{folder}: cannot be written to; results go there")


def _remove_locks(state: Path) -> list[str]:
    files = sorted((state / "locks").glob("*.lock"))
    for file in files:
        file.unlink(missing_ok=True)
    return ["removed the locks of a run that was killed"] if files else []


def _end_orphans(name: str) -> list[str]:
    orphans = [process for process in psutil.process_iter() if _belongs(process, name)]
    for process in orphans:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(orphans, _GRACE_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, _GRACE_SECONDS)
    if not orphans:
        return []
    pids = ", ".join(str(process.pid) for process in orphans)
    return [f"ended the jobs of a run that was killed: process {pids}"]


def _belongs(process: psutil.Process, name: str) -> bool:
    try:
        return process.pid != os.getpid() and process.environ().get(_RUN) == name
    except (psutil.Error, OSError):
        return False  # gone, or somebody else's
