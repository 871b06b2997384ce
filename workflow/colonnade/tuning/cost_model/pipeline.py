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


def cycles(core: Core, executed: Iterable[Executed], lmul: int, levels: Levels) -> float:
    """Cycles that instructions take whose vectors are of `lmul` registers."""
    if core.in_order:
        return _in_order(core, executed, lmul, levels)
    return _unordered(core, executed, lmul, levels)


class _Port:
    """The way of lines to a core: a bounded number at once, and streams that the prefetcher follows."""

    def __init__(self, core: Core) -> None:
        self._free, self._slots = 0.0, [0.0] * core.outstanding
        # The lines that streams would go on with, the one that was followed last behind.
        self._next = [-1 - core.reach] * core.streams
        self._reach = core.reach

    def fetch(
        self, level: Cache, lines: Sequence[int], now: float, *, write: bool
    ) -> tuple[float, float]:
        """When the last line's request is accepted, and when that line is there."""
        accepted = ready = now
        if level.latency == 0:
            return accepted, ready
        stream = level.write if write else level.read
        slots = self._slots
        for line in lines:
            slot = slots.index(min(slots))
            accepted = max(accepted, slots[slot])
            start = max(now, slots[slot], self._free)
            if followed := self._follow(line):
                self._free = slots[slot] = start + followed * stream
            else:
                self._free = start + level.interval
                slots[slot] = start + level.latency
            ready = max(ready, slots[slot])
        return accepted, ready

    def _follow(self, line: int) -> int:
        """How many lines come with one, itself and those skipped before it; 0 begins a stream."""
        for place, expected in enumerate(self._next):
            if 0 <= line - expected < self._reach:
                del self._next[place]
                self._next.append(line + 1)
                return line - expected + 1
        if self._next:
            del self._next[0]
            self._next.append(line + 1)
        return 0


class _Cost(NamedTuple):
    """What a class of instructions costs: number of its unit, or -1, and cycles as `Cost` has them."""

    unit: int
    latency: float
    occupancy: float
    later: float  # how much later a vector store can use the result


def _costs(core: Core, lmul: int) -> tuple[Mapping[Kind, _Cost], int]:
    """The cost of each class for groups of `lmul` registers, and how many units there are."""
    index = LMULS.index(lmul)
    units = sorted({cost.unit for cost in core.costs.values() if cost.unit is not None})
    costs = {
        kind: _Cost(
            -1 if cost.unit is None else units.index(cost.unit),
            cost.latency[index],
            cost.occupancy[index],
            cost.store_latency[index] - cost.latency[index],
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


def _in_order(  # noqa: PLR0912 (a loop that runs millions of times: no calls)
    core: Core, executed: Iterable[Executed], lmul: int, levels: Levels
) -> float:
    """With in-order issue: an instruction waits for its operands, its unit, and a place in a cycle."""
    cycle, issued, vectors, typed = 0.0, 0, 0, 0.0
    ready, later = [0.0] * REGISTERS, [0.0] * REGISTERS
    costs, units = _costs(core, lmul)
    # Instructions without a unit have the last one, which is always free.
    free = [0.0] * (units + 1)
    port, predictor = _Port(core), _Predictor()
    for operation, region, lines, taken in executed:
        unit, latency, occupancy, later_by = costs[operation.kind]
        start = max(cycle, typed) if operation.is_vector else cycle
        for source in operation.sources:
            if ready[source] > start:  # noqa: PLR1730 (`max` takes three times as long)
                start = ready[source]
        if operation.is_store and operation.is_vector:
            start = max(start, *(ready[source] + later[source] for source in operation.sources))
        begin = free[unit]
        if begin > start:
            start = math.ceil(begin)
        if start > cycle:
            cycle, issued, vectors = start, 0, 0
        elif issued == core.width or (operation.is_vector and vectors == core.vector_width):
            cycle, issued, vectors = cycle + 1, 0, 0
        issued += 1
        vectors += operation.is_vector
        accepted = there = cycle
        if lines:
            accepted, there = port.fetch(levels[region], lines, cycle, write=operation.is_store)
        if unit >= 0:
            # Within its cycle a unit continues where it became free.
            begin = begin if cycle - 1 < begin < cycle else cycle
            free[unit] = max(begin + occupancy, accepted)
        if operation.result:
            ready[operation.result], later[operation.result] = there + latency, later_by
        if operation.kind == "vset":
            typed = cycle + core.vtype_latency
        elif operation.flow:
            bubble = _bubble(core, predictor, operation, taken=taken)
            if bubble is not None:
                cycle, issued, vectors = cycle + 1 + bubble, 0, 0
    return cycle + (issued > 0)


def _unordered(core: Core, executed: Iterable[Executed], lmul: int, levels: Levels) -> float:
    """With issue in any order: the width binds, or the unit that is busy longest."""
    costs, units = _costs(core, lmul)
    busy = [0.0] * (units + 1)
    issued, fetched, flushed, predictor = 0, 0.0, 0, _Predictor()
    for operation, region, lines, taken in executed:
        issued += 1
        cost = costs[operation.kind]
        busy[cost.unit] += cost.occupancy
        fetched += len(lines) * levels[region].read if lines else 0
        if operation.flow == Flow.CONDITIONAL and not predictor.foresees(operation, taken=taken):
            flushed += core.mispredict
    return max(issued / core.width, fetched, *busy) + flushed
