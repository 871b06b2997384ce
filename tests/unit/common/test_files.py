# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Files are whole or absent, and the error that a user sees is the first one."""

import errno
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import atomic_path, discard, make_folder, write_json


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


def test_error_of_the_block_is_not_hidden_by_the_clean_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "file"):
        _ = 1 / 0


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
