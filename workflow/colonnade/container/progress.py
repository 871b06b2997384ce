# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Shows where a long build is, and keeps its whole output in a log file."""

import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from colonnade.common.errors import ColonnadeError

if TYPE_CHECKING:
    from rich.status import Status

_TAIL_LINES = 25


class BuildLog:
    """Collects the output of a build, line by line.

    A line that starts with `==> ` names the step that begins; the current step is shown on stderr,
    as a live line on a terminal and as one plain line per step elsewhere.
    """

    def __init__(self, title: str, path: Path) -> None:
        """Start a log for the build `title` in the file `path`."""
        # Every command imports this module, and few build anything.
        from rich.console import Console

        self.path = path
        self._title = title
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._status: Status | None = None
        self._started = time.monotonic()
        self._refused: OSError | None = None

    def __enter__(self) -> "BuildLog":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self.path.open("wb", buffering=0)
        if self._console.is_terminal:
            self._status = self._console.status(self._title)
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()
        self._stream.close()
        if error is None and self._refused is not None:
            raise ColonnadeError(f"{self.path}: cannot be written: {self._refused.strerror}")
        if error is None:
            self._console.print(f"{self._title}: done in {self._elapsed()}")

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._started:.0f} s"

    def step(self, name: str) -> None:
        """Show that the step `name` begins."""
        text = f"{self._title}: {name}"
        if self._status is not None:
            self._status.update(text)
            return
        with suppress(OSError):  # nobody reads it any more
            self._console.print(f"{text} ({self._elapsed()})")
            sys.stderr.flush()

    def line(self, text: str) -> None:
        """Add one line of the build's output."""
        text = text.rstrip()
        if not text:
            return
        self._tail.append(text)
        if self._refused is None:
            try:
                self._stream.write(f"{text}\n".encode())
            except OSError as refused:
                # Keep reading: a build whose output nobody takes would hang.
                self._refused = refused
        if text.startswith("==> "):
            self.step(text.removeprefix("==> "))

    def tail(self) -> str:
        """The last lines of the output, for an error message."""
        return "\n".join(self._tail)
