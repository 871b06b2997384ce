# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The one exception a user may see, and what exhausted resources are called: one line each."""

from collections.abc import Iterable
from concurrent.futures.process import BrokenProcessPool

NAMED_AT_MOST = 10
# Torch raises RuntimeError for all of these; the first part that its message has, decides.
_TORCH = {
    "shared memory": "not enough shared memory (/dev/shm): give it more, or set data.workers: 0",
    "Too many open files": "too many open files: raise the limit (ulimit -n), or set data.workers: 0",
    "received 0 items of ancdata": "too many open files: raise the limit (ulimit -n), or set"
    " data.workers: 0",
    "No space left on device": "no space left on device",
    "CUDA out of memory": "out of memory on the GPU: set a smaller batch_size",
    "can't allocate memory": "out of memory",
    "not enough memory": "out of memory",
}


class ColonnadeError(Exception):
    """Bad input or a failed stage, phrased for a user.

    The message names the file, the key, the value seen and what is allowed, as far as each applies.
    """


def some(names: Iterable[object]) -> str:
    """At most ten of some names, and how many more there are."""
    listed = [str(name) for name in names]
    rest = len(listed) - NAMED_AT_MOST
    return ", ".join(listed[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")


def first_line(error: BaseException) -> str:
    """What a library says of an error, in one line; else the error's type."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def explained(error: BaseException) -> str | None:
    """What to tell the user of an error; None if it is a mistake of the program."""
    if isinstance(error, ColonnadeError):
        return str(error)
    if isinstance(error, OSError) and error.strerror is not None:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, BrokenProcessPool):
        return "a worker process was killed, perhaps because memory ran out"
    if isinstance(error, RuntimeError):
        return next((told for part, told in _TORCH.items() if part in str(error)), None)
    return None
