# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Collects what a command prints, apart for its result and interleaved for its log file."""

import os
import subprocess
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Literal

from colonnade.common.errors import ColonnadeError

# Of each stream, in the message of a failed command.
_TAIL_BYTES = 2000


@dataclass(frozen=True)
class CompletedRun:
    """What a successful command printed."""

    stdout: str
    stderr: str


class Transcript:
    """The two output streams of one command, written to `log` as they arrive."""

    def __init__(self, log: Path | None) -> None:
        """Collect in memory and, unless `log` is None, in that file too."""
        self._log = log
        self._file: IO[bytes] | None = None
        self._refused: OSError | None = None
        self._lock = threading.Lock()
        self._parts: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        self._stack = ExitStack()

    def __enter__(self) -> "Transcript":
        if self._log is not None:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._stack.enter_context(self._log.open("wb", buffering=0))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def feed(self, stream: Literal["stdout", "stderr"], chunk: bytes) -> None:
        """Add bytes that the command printed; may be called from several threads."""
        with self._lock:
            self._parts[stream].append(chunk)
            if self._file is not None and self._refused is None:
                try:
                    self._file.write(chunk)
                except OSError as error:
                    # Keep reading: a command whose output nobody takes would hang.
                    self._refused = error

    def drain(self, process: subprocess.Popen[bytes], stdin: bytes | None) -> int:
        """Feed everything that `process` prints while giving it `stdin`; return its exit status."""
        assert process.stdout is not None
        assert process.stderr is not None
        readers = [
            threading.Thread(target=self._read, args=("stdout", process.stdout), daemon=True),
            threading.Thread(target=self._read, args=("stderr", process.stderr), daemon=True),
        ]
        for reader in readers:
            reader.start()
        if stdin is not None and process.stdin is not None:
            try:
                process.stdin.write(stdin)
                process.stdin.close()
            except BrokenPipeError:
                pass  # it did not read everything; its exit status says whether that is bad
        for reader in readers:
            reader.join()
        return process.wait()

    def _read(self, stream: Literal["stdout", "stderr"], pipe: IO[bytes]) -> None:
        while chunk := os.read(pipe.fileno(), 65536):
            self.feed(stream, chunk)

    def result(self, what: str, status: int) -> CompletedRun:
        """The collected output.

        Raises:
            ColonnadeError: `status` is not 0, and the message has the end of each stream; or the log
                file could not be written.
        """
        if self._refused is not None:
            raise ColonnadeError(f"{self._log}: cannot be written: {self._refused.strerror}")
        stdout, stderr = (b"".join(self._parts[stream]) for stream in ("stdout", "stderr"))
        if status != 0:
            where = "" if self._log is None else f" (log: {self._log})"
            ends = [_text(printed[-_TAIL_BYTES:]).strip() for printed in (stdout, stderr)]
            lines = [f"{what}: exit status {status}{where}", *filter(None, ends)]
            raise ColonnadeError("\n".join(lines))
        return CompletedRun(_text(stdout), _text(stderr))


def _text(printed: bytes) -> str:
    return printed.decode(errors="replace")
