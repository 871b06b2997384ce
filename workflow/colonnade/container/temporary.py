# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Temporary folders of builds that do not outlive them, whatever ends a build.

A build's processes run in namespaces of their own, where root's mounts and all processes end with the
first one. What is left of a build that was killed is a folder that nobody holds a lock on; the next
build removes it.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import held

_PREFIX = "colonnade-build-"
# What was killed last may still be ending.
_ATTEMPTS, _PAUSE_SECONDS = 50, 0.1


def enclosed(command: Sequence[str], *namespaces: str) -> list[str]:
    """A command line that runs `command`, for root, with processes and mounts of its own.

    All of them end when the program that this starts does. `namespaces` are more options of unshare.
    """
    unshare = [shutil.which("unshare") or "unshare", "--mount", "--pid", "--fork", "--mount-proc"]
    return [*unshare, "--kill-child", *namespaces, *command]


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder in `parent` for one build, removed with all mounts in it; earlier builds' are too.

    Raises:
        ColonnadeError: the file system refused, or a mount cannot be undone.
    """
    _remove_leftovers(parent)
    # It is found by others under its last name only, when it is held already.
    folder = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=parent))
    try:
        # The root of a user namespace is somebody else, and has to enter.
        folder.chmod(0o755)
        with held(folder):
            folder = folder.rename(parent / folder.name.removeprefix("."))
            yield folder
    finally:
        _remove(folder)


def _remove_leftovers(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            if folder.lstat().st_uid != os.geteuid():
                continue
            with held(folder) as left:
                if left:
                    _remove(folder)
        except (OSError, ColonnadeError) as error:
            # Somebody else was faster, or there is less space than there could be.
            print(f"{folder}: left by a build that was killed: {error}", file=sys.stderr)


def _remove(folder: Path) -> None:
    for place in reversed(mounts_below(folder)):
        # Lazily: processes that still use it need not end first.
        subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)
    if left := mounts_below(folder):
        raise ColonnadeError(f"{left[0]}: is mounted, and cannot be unmounted; run umount on it")
    for attempt in range(_ATTEMPTS):
        try:
            delete(folder)
        except FileNotFoundError:
            pass  # something in it ended meanwhile, or all of it is gone
        except OSError as error:
            if attempt == 0:
                _remove_as_others(folder)
            if attempt == _ATTEMPTS - 1:
                raise ColonnadeError(f"{folder}: cannot be removed: {error.strerror}") from error
        if not folder.exists():
            return
        time.sleep(_PAUSE_SECONDS)


def mounts_below(folder: Path) -> list[str]:
    """Where something is mounted in a folder or on it, outer places before those in them."""
    lines = Path("/proc/self/mountinfo").read_text("utf-8", errors="surrogateescape").splitlines()
    # A space in a place is written as \040.
    places = [re.sub(r"\\([0-7]{3})", _character, line.split()[4]) for line in lines]
    own = str(folder.resolve())
    return sorted(place for place in places if f"{place}/".startswith(f"{own}/"))


def _character(octal: re.Match[str]) -> str:
    return chr(int(octal[1], 8))


def _remove_as_others(folder: Path) -> None:
    """Without root, files of a build belong to the users of its user namespace."""
    mmdebstrap = shutil.which("mmdebstrap")
    if os.geteuid() != 0 and mmdebstrap is not None:
        inner = [str(path) for path in folder.iterdir()]
        remove = [mmdebstrap, "--unshare-helper", "rm", "-rf", "--one-file-system", "--", *inner]
        subprocess.run(remove, check=False, capture_output=True)


def delete(folder: Path) -> None:
    """Delete a folder with all that is in it, and whatever its permissions are.

    Raises:
        OSError: the file system refused.
    """
    # Packages ship a few folders without write permission, which only root could empty.
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(parent, name)
            if not path.is_symlink():
                with suppress(PermissionError):
                    path.chmod(0o700)
    shutil.rmtree(folder)
