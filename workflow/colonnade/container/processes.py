"""Child processes that never outlive us: started in their own session, ended when we are."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import IO

_GRACE_SECONDS = 10


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit inside the block, so that `finally` clauses run.

    Does nothing outside the main thread, where Python cannot receive signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    caught = (signal.SIGTERM, signal.SIGHUP)
    previous = [signal.signal(number, leave) for number in caught]
    try:
        yield
    finally:
        for number, handler in zip(caught, previous, strict=True):
            signal.signal(number, handler)


@contextmanager
def child(
    command: Sequence[str],
    *,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    env: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` with its output in pipes; end its whole process group when the block ends."""
    with exit_on_signals():
        process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
        try:
            yield process
        finally:
            end(process)
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


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process started in its own session, and its children, politely if it listens."""
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
            return
