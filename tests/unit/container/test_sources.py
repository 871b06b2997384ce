# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Sources of the user's: they are unpacked once, and an archive of something else changes nothing."""

import io
import tarfile
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container.sources import unpack_onednn

ONEDNN = "oneDNN-3.13.1/src/cpu/rv64/brgemm/brgemm.cpp"


def archive(path: Path, *names: str, link: str | None = None) -> Path:
    with tarfile.open(path, "w:gz") as files:
        if link is not None:
            info = tarfile.TarInfo("oneDNN-3.13.1/link")
            info.type, info.linkname = tarfile.SYMTYPE, link
            files.addfile(info)
        for name in names:
            info = tarfile.TarInfo(name)
            info.mode = 0o4777
            info.size = len(name)
            files.addfile(info, io.BytesIO(name.encode()))
    return path


def test_sources_are_unpacked_once_for_an_archive(tmp_path: Path) -> None:
    folder = tmp_path / "build/onednn"
    given = archive(tmp_path / "a.tar.gz", ONEDNN)
    unpack_onednn(given, folder)
    source = folder / "src/cpu/rv64/brgemm/brgemm.cpp"
    assert source.read_text() == ONEDNN
    source.write_text("compiled already")
    unpack_onednn(given, folder)
    assert source.read_text() == "compiled already"
    other = archive(tmp_path / "b.tar.gz", ONEDNN, "oneDNN-3.13.1/README.md")
    unpack_onednn(other, folder)
    assert source.read_text() == ONEDNN
    assert (folder / "README.md").stat().st_mode & 0o7777 == 0o755
    assert [path.name for path in folder.parent.iterdir()] == ["onednn"]


@pytest.mark.parametrize(
    ("names", "link", "said"),
    [
        (("XNNPACK/BUILD",), None, "has no folder with src/cpu/rv64/brgemm"),
        (("oneDNN-3.6/src/cpu/rv64/ref.cpp",), None, "3.12 or newer"),
        (None, None, "cannot be unpacked"),
        ((ONEDNN, "../outside"), None, "'../outside': allowed: files and folders below its own"),
        ((ONEDNN, "/outside"), None, "'/outside': allowed"),
        ((ONEDNN, "oneDNN-3.13.1/link/outside"), "..", "'oneDNN-3.13.1/link': allowed"),
    ],
    ids=[
        "another library",
        "an older one",
        "no archive",
        "a path that leads out",
        "from the root",
        "by a link",
    ],
)
def test_what_is_not_onednn_is_refused(
    tmp_path: Path, names: tuple[str, ...] | None, link: str | None, said: str
) -> None:
    folder = tmp_path / "build/onednn"
    unpack_onednn(archive(tmp_path / "a.tar.gz", ONEDNN), folder)
    other = tmp_path / "other.tar.gz"
    if names is None:
        other.write_bytes(b"no archive")
    else:
        archive(other, *names, link=link)
    with pytest.raises(ColonnadeError, match=said) as refused:
        unpack_onednn(other, folder)
    assert str(other) in str(refused.value)
    assert (folder / "src/cpu/rv64/brgemm/brgemm.cpp").read_text() == ONEDNN
    assert [path.name for path in folder.parent.iterdir()] == ["onednn"]
    assert not (tmp_path / "build/outside").exists()
