# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How far a long command is, said on stderr: a bar on a terminal, a line now and then elsewhere."""

import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NoReturn, TypeVar

from tqdm import tqdm

T = TypeVar("T")

LINE_SECONDS = 10.0
_POLL_SECONDS = 0.2
# `[63/1095] Building C object ...`
_NINJA = re.compile(r"\[(?P<done>\d+)/(?P<total>\d+)\] ")


def duration(seconds: float) -> str:
    """Seconds in the unit in which they are easy to read: 45 s, 6 min, 1.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


class Progress:
    """Counts what is done of a command's work, and says what is left: see the module.

    `done` units are behind it. Elsewhere than on a terminal nothing is said before `LINE_SECONDS`.
    """

    def __init__(
        self,
        what: str,
        total: int,
        unit: str,
        *,
        done: int = 0,
        shown: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin `what` with `done` of `total` units behind it, from an earlier run.

        Args:
            what: begins each line.
            total: how many units there are in all.
            unit: what is counted, one of them.
            done: how many need no time any more.
            shown: whether anything is said at all.
            clock: the time in seconds.
        """
        self._what, self._unit, self._clock, self._shown = what, unit, clock, shown
        self._total, self._before, self.done = total, done, done
        self._began = self._said = clock()
        self._bar: tqdm[NoReturn] | None = None
        if shown and sys.stderr.isatty():
            self._bar = tqdm(total=total, desc=what, unit=unit, initial=done, leave=False)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif error is None and self._shown and self._clock() - self._began >= LINE_SECONDS:
            self._say(f"{self._counted(self.done)} in {duration(self._clock() - self._began)}")

    def add(self, count: int = 1) -> None:
        """So many more are done."""
        self.reach(self.done + count)

    def reach(self, done: int, total: int | None = None) -> None:
        """So many are done, of a number that may have become known only now."""
        self.done, self._total = done, self._total if total is None else total
        if self._bar is not None:
            self._bar.total = self._total
            self._bar.n = done
            self._bar.refresh()
        elif self._shown and done < self._total and self._clock() - self._said >= LINE_SECONDS:
            self._said = self._clock()
            self._say(f"{self.done} of {self._counted(self._total)}{self._left()}")

    def _counted(self, count: int) -> str:
        plural = "es" if self._unit.endswith("h") else "s"
        return f"{count} {self._unit}{plural if count != 1 else ''}"

    def _left(self) -> str:
        fresh = self.done - self._before
        if fresh <= 0:
            return ""
        each = (self._clock() - self._began) / fresh
        return f", about {duration(each * (self._total - self.done))} left"

    def _say(self, text: str) -> None:
        print(f"{self._what}: {text}", file=sys.stderr, flush=True)


def track(
    items: Iterable[T], what: str, total: int, unit: str, *, shown: bool = True
) -> Iterator[T]:
    """The items, with the progress of whoever takes them."""
    with Progress(what, total, unit, shown=shown) as progress:
        for item in items:
            yield item
            progress.add()


def ninja_steps(progress: Progress) -> Callable[[str], None]:
    """Takes the lines that ninja prints, and has `progress` count the steps of its build."""

    def count(line: str) -> None:
        if found := _NINJA.match(line):
            progress.reach(int(found["done"]), int(found["total"]))

    return count


@contextmanager
def followed(path: Path, on_line: Callable[[str], None]) -> Iterator[None]:
    """Call `on_line` with every whole line that the file `path` gets inside the block.

    What it holds before is replaced by then, or it does not exist; a line comes without its end, from
    another thread, up to a fifth of a second late.
    """
    path.unlink(missing_ok=True)
    ended = threading.Event()
    reader = threading.Thread(target=_follow, args=(path, on_line, ended), daemon=True)
    reader.start()
    try:
        yield
    finally:
        ended.set()
        reader.join()


def _follow(path: Path, on_line: Callable[[str], None], ended: threading.Event) -> None:
    seen, rest = 0, b""
    while True:
        # What is written until here is read below.
        last = ended.wait(_POLL_SECONDS)
        try:
            with path.open("rb") as stream:
                stream.seek(seen)
                fresh = stream.read()
        except FileNotFoundError:
            fresh = b""
        seen += len(fresh)
        *lines, rest = (rest + fresh).split(b"\n")
        for line in lines:
            on_line(line.decode(errors="replace"))
        if last:
            return
