"""Cycles of one microkernel call, from the order of its instructions.

A column-wise GEMM microkernel is straight-line code around one loop (`f32-colnm-gemm/rvv.c.in`): its
cycles follow from issue width, latencies and occupancies, by the rules of the timing model. A few
trips of the loop are simulated; all others cost what the last of these did.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from colonnade.config import VECTOR_REGISTERS
from colonnade.tuning.core import F32_BYTES, LMULS, Core

# Trips of the loop, two columns each: until the pipeline repeats itself, and as many as the weights
# need to begin a cache line at the same row again.
_WARM, _PERIOD = 4, 8
# Floating-point and integer registers that a function may use without saving them.
_FREE_FP, _FREE_INT = 20, 12
_MOST_SAVED_INT = 13


@dataclass(frozen=True)
class Lines:
    """Cycles that each new cache line costs a call, beyond a hit in L1."""

    weights: float
    operand: float
    output: float


@dataclass(frozen=True)
class CallCost:
    """Cycles of a call: `fixed`, and `column` more for each kept column."""

    fixed: float
    column: float


class _Step(NamedTuple):
    """An instruction: class, result, operands, LMUL, and the cycles that its cache misses add.

    Class `flush` is a mispredicted branch, `taken` any other jump; `mark` notes the time.
    """

    kind: str
    result: str | None = None
    operands: tuple[str, ...] = ()
    lmul: int = 1
    miss: float = 0


def call_cost(core: Core, tile: int, lmul: int, lines: Lines) -> CallCost:
    """Cost of one call of the kernel for `tile` rows and a strip of `lmul` vectors."""
    simulate = _in_order if core.in_order else _unordered
    begin, end, total = simulate(core, _Kernel(core, tile, lmul, lines).steps())
    column = (end - begin) / (2 * _PERIOD)
    return CallCost(total - 2 * (_WARM + _PERIOD) * column, column)


class _Stream:
    """Consecutive accesses to memory: every `line` bytes a new line is touched."""

    def __init__(self, line: int, miss: float) -> None:
        self._line, self._miss, self._bytes = line, miss, 0

    def step(self, size: int) -> float:
        """Cycles added to an access of `size` bytes."""
        self._bytes += size
        lines, self._bytes = divmod(self._bytes, self._line)
        return lines * self._miss


class _Kernel:
    """The instructions of `f32-colnm-gemm/rvv.c.in`, as compiled."""

    def __init__(self, core: Core, tile: int, lmul: int, lines: Lines) -> None:
        self._tile, self._lmul = tile, lmul
        self._vector_bytes = lmul * core.lanes * F32_BYTES
        self._weights = _Stream(core.line_bytes, lines.weights)
        self._operand = _Stream(core.line_bytes, lines.operand)
        self._output = _Stream(core.line_bytes, lines.output)
        # Callee-saved registers: weights beyond the free ones, and addresses of the output rows.
        addresses = max(0, min(_MOST_SAVED_INT, tile - _FREE_INT + 4))
        self._saved = max(0, tile - _FREE_FP) + addresses

    def steps(self) -> Iterator[_Step]:
        """A whole call, with marks around the trips of a period."""
        yield from (_Step("store") for _ in range(self._saved))
        yield from self._start()
        for count in (_WARM, _PERIOD):
            for _ in range(count):
                yield from self._trip()
            yield _Step("mark")
        yield _Step("flush")
        yield from self._finish()
        yield from (_Step("load") for _ in range(self._saved))
        yield _Step("jump_register")
        yield _Step("taken")
        yield _Step("mark")

    def _trip(self) -> Iterator[_Step]:
        """Two columns: with a spare strip vector in one trip of the loop, without in two."""
        if (self._tile + 2) * self._lmul <= VECTOR_REGISTERS:
            yield from self._load("a1")
            yield from self._products("a0")
            yield from self._load("a0")
            yield from self._products("a1")
            yield from self._next_trip()
        else:
            for _ in range(2):
                yield from self._products("a0")
                yield from self._load("a0")
                yield from self._next_trip()

    def _weight(self, register: str) -> _Step:
        return _Step("fp_load", register, miss=self._weights.step(F32_BYTES))

    def _load(self, register: str) -> Iterator[_Step]:
        """The strip vector of the next column, whose offset is there, and the offset after it."""
        yield _Step("alu", "address", ("offset",))
        miss = self._operand.step(self._vector_bytes)
        yield _Step("vload", register, ("address",), self._lmul, miss)
        yield _Step("load", "offset")

    def _start(self) -> Iterator[_Step]:
        yield _Step("vset")
        for row in range(self._tile):
            yield self._weight("bias")
            yield _Step("vf_move", f"sum{row}", ("bias",), self._lmul)
        yield _Step("load", "offset")
        yield from self._load("a0")
        yield from (self._weight(f"w{row}") for row in range(self._tile))
        yield from (_Step("alu") for _ in range(4))

    def _products(self, vector: str) -> Iterator[_Step]:
        for row in range(self._tile):
            operands = (f"sum{row}", f"w{row}", vector)
            yield _Step("vf_fma", f"sum{row}", operands, self._lmul)
            yield self._weight(f"w{row}")

    def _next_trip(self) -> Iterator[_Step]:
        yield from (_Step("alu") for _ in range(3))
        yield _Step("branch")
        yield _Step("taken")

    def _finish(self) -> Iterator[_Step]:
        yield from (_Step("branch") for _ in range(2))
        yield from (_Step("alu") for _ in range(2 + self._tile // 4))
        yield from (_Step("fp_load", limit) for limit in ("min", "max"))
        for row in range(self._tile):
            total = f"sum{row}"
            for limit in ("min", "max"):
                yield _Step("vf_minmax", total, (total, limit), self._lmul)
            yield _Step("alu", "row", ("row",))
            miss = self._output.step(self._vector_bytes)
            yield _Step("vstore", None, (total, "row"), self._lmul, miss)


def _in_order(core: Core, steps: Iterator[_Step]) -> list[float]:
    """Time at each mark with in-order issue: a step waits for its operands and its unit."""
    cycle, issued = 0.0, 0
    ready: dict[str, float] = {}
    free: dict[str, float] = {}
    marks = []
    for kind, result, operands, lmul, miss in steps:
        if kind == "mark":
            marks.append(cycle + (issued > 0))
            continue
        if kind in {"flush", "taken"}:
            cycle += 1 + (core.mispredict if kind == "flush" else 0)
            issued = 0
            continue
        cost, size = core.costs[kind], LMULS.index(lmul)
        start = cycle
        for name in operands:
            start = max(start, ready.get(name, 0))
        if cost.unit is not None:
            start = max(start, math.ceil(free.get(cost.unit, 0)))
        if start > cycle:
            cycle, issued = start, 0
        elif issued == core.width:
            cycle, issued = cycle + 1, 0
        issued += 1
        if cost.unit is not None:
            # Within its cycle a unit continues where it became free.
            begin = free.get(cost.unit, 0)
            begin = begin if cycle - 1 < begin < cycle else cycle
            free[cost.unit] = begin + cost.occupancy[size] + miss
        if result is not None:
            ready[result] = cycle + cost.latency[size] + miss
    return marks


def _unordered(core: Core, steps: Iterator[_Step]) -> list[float]:
    """Time at each mark with issue in any order: the width binds, or the unit that is busy longest."""
    issued, flushed = 0, 0
    busy: dict[str | None, float] = {}
    marks = []
    for kind, _, _, lmul, miss in steps:
        if kind == "mark":
            marks.append(max(issued / core.width, *busy.values()) + flushed)
        elif kind == "flush":
            flushed += core.mispredict
        elif kind != "taken":
            cost = core.costs[kind]
            occupied = cost.occupancy[LMULS.index(lmul)] + miss
            busy[cost.unit] = busy.get(cost.unit, 0) + occupied
            issued += 1
    return marks
