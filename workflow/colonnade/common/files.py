# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Files that are either whole or absent: write beside the target, then rename."""

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from colonnade.common.errors import ColonnadeError

Record = TypeVar("Record", bound=BaseModel)

_MINUTE = 60
# Far above what any stage writes; what is larger would fill the memory.
MAX_JSON_BYTES = 256 << 20
# What only writing provokes; the system names no file then.
_OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@contextmanager
def written(target: Path, place: Path | None = None) -> Iterator[None]:
    """Tell errors of the file system as errors of `target`, which the block writes.

    With `place`, where the block writes before that is moved to `target`, only errors of what lies there,
    or of a full disk: the block may do other work, whose errors stay what they are.

    Raises:
        ColonnadeError: the file system refused.
    """
    try:
        yield
    except OSError as error:
        if place is not None and not _is_of(place, error):
            raise
        raise ColonnadeError(f"{target}: cannot be written: {error.strerror or error}") from error


def _is_of(place: Path, error: OSError) -> bool:
    """Whether an error is one of writing to a place."""
    names = [
        os.path.realpath(os.fsdecode(name))
        for name in (error.filename, error.filename2)
        if isinstance(name, str | bytes | os.PathLike)
    ]
    if not names:
        return error.errno in _OF_WRITING
    return any(Path(name).is_relative_to(os.path.realpath(place)) for name in names)


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it to `target` when the block succeeds.

    Works for a file and for a directory that the block creates. On any exception the temporary is
    removed and `target` stays as it was; an exception of other work of the block stays what it is. A
    symlink is replaced, and what it leads to stays as it was: a mirror of links is written to without
    harm. A device or a pipe gets what a file would have held.

    Raises:
        ColonnadeError: the file system refused (full disk, no permission, read-only).
    """
    takes_bytes = _takes_bytes(target)
    beside = Path(tempfile.gettempdir()) / target.name if takes_bytes else target
    temporary = _beside(beside, _own("tmp"))
    try:
        if not takes_bytes:
            with written(target):
                target.parent.mkdir(parents=True, exist_ok=True)
        with written(target, temporary):
            yield temporary
        with written(target):
            if takes_bytes:
                with target.open("wb") as stream:
                    stream.write(temporary.read_bytes())
            else:
                _replace(temporary, target)
    finally:
        discard(temporary)


def _takes_bytes(target: Path) -> bool:
    """Whether it is a device or a pipe; of links only those of the system lead to one."""
    if target.is_symlink() and target.parent != Path("/dev"):
        return False
    return target.exists() and not (target.is_file() or target.is_dir())


def _own(ending: str) -> str:
    """Part of a name that nobody else gives."""
    return f"{os.getpid()}.{uuid.uuid4().hex[:8]}.{ending}"


def _beside(target: Path, ending: str) -> Path:
    if not target.name:
        raise ColonnadeError(f"{target}: a folder; allowed: the name of a file")
    return target.with_name(f".{target.name}.{ending}")


def _replace(temporary: Path, target: Path) -> None:
    if not (temporary.is_dir() and target.is_dir()):
        temporary.replace(target)
        return
    # rename(2) does not replace a directory that has entries: the old one is there until the new one is.
    old = _beside(target, _own("old"))
    target.rename(old)
    try:
        temporary.replace(target)
    except BaseException:  # a signal too
        old.rename(target)
        raise
    discard(old)


@contextmanager
def filled_folder(folder: Path, owned: Collection[str]) -> Iterator[Path]:
    """Yield a temporary folder, whose entries go into `folder` when the block succeeds.

    Entries that are `owned` and were there before are replaced, or removed if there is no new one. What
    else is there stays: the folder is a user's, who may keep more in it. On any exception it stays as it
    was, or absent; an exception of other work of the block stays what it is.

    Raises:
        ColonnadeError: the file system refused, or the block wrote what is not owned and there already.
    """
    made = not folder.exists()
    # Inside, as the folder may be a file system of its own.
    temporary = folder / f".{_own('tmp')}"
    try:
        with written(folder):
            temporary.mkdir(parents=True)
        _discard_what_was_killed(folder)
        with held(temporary):
            with written(folder, temporary):
                yield temporary
            with written(folder):
                new = [path.name for path in temporary.iterdir()]
                taken = [name for name in new if name not in owned and (folder / name).exists()]
                if taken:
                    raise ColonnadeError(f"{folder / taken[0]}: is there already")
                _exchange(temporary, folder, new, owned)
    finally:
        discard(temporary)
        if made:
            # Only where nothing came into it.
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def held(folder: Path) -> Iterator[bool]:
    """Lock a folder for as long as this process is there; whether the lock was to be had.

    Raises:
        OSError: the folder cannot be opened.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def _discard_what_was_killed(folder: Path) -> None:
    """Remove temporary folders that nobody holds, if they hold nothing that was there before."""
    for left in folder.glob(".*.tmp"):
        is_ours = re.fullmatch(r"\.\d+\.[0-9a-f]{8}\.tmp", left.name) and left.is_dir()
        # Another process locks its own right after it made it.
        is_old = is_ours and time.time() - left.lstat().st_mtime > _MINUTE
        if is_old and not list(left.glob(".*.old")):
            with suppress(OSError), held(left) as taken:
                if taken:
                    discard(left)


