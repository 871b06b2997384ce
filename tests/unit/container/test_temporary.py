# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Temporary folders of builds: what is removed, what is left alone, and what is said of the rest."""

import fcntl
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import temporary
from colonnade.container.temporary import delete, mounts_below, temporary_folder

Mounted = Callable[..., None]


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> Mounted:
    """Makes the kernel say that some places are mounted."""
    read = Path.read_text

    def say(*places: str) -> None:
        lines = "".join(f"36 35 98:0 / {place} rw master:1 - ext4 /dev/x rw\n" for place in places)
        monkeypatch.setattr(
            Path,
            "read_text",
            lambda path, *rest, **how: (
                lines if str(path) == "/proc/self/mountinfo" else read(path, *rest, **how)
            ),
        )

    return say


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary, "_PAUSE_SECONDS", 0)


def leftover(parent: Path, name: str = "old") -> Path:
    """A folder of a build that was killed."""
    folder = parent / f"colonnade-build-{name}"
    (folder / "system").mkdir(parents=True)
    (folder / "system/file").touch()
    return folder


def test_a_folder_lives_as_long_as_its_build_and_others_may_enter_it(tmp_path: Path) -> None:
    with temporary_folder(tmp_path) as folder:
        assert folder.parent == tmp_path
        assert folder.name.startswith("colonnade-build-")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755
        (folder / "locked").mkdir()
        (folder / "locked/file").touch()
        (folder / "locked").chmod(0o555)
    assert list(tmp_path.iterdir()) == []


def test_it_is_removed_when_the_build_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), temporary_folder(tmp_path) as folder:
        (folder / "file").touch()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_what_killed_builds_left_is_removed_and_what_others_hold_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left, held = leftover(tmp_path), leftover(tmp_path, "held")
    other = tmp_path / "something-else"
    other.mkdir()
    handle = os.open(held, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with temporary_folder(tmp_path):
            assert not left.exists()
            assert (held / "system/file").exists()
    finally:
        os.close(handle)
    assert other.exists()
    assert capsys.readouterr().err == ""
    with temporary_folder(tmp_path):
        assert not held.exists()


def test_what_is_somebody_elses_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = leftover(tmp_path)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    temporary._remove_leftovers(tmp_path)
    assert (left / "system/file").exists()


def test_leftovers_that_stay_are_told_of_and_keep_no_build_from_starting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Only folders are held; a link is none, wherever it leads.
    link = tmp_path / "colonnade-build-link"
    link.symlink_to(tmp_path)
    with temporary_folder(tmp_path) as folder:
        assert folder.exists()
    said = capsys.readouterr().err
    assert said.startswith(f"{link}: left by a build that was killed: ")
    assert link.is_symlink()


def test_what_is_mounted_is_found_in_order_by_its_real_name(
    tmp_path: Path, mounted: Mounted
) -> None:
    mounted(
        f"{tmp_path}/a/dev/pts",
        f"{tmp_path}/a",
        f"{tmp_path}/a\\040b\\134",
        f"{tmp_path}/a/dev",
        f"{tmp_path}/ab",
        "/",
    )
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "a").mkdir()
    inside = [f"{tmp_path}/a", f"{tmp_path}/a/dev", f"{tmp_path}/a/dev/pts"]
    assert mounts_below(tmp_path / "a") == mounts_below(tmp_path / "link") == inside
    assert mounts_below(tmp_path / "a b\\") == [f"{tmp_path}/a b\\"]
    assert mounts_below(tmp_path / "c") == []


def test_inner_mounts_are_undone_before_outer_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = leftover(tmp_path)
    there = [str(folder / "dev"), str(folder / "dev/pts")]
    done: list[list[str]] = []

    def undo(command: list[str], **_: Any) -> None:
        done.append(command)
        there.remove(command[-1])

    monkeypatch.setattr(temporary, "mounts_below", lambda _: list(there))
    monkeypatch.setattr(subprocess, "run", undo)
    temporary._remove(folder)
    assert done == [
        ["umount", "--lazy", str(folder / "dev/pts")],
        ["umount", "--lazy", str(folder / "dev")],
    ]
    assert not folder.exists()


def test_what_is_still_ending_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = leftover(tmp_path)
    problems: list[OSError] = [FileNotFoundError(), OSError(39, "Directory not empty")]

    def busy(path: Path) -> None:
        if problems:
            raise problems.pop(0)
        delete(path)

    monkeypatch.setattr(temporary, "delete", busy)
    temporary._remove(folder)
    assert problems == []
    assert not folder.exists()


def test_what_cannot_be_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[Path] = []

    def refused(path: Path) -> None:
        attempts.append(path)
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(temporary, "delete", refused)
    with (
        pytest.raises(ColonnadeError) as caught,
        temporary_folder(tmp_path) as folder,
    ):
        pass
    assert str(caught.value) == f"{folder}: cannot be removed: Read-only file system"
    assert len(attempts) == 50


@pytest.mark.parametrize("user", [0, 1000])
def test_without_root_files_of_other_users_are_removed_in_their_namespace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int
) -> None:
    folder, tools = leftover(tmp_path), tmp_path / "tools"
    tools.mkdir()
    calls = tmp_path / "calls"
    program = tools / "mmdebstrap"
    program.write_text(f'#!/bin/sh\necho "$@" > {calls}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    refusals: list[OSError] = [PermissionError(13, "Permission denied")] * 2

    def refuse(path: Path) -> None:
        if refusals:
            raise refusals.pop()
        delete(path)

    monkeypatch.setattr(temporary, "delete", refuse)
    temporary._remove(folder)
    assert not folder.exists()
    if user == 0:
        assert not calls.exists()
        return
    expected = f"--unshare-helper rm -rf --one-file-system -- {folder}/system\n"
    assert calls.read_text() == expected


def test_without_mmdebstrap_nobody_else_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("ran something"))
    temporary._remove_as_others(tmp_path)


def test_a_folder_is_deleted_whatever_its_permissions_and_links_are_not_followed(
    tmp_path: Path,
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    outside.chmod(0o750)
    folder = tmp_path / "folder"
    (folder / "locked/deeper").mkdir(parents=True)
    (folder / "link").symlink_to(outside)
    (folder / "locked/deeper").chmod(0)
    (folder / "locked").chmod(0o500)
    delete(folder)
    assert not folder.exists()
    assert stat.S_IMODE(outside.stat().st_mode) == 0o750
    with pytest.raises(FileNotFoundError):
        delete(folder)
