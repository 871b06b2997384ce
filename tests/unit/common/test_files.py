# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Files are whole or absent, and the error that a user sees is the first one."""

import errno
import fcntl
import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError, explained
from colonnade.common.files import (
    atomic_path,
    discard,
    filled_folder,
    make_folder,
    write_json,
    write_text,
)


def read_only(*_: object, **__: object) -> None:
    raise OSError(errno.EROFS, "Read-only file system")


@pytest.mark.parametrize("refuses", ["write_bytes", "mkdir"])
def test_read_only_file_system_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: str
) -> None:
    # Removing what could not be written is refused as well.
    for method in (refuses, "unlink"):
        monkeypatch.setattr(Path, method, read_only)
    with pytest.raises(ColonnadeError, match=r"report\.json: cannot be written: Read-only"):
        write_json(tmp_path / "results/report.json", {})


def test_what_a_link_leads_to_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "far").write_text("old")
    link = tmp_path / "link"
    link.symlink_to("far")
    write_text(link, "new")
    assert (link.read_text(), (tmp_path / "far").read_text()) == ("new", "old")
    assert not link.is_symlink()


def test_a_pipe_gets_what_a_file_would_hold(tmp_path: Path) -> None:
    """As /dev/stdout or /dev/null may be named: what is no file stays what it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(pipe.read_text)
        write_text(pipe, "new")
        assert reader.result(60) == "new"
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_error_of_the_block_is_not_hidden_by_the_clean_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "file"):
        _ = 1 / 0


def _missing_program(_: Path) -> None:
    subprocess.run(["colonnade-has-no-such-program"], check=True)


def _other_file(_: Path) -> None:
    Path("/none/given").read_bytes()


def _resources(_: Path) -> None:
    raise OSError(errno.EMFILE, "Too many open files")


@pytest.mark.parametrize("work", [_missing_program, _other_file, _resources])
@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
def test_errors_of_other_work_in_the_block_stay_what_they_are(
    tmp_path: Path, work: Callable[[Path], None], folder: bool
) -> None:
    target = tmp_path / "made"
    with (
        pytest.raises(OSError) as caught,
        filled_folder(target, ()) if folder else atomic_path(target) as temporary,
    ):
        work(temporary)
    assert "made" not in (explained(caught.value) or "made")
    assert not target.exists()


def _below(temporary: Path) -> None:
    (temporary / "none/inner").write_text("new")


def _copied(temporary: Path) -> None:
    # As of a copy that the disk does not hold: the system names both files.
    raise OSError(errno.ENOSPC, "No space left", "given", None, str(temporary.absolute() / "inner"))


def _written(_: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("work", [_below, _copied, _written])
@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
def test_errors_of_what_is_written_are_told_of_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[Path], None], folder: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    target = Path("made")
    with (
        pytest.raises(ColonnadeError, match=r"^made: cannot be written: No s"),
        filled_folder(target, ()) if folder else atomic_path(target) as temporary,
    ):
        work(temporary)
    assert not target.exists()


def test_discard_removes_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "folder/inner").mkdir(parents=True)
    (tmp_path / "file").touch()
    for name in ("folder", "file", "absent"):
        discard(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ColonnadeError, match=r"file/folder: cannot be created: Not a directory"):
        make_folder(tmp_path / "file/folder")


def test_what_is_no_file_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ColonnadeError, match=r"^\.: a folder; allowed: the name of a file$"):
        write_json(Path(), {})


def test_a_folder_that_is_replaced_is_there_until_the_new_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/old").touch()
    with atomic_path(tmp_path / "folder") as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
        assert (tmp_path / "folder/old").exists()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["new"]
    monkeypatch.setattr(Path, "replace", read_only)
    with (
        pytest.raises(ColonnadeError, match="cannot be written"),
        atomic_path(tmp_path / "folder") as t,
    ):
        t.mkdir()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def fill(folder: Path, *names: str) -> None:
    with filled_folder(folder, ("a", "b")) as temporary:
        for name in names:
            (temporary / name).write_text("new")


def test_a_users_folder_keeps_what_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/inner").touch()
    (tmp_path / "thesis.txt").write_text("mine")
    fill(tmp_path, "a", "c")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "c", "thesis.txt"}
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    with pytest.raises(ColonnadeError, match=r"c: is there already$"):
        fill(tmp_path, "a", "c")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "c", "thesis.txt"}


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_is_not_filled_is_as_it_was(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "folder"
    if there:
        folder.mkdir()
        (folder / "a").write_text("old")
    with pytest.raises(ZeroDivisionError), filled_folder(folder, ("a",)) as temporary:
        (temporary / "a").write_text("new")
        _ = 1 / 0
    assert folder.exists() == there
    assert [path.read_text() for path in folder.glob("*")] == (["old"] if there else [])
    assert not there or [path.name for path in folder.iterdir()] == ["a"]


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    def left(number: int, *names: str) -> Path:
        folder = tmp_path / f".{number}.0123abcd.tmp"
        folder.mkdir()
        for name in names:
            (folder / name).mkdir()
        hour_ago = time.time() - 3600
        os.utime(folder, (hour_ago, hour_ago))
        return folder

    dead, others, replaced = left(1, "package"), tmp_path / ".notes.tmp", left(2, ".2.89ef.old")
    others.mkdir()
    alive = left(3)
    young = tmp_path / ".4.0123abcd.tmp"
    young.mkdir()
    handle = os.open(alive, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        fill(tmp_path, "a")
    finally:
        os.close(handle)
    assert not dead.exists()
    # A user's, what holds what was there before, another process's, and one that is just made.
    assert {others, replaced, alive, young, tmp_path / "a"} == set(tmp_path.iterdir())


def test_an_exchange_that_fails_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("old")
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.read_text() == "new" and target.name == "b" and target.parent == tmp_path:
            read_only()
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(ColonnadeError, match="cannot be written: Read-only"):
        fill(tmp_path, "a", "b")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old", "b": "old"}


def test_an_exchange_that_a_signal_ends_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("old")
    rename = Path.rename

    def end(path: Path, target: Path) -> Path:
        if path.read_text() == "new":
            raise SystemExit(143)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", end)
    with pytest.raises(SystemExit):
        fill(tmp_path, "a")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}
