# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the toolchain image is made from, and the hash of it that names the image."""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from colonnade.common.errors import ColonnadeError

MOUNT_POINT = "/colonnade"
"""Where the repository appears in every container; also the working directory."""

STATE_FOLDER = ".colonnade"
"""Folder in the checkout, ignored by git, that holds root file systems and build logs."""


ARCHIVE_LIST = Path("containers/archive.list")
"""Where packages come from instead of this machine's archive, if there is such a file: lines of apt, as
`deb URI SUITE main`, for example of a snapshot."""


def archive_lines(root: Path) -> list[str]:
    """The lines of the file that names another archive; none where there is no such file.

    Raises:
        ColonnadeError: the file has other lines, or none.
    """
    path = root / ARCHIVE_LIST
    if not path.exists():
        return []
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    wrong = [line for line in lines if not line.startswith("deb ")]
    if wrong or not lines:
        seen = wrong[0] if wrong else "no line"
        raise ColonnadeError(
            f"{path}: {seen!r}; allowed: lines `deb URI SUITE main`, as apt has them"
        )
    return lines


def recipe_files(root: Path) -> list[Path]:
    """The files that decide what is in the image, in a fixed order.

    Raises:
        ColonnadeError: `root` is not a checkout of this repository.
    """
    folder = root / "containers"
    files = [folder / "Dockerfile", folder / "versions.env", *sorted(folder.glob("steps/*.sh"))]
    missing = [path for path in files if not path.is_file()]
    if missing:
        raise ColonnadeError(f"{missing[0]}: not found; the toolchain image is built from it")
    return [*files, root / ARCHIVE_LIST] if archive_lines(root) else files


def recipe_hash(root: Path) -> str:
    """Hex SHA-256 over names and contents of the recipe: equal recipes give equal images."""
    digest = hashlib.sha256()
    for path in recipe_files(root):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


class Source(NamedTuple):
    """A Debian source package that the image is built with: SHA-256 of its upstream tarball."""

    name: str
    suite: str
    version: str
    sha256: str


def pinned_sources(root: Path) -> list[Source]:
    """The source packages of `containers/versions.env`.

    Raises:
        ColonnadeError: a line of them is damaged.
    """
    path = root / "containers" / "versions.env"
    found = re.search(r'^SOURCES="\n(.*?)^"', path.read_text(encoding="utf-8"), re.M | re.S)
    lines = [line.split() for line in (found[1] if found else "").splitlines() if line.strip()]
    wrong = [line for line in lines if len(line) != len(Source._fields)]
    if wrong or not lines:
        seen = " ".join(wrong[0]) if wrong else "no such list"
        raise ColonnadeError(f"{path}: SOURCES: {seen!r}; allowed: lines NAME SUITE VERSION SHA256")
    return [Source(*line) for line in lines]


def debian_suite(root: Path) -> str:
    """The Debian release of the base image, from `containers/versions.env`."""
    return pinned_value(root / "containers" / "versions.env", "SUITE", "[a-z]+", "trixie")


def pinned_value(path: Path, key: str, pattern: str, example: str) -> str:
    """The value of a line KEY=VALUE of a file that shells read.

    Raises:
        ColonnadeError: there is no such line with a value of that pattern.
    """
    text = path.read_text(encoding="utf-8")
    match = re.search(rf"^{key}=({pattern})$", text, re.MULTILINE)
    if match is None:
        raise ColonnadeError(f"{path}: {key}: no such line; expected for example {key}={example}")
    return match[1]
