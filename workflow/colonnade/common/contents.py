# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What files hold, for those that a configuration only names: weights, and folders of images.

Their digests are part of the settings of the jobs that read them, so that other weights or images
under the same path run these jobs again.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file

# Files of a folder are hashed up to these bounds. A larger one is told by sizes and times of change:
# reading 140 GB whenever the workflow starts is no choice.
HASHED_FILES = 2_000
HASHED_BYTES = 64 * 2**20


class _File(NamedTuple):
    name: str
    path: str
    size: int
    mtime_ns: int


def file_digest(path: Path) -> str:
    """Hex SHA-256 of a file.

    Raises:
        ColonnadeError: it cannot be read.
    """
    try:
        return sha256_file(path)
    except OSError as error:
        raise ColonnadeError(f"{path}: cannot be read: {error.strerror}") from error


def folder_digest(folder: Path) -> str:
    """Hex SHA-256 over the files of a folder and of those below it, hidden ones left out.

    Of a small folder it covers names and contents; of a large one names, sizes and times of change,
    in some seconds for a million files.

    Raises:
        ColonnadeError: it cannot be read.
    """
    changes = hashlib.sha256(b"sizes and times\n")
    small: list[_File] = []
    count = size = 0
    try:
        for file in _files(str(folder), "", set()):
            count, size = count + 1, size + file.size
            changes.update(os.fsencode(f"{file.name}\0{file.size}\0{file.mtime_ns}\n"))
            if count <= HASHED_FILES:
                small.append(file)
        if count > HASHED_FILES or size > HASHED_BYTES:
            return changes.hexdigest()
        contents = hashlib.sha256(b"contents\n")
        for file in small:
            contents.update(os.fsencode(f"{file.name}\0{sha256_file(Path(file.path))}\n"))
        return contents.hexdigest()
    except OSError as error:
        raise ColonnadeError(f"{folder}: cannot be read: {error}") from error


def _files(folder: str, prefix: str, above: set[tuple[int, int]]) -> Iterator[_File]:
    """Files in the order of their names; links are followed, but not in circles."""
    status = Path(folder).stat()
    own = (status.st_dev, status.st_ino)
    if own in above:
        return
    with os.scandir(folder) as entries:
        found = sorted((each for each in entries if each.name[0] != "."), key=lambda e: e.name)
    for entry in found:
        name = prefix + entry.name
        if entry.is_dir():
            yield from _files(entry.path, f"{name}/", {*above, own})
        else:
            about = entry.stat()
            yield _File(name, entry.path, about.st_size, about.st_mtime_ns)
