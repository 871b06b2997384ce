"""The engine without an engine: a folder with a whole Debian system, entered by bubblewrap.

Where bubblewrap is missing, root enters it by chroot in a mount namespace of its own.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from colonnade.container import mmdebstrap
from colonnade.container.engine import Container, Engine, image_missing
from colonnade.container.image import EngineName
from colonnade.container.processes import child
from colonnade.container.progress import BuildLog
from colonnade.container.recipe import MOUNT_POINT, STATE_FOLDER
from colonnade.container.transcript import CompletedRun, Transcript
from colonnade.errors import ColonnadeError
from colonnade.files import write_text

BASE_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
}

# Arguments: the rootfs, the checkout, the command. Only /tmp and the checkout are writable.
_CHROOT = f"""
set -e
rootfs=$1 checkout=$2
shift 2
mount --bind "$rootfs" "$rootfs"
mount -o remount,bind,ro "$rootfs"
mount --bind "$checkout" "$rootfs{MOUNT_POINT}"
mount --rbind /dev "$rootfs/dev"
mount -t proc proc "$rootfs/proc"
mount -t tmpfs tmpfs "$rootfs/tmp"
exec chroot "$rootfs" /bin/sh -c 'cd {MOUNT_POINT} && exec "$@"' sh "$@"
"""


class RootfsEngine(Engine):
    """Builds by mmdebstrap into `.colonnade/rootfs/` of the checkout."""

    name: ClassVar[EngineName] = "rootfs"
    packages: ClassVar[str] = "mmdebstrap bubblewrap (and uidmap when not root)"

    def problem(self) -> str | None:
        """Why this engine cannot be used here; None if it can."""
        return mmdebstrap.problem() or _entry_problem()

    def ensure(self, root: Path, recipe: str) -> tuple[str, str]:
        """Build the rootfs of `recipe` unless it is there."""
        reference = f"{STATE_FOLDER}/rootfs/{recipe[:16]}"
        home = root / reference
        with _building(root):
            if not home.is_dir():
                for leftover in home.parent.glob("*"):
                    _delete(leftover)
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
            shutil.copytree(root / "containers", temporary / "containers")
            with BuildLog("toolchain rootfs", log_path) as log:
                qemu = temporary / "qemu.tar"
                mmdebstrap.build_archive(temporary, "qemu.sh", "qemu", qemu, log)
                digest = mmdebstrap.unpack_system(
                    temporary, "toolchain.sh", qemu, temporary / "tree", log
                )
                qemu.unlink()
            write_text(temporary / "digest", digest + "\n")
            temporary.rename(home)
        except OSError as error:
            raise ColonnadeError(f"{home}: cannot be written: {error.strerror}") from error
        finally:
            if temporary.exists():
                _delete(temporary)

    def open(self, reference: str, digest: str, root: Path) -> Container:
        """Make the rootfs enterable."""
        home = root / reference
        try:
            present = (home / "digest").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            present = ""
        if present != digest:
            raise image_missing(str(home))
        return _Rootfs(home / "tree", root.resolve())


class _Rootfs(Container):
    def __init__(self, tree: Path, checkout: Path) -> None:
        self._tree = tree
        self._checkout = checkout

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        stdin: bytes | None = None,
    ) -> CompletedRun:
        enter = _enter_bubblewrap if _bubblewrap_works() else _enter_chroot
        source = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        with (
            Transcript(log) as transcript,
            child(
                [*enter(self._tree, self._checkout), *command],
                stdin=source,
                env={**BASE_ENVIRONMENT, **(env or {})},
            ) as process,
        ):
            status = transcript.drain(process, stdin)
        return transcript.result(f"rootfs: {command[0]}", status)


def _bubblewrap(tree: Path, *binds: str) -> list[str]:
    return [
        shutil.which("bwrap") or "bwrap",
        *("--ro-bind", str(tree), "/", *binds, "--dev", "/dev", "--proc", "/proc"),
        *("--tmpfs", "/tmp", "--unshare-pid", "--unshare-net", "--die-with-parent"),
        "--new-session",
    ]


def _enter_bubblewrap(tree: Path, checkout: Path) -> list[str]:
    inside = _bubblewrap(tree, "--bind", str(checkout), MOUNT_POINT)
    return [*inside, "--chdir", MOUNT_POINT, "--"]


def _enter_chroot(tree: Path, checkout: Path) -> list[str]:
    unshare = [shutil.which("unshare") or "unshare", "--mount", "--pid", "--net", "--fork"]
    return [*unshare, "--kill-child", "/bin/sh", "-c", _CHROOT, "sh", str(tree), str(checkout)]


def _works(command: Sequence[str]) -> bool:
    with child(command) as process:
        process.communicate()
        return process.returncode == 0


def _bubblewrap_works() -> bool:
    if shutil.which("bwrap") is None:
        return False
    return _works([*_bubblewrap(Path("/")), "--", "true"])


def _entry_problem() -> str | None:
    if _bubblewrap_works():
        return None
    if os.geteuid() == 0 and _works(["unshare", "--mount", "--pid", "--net", "--fork", "true"]):
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


def _delete(folder: Path) -> None:
    # Packages ship a few folders without write permission, which only root could empty.
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder)
