# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A stream of instructions on a core: the time it takes, by the rules of the timing model.

Time follows from issue width, latencies, occupancies of units, and the way of cache lines to the core.
"""

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

from colonnade.tuning.core import Cache, Core, Kind


class Access(NamedTuple):
    """Consecutive lines that an instruction touches where they are not in L1: in `level`.

    In a `stream` the first of them follows the last one of another instruction.
    """

    level: Cache
    lines: int
    stream: bool = False
    write: bool = False


class Step(NamedTuple):
    """An instruction: class of the core description, result, operands, LMUL, and lines it fetches.

    Class `flush` is a mispredicted branch, `taken` any other jump; `mark` notes the time.
    """

    kind: Kind | Literal["flush", "taken", "mark"]
    result: str | None = None
    operands: tuple[str, ...] = ()
    lmul: int = 1
    access: Access | None = None


def simulate(core: Core, steps: Iterable[Step]) -> list[float]:
    """Cycles from the beginning to each mark."""
    return _in_order(core, steps) if core.in_order else _unordered(core, steps)


class _Port:
    """The way of lines to the core: one after the other, and a bounded number on their way at once."""

    def __init__(self, outstanding: int) -> None:
        self._free, self._slots = 0.0, [0.0] * outstanding

    def fetch(self, access: Access, now: float) -> tuple[float, float]:
        """When the last line's request is accepted, and when that line is there."""
        accepted = ready = now
        for number in range(access.lines):
            slot = self._slots.index(min(self._slots))
            accepted = max(accepted, self._slots[slot])
            start = max(now, self._slots[slot], self._free)
            if access.stream or number > 0:
                self._free = start + (access.level.write if access.write else access.level.read)
                self._slots[slot] = self._free
            else:
                self._free = start + access.level.interval
                self._slots[slot] = start + access.level.latency
            ready = max(ready, self._slots[slot])
        return accepted, ready


def _in_order(core: Core, steps: Iterable[Step]) -> list[float]:
    """Cycles to each mark with in-order issue: a step waits for its operands and its unit."""
    cycle, issued = 0.0, 0
    ready: dict[str, float] = {}
    free: dict[str, float] = {}
    port, marks = _Port(core.outstanding), []
    for kind, result, operands, lmul, access in steps:
        if kind == "mark":
            marks.append(cycle + (issued > 0))
            continue
        if kind == "flush" or kind == "taken":  # noqa: PLR1714 (mypy narrows by equality alone)
            cycle += 1 + (core.mispredict if kind == "flush" else 0)
            issued = 0
            continue
        unit, latency, occupancy = core.timing(kind, lmul)
        start = cycle
        for name in operands:
            if ready.get(name, 0) > start:
                start = ready[name]
        # Within its cycle a unit continues where it became free.
        begin = free.get(unit, 0) if unit is not None else 0
        if begin > start:
            start = math.ceil(begin)
        if start > cycle:
            cycle, issued = start, 0
        elif issued == core.width:
            cycle, issued = cycle + 1, 0
        issued += 1
        accepted = there = cycle
        if access is not None and access.level.latency:
            accepted, there = port.fetch(access, cycle)
        if unit is not None:
            begin = begin if cycle - 1 < begin < cycle else cycle
            free[unit] = max(begin + occupancy, accepted)
        if result is not None:
            ready[result] = there + latency
    return marks


def _unordered(core: Core, steps: Iterable[Step]) -> list[float]:
    """Time at each mark with issue in any order: the width binds, or the unit that is busy longest."""
    issued, flushed = 0, 0.0
    busy: dict[str | None, float] = {}
    marks = []
    for kind, _, _, lmul, access in steps:
        if kind == "mark":
            marks.append(max(issued / core.width, *busy.values()) + flushed)
        elif kind == "flush":
            flushed += core.mispredict
        elif kind != "taken":
            unit, _, occupancy = core.timing(kind, lmul)
            busy[unit] = busy.get(unit, 0) + occupancy
            if access is not None:
                busy["port"] = busy.get("port", 0) + access.lines * access.level.read
            issued += 1
    return marks
