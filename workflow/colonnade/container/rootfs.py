# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The engine without an engine: a folder with a whole Debian system, entered by bubblewrap.

Where bubblewrap is missing, root enters it by chroot in a mount namespace of its own.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import copy_to, write_text, written
from colonnade.common.processes import works
from colonnade.container import mmdebstrap
from colonnade.container.engine import Container, Engine, image_missing
from colonnade.container.image import EngineName
from colonnade.container.local import LocalContainer
from colonnade.container.mounts import Mount, mounts
from colonnade.container.progress import BuildLog
from colonnade.container.recipe import MOUNT_POINT, STATE_FOLDER
from colonnade.container.temporary import delete, enclosed

# Arguments: the rootfs, pairs of what to mount and where, `--`, the command. Only /tmp and what is
# mounted are writable.
_CHROOT = f"""
set -e
rootfs=$1
shift
mount --bind "$rootfs" "$rootfs"
mount -o remount,bind,ro "$rootfs"
mount --rbind /dev "$rootfs/dev"
mount -t proc proc "$rootfs/proc"
# Programs for aarch64 read there which CPUs there are.
mount --bind /sys "$rootfs/sys"
mount -o remount,bind,ro "$rootfs/sys"
mount -t tmpfs tmpfs "$rootfs/tmp"
while [ "$1" != -- ]; do
    mkdir -p "$(dirname "$rootfs$2")"
    if [ -d "$1" ]; then mkdir -p "$rootfs$2"; elif [ ! -e "$rootfs$2" ]; then : > "$rootfs$2"; fi
    mount --rbind "$1" "$rootfs$2"
    shift 2
done
shift
# The first process of a namespace is spared most signals, so the command is the second one.
exec chroot "$rootfs" /bin/sh -c 'cd {MOUNT_POINT} && "$@"; exit $?' sh "$@"
"""


class RootfsEngine(Engine):
    """Builds by mmdebstrap into `.colonnade/rootfs/` of the checkout."""

    name: ClassVar[EngineName] = "rootfs"
    packages: ClassVar[str | None] = "mmdebstrap bubblewrap (and uidmap when not root)"

    def problem(self) -> str | None:
        """Why this engine cannot be used here; None if it can."""
        return mmdebstrap.problem() or _entry_problem()

    def ensure(self, root: Path, recipe: str) -> tuple[str, str]:
        """Build the rootfs of `recipe` unless it is there."""
        reference = f"{STATE_FOLDER}/rootfs/{recipe[:16]}"
        home = root / reference
        with _building(root):
            built = home.is_dir()
            for other in home.parent.glob("*"):
                # What a killed build left, and, where a new one is to come, those of other recipes.
                if other.name.startswith(".") or not built:
                    delete(other)
            if not built:
                self._build(root, home)
        return reference, (home / "digest").read_text(encoding="utf-8").strip()

    def _build(self, root: Path, home: Path) -> None:
        # One rename at the end makes it whole or absent; a killed build leaves only this folder.
        temporary = home.with_name(f".{home.name}.tmp")
        temporary.mkdir(parents=True)
        log_path = root / STATE_FOLDER / "logs" / "rootfs.log"
        try:
            mmdebstrap.check_space(temporary)
            # A copy, so that an edit during the build cannot mix two recipes.
            copy_to(root / "containers", temporary / "containers")
            with written(home, temporary):
                with BuildLog("toolchain rootfs", log_path) as log:
                    qemu = temporary / "qemu.tar"
                    mmdebstrap.build_archive(temporary, "qemu.sh", "qemu", qemu, log)
                    digest = mmdebstrap.unpack_system(
                        temporary, "toolchain.sh", qemu, temporary / "tree", log
                    )
                    qemu.unlink()
                write_text(temporary / "digest", digest + "\n")
                temporary.rename(home)
        finally:
            if temporary.exists():
                delete(temporary)

    def open(self, reference: str, digest: str, root: Path) -> Container:
        """Make the rootfs enterable."""
        home = root / reference
        try:
            present = (home / "digest").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            present = ""
        if present != digest:
            raise image_missing(str(home))
        return _Rootfs((home / "tree").resolve(), mounts(root))


class _Rootfs(LocalContainer):
    engine = "rootfs"

    def __init__(self, tree: Path, seen: Sequence[Mount]) -> None:
        self._tree = tree
        self._seen = seen
        for mount in seen:
            _make_place(tree, mount)

    def _entering(self, command: Sequence[str], *, session: bool) -> list[str]:
        if _bubblewrap_works():
            binds = [
                part for each in self._seen for part in ("--bind", str(each.source), each.place)
            ]
            options = [*binds, "--chdir", MOUNT_POINT, *(["--new-session"] if session else [])]
            return [*_bubblewrap(self._tree), *options, "--", *command]
        pairs = [part for each in self._seen for part in (str(each.source), each.place)]
        script = ["/bin/sh", "-c", _CHROOT, "sh", str(self._tree), *pairs, "--"]
        return enclosed([*script, *command], "--net")


def _make_place(tree: Path, mount: Mount) -> None:
    """Make what a mount covers, where the rootfs has no such place; it is read-only once entered."""
    if mount.place.startswith(("/tmp/", "/dev/")):
        return  # these are made anew each time
    path = tree
    for name in Path(mount.place).parts[1:]:
        path /= name
        # It would lead out of the rootfs, into this machine's own folders.
        if path.is_symlink():
            raise ColonnadeError(
                f"{mount.source}: a symlink leads there by {mount.place}, where the toolchain"
                " container has files of its own; allowed: a link to any other place"
            )
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(exist_ok=True) if mount.source.is_dir() else path.touch()


def _bubblewrap(tree: Path) -> list[str]:
    return [
        shutil.which("bwrap") or "bwrap",
        *("--ro-bind", str(tree), "/", "--ro-bind", "/sys", "/sys"),
        *("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),
        *("--unshare-pid", "--unshare-net", "--die-with-parent"),
    ]


def _bubblewrap_works() -> bool:
    if shutil.which("bwrap") is None:
        return False
    return works([*_bubblewrap(Path("/")), "--new-session", "--", "true"])


def _entry_problem() -> str | None:
    if _bubblewrap_works():
        return None
    if os.geteuid() == 0 and works(enclosed(["true"], "--net")):
        return None
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    return "bubblewrap cannot create namespaces here"


@contextmanager
def _building(root: Path) -> Iterator[None]:
    """Hold the lock that lets one build at a time touch the state folder."""
    folder = root / STATE_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
