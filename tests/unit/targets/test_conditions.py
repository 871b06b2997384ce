# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""One measurement at a time on a machine, and what is said of the machine meanwhile."""

import errno
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.targets.conditions import LOCK, Conditions, Usage, Watch, alone


def usage(now: float, busy: float, stolen: float = 0, own: float = 0) -> Usage:
    return Usage(now, busy, stolen, own, cores=2)


@pytest.mark.parametrize(
    ("busy", "stolen", "own", "others", "steal", "loaded"),
    [
        (10, 0, 10, 0, 0, 0),  # this process alone, on one of two cores
        (11, 0, 10, 5, 0, 0),
        (12, 0, 10, 10, 0, 1),
        (10, 0.2, 10, 0, 1, 0),
        (10, 0.4, 10, 0, 2, 1),
        (9.9, 0, 10, 0, 0, 0),  # ticks are coarse
    ],
)
def test_load_is_the_time_that_others_took(
    busy: float, stolen: float, own: float, others: float, steal: float, loaded: int
) -> None:
    found = Conditions.between(usage(100, 7), usage(110, 7 + busy, stolen, own), 3000.0)
    assert found.columns() == {
        "mhz": 3000.0,
        "others_percent": pytest.approx(others),
        "steal_percent": pytest.approx(steal),
        "under_load": loaded,
    }


def test_this_machine_is_read() -> None:
    watch = Watch()
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        pass
    found = watch.conditions()
    assert 0 <= found.others_percent <= 100
    assert 0 <= found.steal_percent <= 100
    assert Usage.read().cores >= 1


def test_measurements_of_processes_take_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = (
        "import time, tempfile; from pathlib import Path\n"
        f"tempfile.tempdir = {str(tmp_path)!r}\n"
        "from colonnade.targets.conditions import alone\n"
        "with alone(): print(time.monotonic(), flush=True)\n"
    )
    with alone():
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        assert "another measurement runs on this machine" in process.stderr.readline()
        before = time.monotonic()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert float(output) >= before


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Flags of files that are opened, where the kernel refuses O_CREAT for a file that is there."""
    flags_of: list[int] = []
    really = os.open

    def protected(path: Path, flags: int, mode: int = 0o777) -> int:
        flags_of.append(flags)
        if flags & os.O_CREAT and not flags & os.O_EXCL and path.exists():
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return really(path, flags, mode)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("colonnade.targets.conditions.os.open", protected)
    return flags_of


def test_the_lock_of_another_user_is_taken_where_such_files_are_protected(
    tmp_path: Path, opened: list[int]
) -> None:
    before = os.umask(0o077)
    try:
        with alone():
            pass
    finally:
        os.umask(before)
    assert (tmp_path / LOCK).stat().st_mode & 0o777 == 0o666
    with alone():
        pass
    assert [bool(flags & os.O_CREAT) for flags in opened] == [False, True, False]


def test_the_lock_that_another_makes_meanwhile_is_taken(tmp_path: Path, opened: list[int]) -> None:
    really, path = os.open, tmp_path / LOCK

    def late(_: Path, flags: int, mode: int = 0o777) -> int:
        try:
            return really(path, flags, mode)
        finally:
            path.write_text("")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("colonnade.targets.conditions.os.open", late)
        with alone():
            pass
    assert [bool(flags & os.O_CREAT) for flags in opened] == [False, True, False]


def test_a_lock_that_cannot_be_opened_is_named(tmp_path: Path, opened: list[int]) -> None:
    (tmp_path / LOCK).symlink_to(LOCK)
    with (
        pytest.raises(ColonnadeError, match=rf"{LOCK}: cannot be opened: Too many levels"),
        alone(),
    ):
        pass
    assert len(opened) == 1
