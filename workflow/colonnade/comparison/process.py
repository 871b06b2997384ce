# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A process that runs a network whenever it is asked to, and sleeps in between.

It prints an empty JSON list when it is ready; for each number on its stdin it runs so often and prints
the list of seconds. `colonnade-run --serve` and `colonnade.comparison.worker` do so.
"""

import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from pydantic import TypeAdapter, ValidationError

from colonnade.common.errors import ColonnadeError
from colonnade.common.processes import ending

# A network is compiled within this time; a run takes no longer either.
SECONDS = 600.0
_MOST_TEXT = 300


class Process:
    """A participant of a comparison, in processes of its own."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        """Start the command with just these variables; what it says on stderr goes to `log`.

        Raises:
            ColonnadeError: there is no such program, or no such log.
        """
        self._log = log
        try:
            with log.open("wb") as stream:
                self._process = subprocess.Popen(
                    list(command),
                    env=dict(env),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stream,
                    bufsize=0,
                    # A group of its own, in our session: where we are killed, the kernel ends a group
                    # that sleeps and has nobody left to wake it (SIGHUP, SIGCONT).
                    process_group=0,
                )
        except OSError as error:
            raise ColonnadeError(
                f"{command[0]}: cannot be started: {error.strerror or error}"
            ) from error

    @property
    def pid(self) -> int:
        """Of the process that was started, and of its group."""
        return self._process.pid

    def __enter__(self) -> "Process":
        """Use it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, and all that it started."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def get_ready(self, seconds: float = SECONDS) -> None:
        """Wait until it is ready, and put it to sleep.

        Raises:
            ColonnadeError: it ended, or took too long; the message is the last line of its log.
        """
        self._answer(seconds)
        self._signal(signal.SIGSTOP)

    def run(self, count: int, seconds: float = SECONDS) -> list[float]:
        """Wake it, let it run so often, and put it to sleep: seconds of each run.

        Raises:
            ColonnadeError: it ended, or took too long.
        """
        self._signal(signal.SIGCONT)
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(f"{count}\n".encode())
        except OSError:
            raise self._failure() from None
        times = self._answer(seconds)
        self._signal(signal.SIGSTOP)
        return times

    def finish(self) -> None:
        """Wake it and let it end by itself, so that it writes what it has to.

        Raises:
            ColonnadeError: it failed, or took too long.
        """
        self._signal(signal.SIGCONT)
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._status() != 0:
            raise self._failure()

    def _answer(self, seconds: float) -> list[float]:
        stdout = self._process.stdout
        assert stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([stdout], [], [], seconds)[0]:
                # It would compute on beside those whose turn comes next.
                self._signal(signal.SIGKILL)
                self._process.wait()
                raise ColonnadeError(f"no answer within {seconds:g} s")
            part = os.read(stdout.fileno(), 1 << 16)
            if not part:
                raise self._failure()
            line += part
        return _seconds(line)

    def _status(self) -> int:
        """Of its end, which is waited for, but not for ever.

        Raises:
            ColonnadeError: it does not end.
        """
        try:
            return self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
            raise ColonnadeError(f"did not end within {SECONDS:g} s") from None

    def _failure(self) -> ColonnadeError:
        """Why it ended; that it does not end, where it only closed its streams."""
        try:
            status = self._status()
        except ColonnadeError as error:
            return error
        lines = self._log.read_text("utf-8", "replace").splitlines()
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        ended = ending(status)
        return ColonnadeError(f"{ended}: {said[:_MOST_TEXT]}" if said else ended)

    def _signal(self, number: int) -> None:
        """To all processes that it started: threads that wait busily would disturb others."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _seconds(line: bytes) -> list[float]:
    """What a process has printed.

    Raises:
        ColonnadeError: it is something else.
    """
    text = line.decode("utf-8", "replace").strip()
    try:
        return TypeAdapter(list[float]).validate_json(text)
    except ValidationError:
        raise ColonnadeError(f"{text[:_MOST_TEXT]}: not a list of seconds") from None
