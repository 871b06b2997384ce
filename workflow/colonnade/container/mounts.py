# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a container sees: the checkout, and what symlinks in it lead to.

A symlink to another disk, say `results -> /mnt/disk/results`, would dangle inside. So what it leads to
is mounted too, at the place to which the text of the link leads there.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import check_folder
from colonnade.common.paths import RESULTS
from colonnade.container.recipe import MOUNT_POINT, STATE_FOLDER

# Levels of folders in which links are looked for: below begin data sets and build trees.
_LEVELS = 4
# A mount here would hide the container's own files, or the container's would hide it.
_SYSTEM = (
    "bin",
    "boot",
    "etc",
    "lib",
    "lib64",
    "opt/qemu",
    "proc",
    "sbin",
    "sys",
    "usr",
    "var/run",
)


@dataclass(frozen=True)
class Mount:
    """A file or folder `source` of this machine that is at `place` inside."""

    source: Path
    place: str


def mounts(root: Path) -> list[Mount]:
    """What to mount for the checkout `root`: itself first, an outer place before one in it.

    Hidden entries of folders are left out: nothing inside uses them.

    Raises:
        ColonnadeError: a link among the results dangles, or a link leads to where the container has
            files of its own.
    """
    for name in (str(RESULTS), STATE_FOLDER):
        check_folder(root / name)
    checkout = Mount(root.resolve(), MOUNT_POINT)
    found = [checkout]
    for mount in sorted(_outside(checkout, "", _LEVELS), key=lambda each: each.place):
        if not any(_covers(outer, mount) for outer in found):
            found.append(mount)
    return found


def _covers(outer: Mount, inner: Mount) -> bool:
    """Whether `inner` is there already where `outer` is mounted."""
    if not _is_below(inner.place, outer.place):
        return False
    return outer.source / os.path.relpath(inner.place, outer.place) == inner.source


def _is_below(place: str, folder: str) -> bool:
    return place == folder or place.startswith(f"{folder}/")


def _outside(seen: Mount, name: str, levels: int) -> Iterator[Mount]:
    """What links lead to in a folder and below, which is called `name` in the checkout."""
    try:
        with os.scandir(seen.source) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return  # inside its files can be read no better
    for entry in visible:
        path, called = Path(entry.path), f"{name}/{entry.name}".lstrip("/")
        inside = Mount(path, f"{seen.place}/{entry.name}")
        if entry.is_symlink():
            if not path.exists():
                if _is_below(called, str(RESULTS)):
                    check_folder(path)
                continue
            place = os.path.normpath(Path(seen.place, path.readlink()))
            inside = Mount(path.resolve(), place)
            if _is_below(place, MOUNT_POINT):
                continue
            _check_place(path, place)
            yield inside
        if levels > 1 and entry.is_dir():
            yield from _outside(inside, called, levels - 1)


def _check_place(link: Path, place: str) -> None:
    taken = any(_is_below(place, f"/{each}") for each in _SYSTEM)
    if taken or place in ("/", "/dev", "/opt", "/tmp", "/var"):
        raise ColonnadeError(
            f"{link}: a symlink to {link.readlink()}, where the toolchain container has files of its"
            " own; allowed: a link to any other place"
        )