def _exchange(temporary: Path, folder: Path, new: Sequence[str], owned: Collection[str]) -> None:
    old = temporary / f".{_own('old')}"
    old.mkdir()
    moved: list[tuple[Path, Path]] = []
    there = [name for name in owned if (folder / name).exists()]
    try:
        for source, target, names in ((folder, old, there), (temporary, folder, new)):
            for name in names:
                (source / name).rename(target / name)
                moved.append((source / name, target / name))
    except BaseException:  # a signal too
        for before, after in reversed(moved):
            after.rename(before)
        raise


def discard(temporary: Path) -> None:
    """Remove a file or folder if that is possible: an error in `finally` would hide the first one."""
    with suppress(OSError):
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)


def check_distinct(output: Path, *others: Path) -> None:
    """Make sure that a file which is to be written is none of some that are read or written too.

    Raises:
        ColonnadeError: it is one of them.
    """
    for other in others:
        if os.path.realpath(output) == os.path.realpath(other):
            raise ColonnadeError(f"{output}: is {other} itself; allowed: another file")


def make_folder(folder: Path) -> None:
    """Create a folder and its parents, unless they exist.

    Raises:
        ColonnadeError: the file system refused.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ColonnadeError(f"{folder}: cannot be created: {error.strerror}") from error


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold a lock on `target` among processes; they wait for each other.

    Raises:
        ColonnadeError: the file system refused.
    """
    lock = _beside(target, "lock")
    with ExitStack() as opened:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            fcntl.flock(opened.enter_context(lock.open("w")), fcntl.LOCK_EX)
        except OSError as error:
            raise ColonnadeError(f"{lock}: cannot be locked: {error.strerror or error}") from error
        yield


def copy_to(source: Path, target: Path) -> None:
    """Copy a file or a folder; what a folder was before is gone.

    Raises:
        ColonnadeError: naming the file that cannot be read, or the copy that cannot be written.
    """
    try:
        if not source.is_dir():
            shutil.copy(source, target)
            return
        if target.is_dir():
            shutil.rmtree(target)
        shutil.copytree(source, target)
    except shutil.Error as error:
        # One entry for each file: where it lies, where it was to lie, and why it does not.
        from_, to, reason = error.args[0][0]
        raise ColonnadeError(f"{from_}: cannot be copied to {to}: {reason}") from error
    except OSError as error:
        raise ColonnadeError(
            f"{error.filename or source}: cannot be copied to {target}: {error.strerror or error}"
        ) from error


def check_folder(path: Path) -> None:
    """Make sure that `path` is a folder, or could become one.

    Raises:
        ColonnadeError: something else is there, such as a symlink to where nothing is.
    """
    if path.is_symlink() and not path.exists():
        raise ColonnadeError(
            f"{path}: a symlink to {path.readlink()}, where nothing is; create that folder, or remove"
            " the link"
        )
    if path.exists() and not path.is_dir():
        raise ColonnadeError(f"{path}: not a folder, but files are to be kept in it; remove it")


def write_bytes(target: Path, content: bytes | memoryview) -> None:
    """Write `content` to `target`, whole or not at all."""
    with atomic_path(target) as temporary, written(target):
        temporary.write_bytes(content)


def write_text(target: Path, text: str) -> None:
    """Write `text` to `target` as UTF-8, whole or not at all."""
    write_bytes(target, text.encode("utf-8"))


def write_json(target: Path, value: Any) -> None:
    """Write `value` as indented JSON with a final newline, whole or not at all."""
    write_text(target, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_text(path: Path) -> str:
    """The content of a text file.

    Raises:
        ColonnadeError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ColonnadeError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ColonnadeError(f"{path}: no text in UTF-8: {error.reason}") from error


def read_json(path: Path, shape: Any = None) -> Any:
    """Parse a JSON file; with `shape`, a type such as those of `colonnade.results.records`, check it too.

    Raises:
        ColonnadeError: the file is missing, unreadable or not JSON, or a value has another type; the
            message names the first of these.
    """
    try:
        size = path.stat().st_size
        if size > MAX_JSON_BYTES:
            raise ColonnadeError(f"{path}: {size} bytes of JSON; allowed: at most {MAX_JSON_BYTES}")
        value = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise ColonnadeError(f"{path}: cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise ColonnadeError(f"{path}: not a valid JSON file: nested too deep") from error
    except ValueError as error:
        raise ColonnadeError(f"{path}: not a valid JSON file: {error}") from error
    if shape is not None:
        with _named(path):
            TypeAdapter(shape).validate_python(value, strict=True)
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def read_record(path: Path, kind: type[Record]) -> Record:
    """Read a JSON file that holds the fields of a model.

    Raises:
        ColonnadeError: see `read_json`; or a field is wrong, and the message names the first one.
    """
    with _named(path):
        return kind.model_validate(read_json(path))


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Tell the first mistake in a file's values."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "all of it"
        seen = "" if first["type"] == "missing" else f"{first['input']!r:.80}; "
        allowed = first["msg"].replace("Input should be", "allowed:")
        raise ColonnadeError(f"{path}: {key}: {seen}{allowed}") from error


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_bytes(path: Path) -> int:
    """Size of a file.

    Raises:
        ColonnadeError: it cannot be read.
    """
    try:
        return path.stat().st_size
    except OSError as error:
        raise ColonnadeError(f"{path}: cannot be read: {error.strerror}") from error
