# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Executed instructions on a core: the time they take, by the rules of the timing model.

Time follows from issue width, latencies, occupancies of units, predicted branches, and the way of
cache lines to the core: `kernels/timing/src/core.c` and `memory.c`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from colonnade.tuning.core import LMULS, Cache, Core, Kind
from colonnade.tuning.cost_model.execution import Executed, Region
from colonnade.tuning.cost_model.operations import REGISTERS, Flow, Operation

# Where the lines of each region of memory come from when they are new; those of others are in L1.
Levels = Mapping[Region, Cache]


class _Stream:
    """Lines that follow each other: `ready` says when those from `next` to before `head` are there."""

    def __init__(self, line: int) -> None:
        self.next = self.head = line + 1
        self.lines = 1  # that a program has come to
        self.ready: dict[int, float] = {}


class _Port:
    """The way of lines to a core: a bounded number at once, and streams that the prefetcher follows."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._slots = [0.0] * core.outstanding
        self._taken = 0  # lines that an access brings L1, itself or by the prefetcher
        # When each level can start the next line, and the streams, the one that was followed last behind.
        self._free: dict[int, float] = {}
        self._streams: list[_Stream] = []

    def fetch(
        self, level: Cache, lines: Sequence[int], now: float, *, write: bool
    ) -> tuple[float, float]:
        """How long their unit waits until all are accepted and taken, and when the last is there."""
        accepted = ready = now
        if level.latency == 0:
            return 0, now
        self._taken = 0
        slots = self._slots
        for line in lines:
            stream = self._follow(line)
            if stream is not None and line < stream.head:
                there = stream.ready.pop(line, now)
                self._prefetch(level, stream, line, now)
                if there > now:
                    slot = slots.index(min(slots))
                    accepted = max(accepted, slots[slot])
                    slots[slot] = max(slots[slot], there)
                    ready = max(ready, slots[slot])
                continue
            slot = slots.index(min(slots))
            accepted = max(accepted, slots[slot])
            if stream is not None and write:
                interval = (line + 1 - stream.next) * level.write
                slots[slot] = self._start(level, max(now, slots[slot]), interval) + interval
                stream.next = stream.head = line + 1
            else:
                start = self._start(level, max(now, slots[slot]), level.interval)
                slots[slot] = start + level.latency
                self._taken += 1
                if stream is not None:
                    self._prefetch(level, stream, line, now)
            ready = max(ready, slots[slot])
        return accepted - now + self._core.fill * self._taken, ready

    def _start(self, level: Cache, now: float, interval: float) -> float:
        """When a level starts a line; it starts the next one after the interval."""
        start = max(now, self._free.get(id(level), 0.0))
        self._free[id(level)] = start + interval
        return start

    def _follow(self, line: int) -> _Stream | None:
        """The stream that a line goes on with; else it begins one."""
        for place, stream in enumerate(self._streams):
            if 0 <= line - stream.next < self._core.reach:
                self._streams.append(self._streams.pop(place))
                stream.lines += 1
                return stream
        self._streams.append(_Stream(line))
        if len(self._streams) > self._core.streams:
            del self._streams[0]
        return None

    def _prefetch(self, level: Cache, stream: _Stream, line: int, now: float) -> None:
        """Ask for lines ahead of one that is used now."""
        most = self._core.degree * (line + 1 - stream.next)
        stream.next = line + 1
        stream.head = max(stream.head, stream.next)
        if stream.lines < self._core.confirm:
            return
        for _ in range(most):
            if stream.head - line > self._core.distance:
                break
            start = self._start(level, now, level.read)
            stream.ready[stream.head] = max(start + level.read, now + level.latency)
            stream.head += 1
            self._taken += 1


class _Cost(NamedTuple):
    """What a class of instructions costs: number of its unit, or -1, and cycles as `Cost` has them."""

    unit: int
    latency: float
    occupancy: float
    later: float  # how much later an instruction of a late unit can use the result
    is_late: bool  # whether its unit is one


def _costs(core: Core, lmul: int) -> tuple[Mapping[Kind, _Cost], int]:
    """The cost of each class for groups of `lmul` registers, and how many units there are."""
    index = LMULS.index(lmul)
    units = sorted({cost.unit for cost in core.costs.values() if cost.unit is not None})
    costs = {
        kind: _Cost(
            -1 if cost.unit is None else units.index(cost.unit),
            cost.latency[index],
            cost.occupancy[index],
            cost.late_latency[index] - cost.latency[index],
            cost.unit in core.late_units,
        )
        for kind, cost in core.costs.items()
    }
    return costs, len(units)


class _Predictor:
    """A two-bit counter for each conditional branch, first seen as backward taken, forward not."""

    def __init__(self) -> None:
        self._counters: dict[int, int] = {}

    def foresees(self, operation: Operation, *, taken: bool) -> bool:
        """Whether a branch goes where it was expected to; from now on it is expected more."""
        counter = self._counters.get(operation.place, 2 if operation.backward else 1)
        self._counters[operation.place] = min(3, counter + 1) if taken else max(0, counter - 1)
        return taken == (counter >= 2)


def _bubble(core: Core, predictor: _Predictor, operation: Operation, *, taken: bool) -> int | None:
    """Cycles after that of a branch in which nothing starts; None where its cycle goes on."""
    if operation.flow == Flow.CONDITIONAL and not predictor.foresees(operation, taken=taken):
        return core.mispredict
    return core.taken if taken else None


def cycles(  # noqa: PLR0912 (a loop that runs millions of times: no calls)
    core: Core, executed: Iterable[Executed], lmul: int, levels: Levels
) -> float:
    """Cycles that instructions take whose vectors are of `lmul` registers.

    They start in order: each waits for its operands, its unit, and a place in a cycle.
    """
    cycle, issued, vectors, typed = 0.0, 0, 0, 0.0
    ready, later = [0.0] * REGISTERS, [0.0] * REGISTERS
    costs, units = _costs(core, lmul)
    # Instructions without a unit have the last one, which is always free.
    free = [0.0] * (units + 1)
    port, predictor = _Port(core), _Predictor()
    stores = [0.0] * core.store_queue
    for operation, region, lines, taken in executed:
        unit, latency, occupancy, later_by, is_late = costs[operation.kind]
        start = max(cycle, typed) if operation.is_vector else cycle
        sources = operation.sources
        if operation.is_store and not operation.is_vector:
            # It waits for its data in the queue.
            data, sources = sources[0], sources[1:]
            start = max(start, stores.pop(stores.index(min(stores))))
            stores.append(ready[data])
        for source in sources:
            if ready[source] > start:  # noqa: PLR1730 (`max` takes three times as long)
                start = ready[source]
            if is_late and ready[source] + later[source] > start:
                start = ready[source] + later[source]
        begin = free[unit]
        if begin > start:
            start = math.ceil(begin)
        if start > cycle:
            cycle, issued, vectors = start, 0, 0
        elif issued == core.width or (operation.is_vector and vectors == core.vector_width):
            cycle, issued, vectors = cycle + 1, 0, 0
        issued += 1
        vectors += operation.is_vector
        there = cycle
        held = 0.0
        if lines:
            held, there = port.fetch(levels[region], lines, cycle, write=operation.is_store)
        if unit >= 0:
            # Within its cycle a unit continues where it became free.
            begin = begin if cycle - 1 < begin < cycle else cycle
            free[unit] = begin + occupancy + held
        if operation.result:
            ready[operation.result], later[operation.result] = there + latency, later_by
        if operation.kind == "vset":
            typed = cycle + core.vtype_latency
        elif operation.flow:
            bubble = _bubble(core, predictor, operation, taken=taken)
            if bubble is not None:
                cycle, issued, vectors = cycle + 1 + bubble, 0, 0
    return cycle + (issued > 0)
