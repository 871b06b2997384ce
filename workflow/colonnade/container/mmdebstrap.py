# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Debian file systems from the archive alone: where no engine, or no registry, is at hand.

mmdebstrap knows the archive's mirror and keys, and works for root and, with user namespaces, for
anybody.
"""

import hashlib
import os
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from colonnade.common.errors import ColonnadeError
from colonnade.common.processes import child, works
from colonnade.container.progress import BuildLog
from colonnade.container.recipe import archive_lines, debian_suite, recipe_files
from colonnade.container.temporary import enclosed, temporary_folder

PACKAGES = "mmdebstrap"
# Not /tmp, which is often kept in memory; not the checkout, which the root of a user namespace may
# be unable to enter.
_TEMPORARY = Path("/var/tmp")
# Of what tar says of its failure.
_KEPT_LINES = 20
_NEEDED_BYTES = 4 * 1024**3
# Makes the archives of two builds from the same packages equal.
_SOURCE_DATE_EPOCH = "1735689600"


def problem() -> str | None:
    """Why mmdebstrap cannot be used here; None if it can."""
    if shutil.which("mmdebstrap") is None:
        return "mmdebstrap is not installed"
    if os.geteuid() != 0 and shutil.which("newuidmap") is None:
        return "newuidmap (package uidmap) is not installed, and this is not root"
    return None


def _environment(temporary: Path) -> dict[str, str]:
    return {
        **os.environ,
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": _SOURCE_DATE_EPOCH,
        "TMPDIR": str(temporary),
    }


def check_space(*folders: Path) -> None:
    """Refuse to start a build that would fill the disk.

    Raises:
        ColonnadeError: a folder's file system, or the temporary one, has less than 4 GiB free.
    """
    for folder in (*folders, _TEMPORARY):
        free = shutil.disk_usage(folder).free
        if free < _NEEDED_BYTES:
            raise ColonnadeError(
                f"{folder}: {free / 1024**3:.1f} GiB free; the toolchain needs"
                f" {_NEEDED_BYTES / 1024**3:.0f} GiB while it is built"
            )


def base_archive(root: Path, target: Path, log: BuildLog) -> None:
    """Write Debian's minimal system to the tar file `target`."""
    with target.open("wb") as stream:
        _bootstrap(root, [], stream, log)


def build_archive(root: Path, step: str, name: str, target: Path, log: BuildLog) -> None:
    """Run `containers/steps/STEP` in a throwaway base system; keep `/opt/NAME` as a tar file."""
    _bootstrap(root, [*_step_hooks(root, step), f"tar-out /opt/{name} {target}"], None, log)


def unpack_system(root: Path, step: str, extra: Path, target: Path, log: BuildLog) -> str:
    """Run `containers/steps/STEP` in a base system, add the tar file `extra` to its
    `/opt`, and unpack it all to `target`.

    Files belong to the caller, whoever they belong to inside, so that the caller can delete them.

    Returns:
        `sha256:...` of the archive that was unpacked.
    """
    hooks = [*_step_hooks(root, step), f"tar-in {extra} /opt"]
    target.mkdir()
    unpack = ["tar", "-x", "--no-same-owner", "--exclude=./dev/*", "-C", str(target)]
    with child(unpack, stdin=subprocess.PIPE) as tar:
        assert tar.stdin is not None
        assert tar.stderr is not None
        # On a full disk tar has a line for every file: read meanwhile, or it and we wait for each other.
        said = deque[str](maxlen=_KEPT_LINES)
        reader = threading.Thread(target=_read_lines, args=(tar.stderr, said.append), daemon=True)
        reader.start()
        sink = _HashingPipe(tar.stdin)
        try:
            _bootstrap(root, hooks, sink, log)
            tar.stdin.close()
        except BrokenPipeError:
            pass  # tar says why, below
        reader.join()
        if tar.wait() != 0:
            raise _failure(f"{target}: cannot be unpacked", "".join(said).strip())
    return f"sha256:{sink.digest.hexdigest()}"


class _HashingPipe:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def write(self, chunk: bytes) -> int:
        self.digest.update(chunk)
        return self._stream.write(chunk)


def _step_hooks(root: Path, step: str) -> list[str]:
    folder = root / "containers"
    for path in (folder, *recipe_files(root)):
        if any(character.isspace() for character in str(path)):
            raise ColonnadeError(f"{path}: the path has a space; mmdebstrap cannot copy from there")
    return [
        'mkdir -p "$1/opt/colonnade"',
        f"copy-in {folder / 'versions.env'} {folder / 'steps'} /opt/colonnade",
        # Whoever the checkout belongs to, and whatever its umask was: the same bytes.
        'chown --recursive 0:0 "$1/opt/colonnade"',
        'chmod --recursive u=rwX,go=rX "$1/opt/colonnade"',
        # The hook's output must not mix with the archive.
        f'chroot "$1" sh /opt/colonnade/steps/{step} >&2',
    ]


def _bootstrap(
    root: Path, hooks: Sequence[str], output: "IO[bytes] | _HashingPipe | None", log: BuildLog
) -> None:
    log.step("bootstrapping a minimal Debian from the archive")
    command = ["mmdebstrap", "--variant=minbase"]
    command += [f"--customize-hook={hook}" for hook in hooks]
    command += ["--format=null" if output is None else "--format=tar", debian_suite(root), "-"]
    # Lines and not the file: only those become the sources.list that the steps read.
    command += archive_lines(root)
    # For root mmdebstrap mounts in the namespace that it is started in. One of its own needs no
    # cleaning.
    own = os.geteuid() == 0 and works(enclosed(["true"]))
    if own:
        command = enclosed(command)
    with (
        temporary_folder(_TEMPORARY) as temporary,
        child(command, env=_environment(temporary), polite=not own) as process,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        lines = threading.Thread(target=_read_lines, args=(process.stderr, log.line), daemon=True)
        lines.start()
        while chunk := os.read(process.stdout.fileno(), 1 << 20):
            if output is not None:
                output.write(chunk)
        status = process.wait()
        lines.join()
    if status != 0:
        raise _failure(f"mmdebstrap: exit status {status} (log: {log.path})", log.tail())


def _read_lines(pipe: IO[bytes], take: Callable[[str], None]) -> None:
    for line in pipe:
        take(line.decode(errors="replace"))


def _failure(what: str, output: str) -> ColonnadeError:
    if "No space left on device" in output:
        return ColonnadeError(f"{what}: no space left on device")
    return ColonnadeError(f"{what}\n{output}")
