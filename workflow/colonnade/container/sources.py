# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Sources that are the user's, as the container sees them."""

import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import atomic_path, make_folder, sha256_file

# What oneDNN has since it has vector code for RISC-V.
_MARK = Path("src/cpu/rv64/brgemm")
_OF = ".archive"


def unpack_onednn(archive: Path, folder: Path) -> None:
    """Unpack oneDNN's sources to `folder`, unless they are there already.

    Args:
        archive: a tar archive with one folder at its top, as GitHub's are.
        folder: is replaced.

    Raises:
        ColonnadeError: the archive cannot be read, or has other sources.
    """
    digest = sha256_file(archive)
    stamp = folder / _OF
    if stamp.is_file() and stamp.read_text() == digest:
        return
    make_folder(folder.parent)
    try:
        with (
            tempfile.TemporaryDirectory(dir=folder.parent) as place,
            tarfile.open(archive) as files,
            atomic_path(folder) as fresh,
        ):
            files.extractall(place, members=map(_harmless, files))
            tops = [path for path in Path(place).iterdir() if (path / _MARK).is_dir()]
            if len(tops) != 1:
                raise ColonnadeError(
                    f"{archive}: has no folder with {_MARK}; allowed: an archive of oneDNN's sources,"
                    " 3.12 or newer"
                )
            (tops[0] / _OF).write_text(digest)
            tops[0].rename(fresh)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ColonnadeError(f"{archive}: cannot be unpacked: {error}") from None


# What the filter `data` of newer Pythons does: Debian 12's has none.
def _harmless(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    path = PurePosixPath(entry.name)
    if path.is_absolute() or ".." in path.parts or not (entry.isfile() or entry.isdir()):
        raise tarfile.TarError(f"{entry.name!r}: allowed: files and folders below its own")
    entry.mode = entry.mode & 0o755 | 0o600 | (0o100 if entry.isdir() else 0)
    return entry
