# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Child processes that never outlive us: started in their own session, ended when we are."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import IO

import psutil

_GRACE_SECONDS = 10
_PAUSE_SECONDS = 0.02
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@contextmanager
def exit_on_signals(*, last: bool = False) -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit inside the block, so that `finally` clauses run.

    SIGINT is KeyboardInterrupt, as always. What comes after the first of them is ignored, so that
    nothing ends the clean-up half-way; nor what follows the block, if that is the `last` one of the
    program. Does nothing inside such a block, nor outside the main thread, where Python cannot receive
    signals.
    """
    inside = any(isinstance(signal.getsignal(number), _Leave) for number in _ENDING)
    if inside or threading.current_thread() is not threading.main_thread():
        yield
        return
    leave = _Leave()
    # One that is ignored, as nohup does with SIGHUP, stays so.
    caught = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    previous = [signal.signal(number, leave) for number in caught]
    try:
        yield
    finally:
        for number, handler in zip(caught, previous, strict=True):
            # Python itself ends with the default handlers, unless signals are ignored.
            signal.signal(number, signal.SIG_IGN if last and leave.leaving else handler)


class _Leave:
    """A signal handler that ends the program, once."""

    def __init__(self) -> None:
        self.leaving = False

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if self.leaving:
            return
        self.leaving = True
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)


@contextmanager
def child(
    command: Sequence[str],
    *,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    env: Mapping[str, str] | None = None,
    polite: bool = True,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` with its output in pipes; end its whole process group when the block ends.

    What still runs then may clean up for some seconds, unless `polite` is false.

    Where we are killed and cannot, the kernel ends at least the command itself.
    """
    setpriv = shutil.which("setpriv")
    bound = [] if setpriv is None else [setpriv, "--pdeathsig", "KILL", "--"]
    with exit_on_signals():
        process = subprocess.Popen(
            [*bound, *command],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
        try:
            yield process
        finally:
            end(process, polite=polite)
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    # What is still in the buffer of a child that is gone cannot be written.
                    with suppress(BrokenPipeError):
                        pipe.close()


def attached(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run `command` on our own input, output and terminal; its exit status, as a shell tells it.

    What the terminal's keys send is the command's business: it gets it too.
    """
    with exit_on_signals(), subprocess.Popen(command, env=dict(env)) as process:
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            status = process.wait()
        finally:
            signal.signal(signal.SIGINT, previous)
            if process.poll() is None:
                process.terminate()
    return status if status >= 0 else 128 - status


def ending(status: int) -> str:
    """How a child ended, in words: its `returncode` is below 0 where a signal ended it."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {-status} ({signal.Signals(-status).name})"
    except ValueError:
        return f"signal {-status}"


def works(command: Sequence[str]) -> bool:
    """Whether a command runs here, and successfully."""
    try:
        with child(command) as process:
            process.communicate()
            return process.returncode == 0
    except FileNotFoundError:
        return False


def end(process: subprocess.Popen[bytes], *, polite: bool = True) -> None:
    """End a process started in its own session, and its children, politely if they listen.

    A child that does not would keep our ends of the pipes open, even where its parent is gone.
    """
    for number in (signal.SIGTERM, signal.SIGKILL) if polite else (signal.SIGKILL,):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        deadline = time.monotonic() + _GRACE_SECONDS
        while process.poll() is None or _group_lives(process.pid):
            if time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _group_lives(group: int) -> bool:
    """Whether a process group has members that still run."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    # The kernel counts those too that ended and that nobody has asked yet.
    return any(_runs_in(process, group) for process in psutil.process_iter())


def _runs_in(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False
