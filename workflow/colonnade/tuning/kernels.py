# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The instructions of the column-wise kernels and of im2col, and what they cost.

Both are straight-line code around loops, written for an in-order core. A few trips of a loop are
simulated; all others cost what the last of these did.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from colonnade.config.schema import VECTOR_REGISTERS
from colonnade.tuning.core import F32_BYTES, Cache, Core, Kind
from colonnade.tuning.pipeline import Access, Step, simulate

# Trips of the kernel's loop, two columns each, until the pipeline repeats itself; rows of im2col too.
_WARM = 3
_ROWS = 12
# Float registers for weights, and those of them that a kernel may use without saving them.
_FLOATS, _FREE_FLOATS = 30, 18
# Of a column's offset: as many as of a weight.
_OFFSET_BYTES = F32_BYTES


class Lines(NamedTuple):
    """Where the lines of a call come from; `residual` is None where no residual is added.

    A panel vector touches `touched` of them; where the prefetcher follows from one column to the next,
    it brings `followed` lines for each, else that is 0.
    """

    weights: Cache
    operand: Cache
    output: Cache
    residual: Cache | None
    touched: int
    followed: int


@dataclass(frozen=True)
class CallCost:
    """Cycles of a call: `first` and then `panel` for each panel, `column` for each of its columns."""

    first: float
    panel: float
    column: float


def call_cost(core: Core, tile: int, lmul: int, lines: Lines) -> CallCost:
    """Cost of calls of the kernel for `tile` rows and panels of `lmul` vectors."""
    kernel = _Kernel(core, tile, lmul, lines)
    begin, end, one, two = simulate(core, kernel.steps())
    column = (end - begin) / (2 * kernel.period)
    # The second call begins where the first one ended; it has two panels of the warming trips only.
    call = one - 2 * (_WARM + kernel.period) * column
    panel = two - one - call - (4 * _WARM + kernel.ahead) * column
    return CallCost(call - panel, panel, column)


def row_cost(core: Core, load: Kind, read: Access, write: Access) -> float:
    """Cycles of copying one row by im2col, which loads with class `load`."""
    begin, end = simulate(core, _rows(core.copy_lmul, load, read, write))
    return (end - begin) / _ROWS


def _rows(lmul: int, load: Kind, read: Access, write: Access) -> Iterator[Step]:
    """Rows of `x32-im2col`: the load of a row runs ahead of the store of the one before."""
    for row in range(2 * _ROWS):
        if row == _ROWS:
            yield Step("mark")
        yield Step("load", "plane")
        yield Step("alu", "plane", ("plane",))
        yield Step(load, f"row{row % 2}", ("plane",), lmul, read)
        yield Step("vstore", None, (f"row{(row + 1) % 2}",), lmul, write)
        yield Step("alu")
    yield Step("mark")


class _Stream:
    """Consecutive accesses to memory: every `line` bytes a new line is touched.

    `followed` says whether the prefetcher has not forgotten the stream by then.
    """

    def __init__(self, line: int, level: Cache, *, followed: bool = True) -> None:
        self._line, self._level, self._bytes = line, level, 0
        self._followed = followed

    def step(self, size: int) -> Access | None:
        """What an access of `size` bytes is the first to touch."""
        self._bytes += size
        lines, self._bytes = divmod(self._bytes, self._line)
        return Access(self._level, lines, stream=self._followed) if lines else None


class _Kernel:
    """The instructions of `f32-colnm-gemm/rvv.S.in`."""

    def __init__(self, core: Core, tile: int, lmul: int, lines: Lines) -> None:
        self._tile, self._lmul = tile, lmul
        stored = max(1, lmul * core.lanes * F32_BYTES // core.line_bytes)
        self._weights = _Stream(core.line_bytes, lines.weights)
        # Between two lines of offsets the prefetcher meets more scattered lines than it can follow.
        scattered = lines.operand.latency > 0 and lines.followed == 0
        self._offsets = _Stream(core.line_bytes, lines.weights, followed=not scattered)
        self._operand = Access(lines.operand, lines.followed or lines.touched, lines.followed > 0)
        self._output = Access(lines.output, stored, write=True)
        self._residual = None if lines.residual is None else Access(lines.residual, stored)
        self._pipelined = (tile + 2) * lmul <= VECTOR_REGISTERS
        # Whether the lines of a column are touched two columns ahead: see the template.
        self._touching = self._pipelined and tile >= 6 and tile * (lmul - 1) >= 6
        self._touches = self._touch_steps(lines) if self._touching else {}
        self._banks = 2 if self._pipelined and 2 * tile <= _FLOATS else 1
        self._saved = max(0, self._banks * tile - _FREE_FLOATS)
        # Trips until weights and scattered offsets begin a line at the same place again.
        floats = core.line_bytes // F32_BYTES
        columns = floats if scattered else floats // math.gcd(floats, tile)
        self.period = max(1, columns // 2)
        # Columns of a panel that are computed in the shadow of the stores of the one before.
        self.ahead = 2 if self._pipelined else 0

    def _touch_steps(self, lines: Lines) -> dict[int, Sequence[Step]]:
        """A column's touches, by the row behind whose FMA they stand.

        They touch a vector's first byte and its last one, and at LMUL 4 one in the middle.
        """
        rows = (2, 3, 4) if self._lmul >= 4 else (2, 4)
        brought = [Access(lines.operand, 1, stream=line > 0) for line in range(lines.touched)]
        by_row = dict(zip(rows, [self._operand] if lines.followed > 0 else brought, strict=False))
        loads = {row: Step("load", None, ("touched",), access=by_row.get(row)) for row in rows}
        steps: dict[int, Sequence[Step]] = {
            1: [Step("alu", "touched", ("offset",))],
            2: [Step("alu", "touched", ("touched",)), loads[2]],
            4: [loads[4]],
        }
        if 3 in loads:
            steps[3] = [Step("alu"), Step("alu"), loads[3]]
        return steps

    def steps(self) -> Iterator[Step]:
        """A call with one panel, then one with two; marks around a period, and after each call."""
        for panels in (1, 2):
            yield from self._call(panels)
            yield Step("mark")

    def _call(self, panels: int) -> Iterator[Step]:
        yield from (Step("fp_store") for _ in range(self._saved))
        yield from self._start()
        for panel in range(panels):
            for _ in range(_WARM):
                yield from self._trip()
            if panels == 1:
                yield Step("mark")
                for _ in range(self.period):
                    yield from self._trip()
                yield Step("mark")
            yield Step("flush")
            last = panel + 1 == panels
            if last or not self._pipelined:
                yield from self._finish()
                if not last:
                    yield from self._start()
            else:
                yield from self._overlap()
        yield from (Step("fp_load") for _ in range(self._saved))
        yield Step("jump_register")
        yield Step("taken")
        yield from (Step("alu") for _ in range(20))

    def _weight(self, register: str) -> Step:
        return Step("fp_load", register, access=self._weights.step(F32_BYTES))

    def _load(self, register: str, *, touched: bool = False) -> Iterator[Step]:
        access = None if touched else self._operand
        yield Step("alu", "address", ("offset",))
        yield Step("vload", register, ("address",), self._lmul, access)
        yield Step("load", "offset", access=self._offsets.step(_OFFSET_BYTES))

    def _start(self) -> Iterator[Step]:
        yield Step("vset", "vl")
        yield Step("load", "input")
        yield Step("alu", "input", ("input",))
        yield Step("load", "offset", ("input",))
        yield from self._load("a0")
        for bank in range(self._banks):
            yield from (self._weight(f"w{bank}.{row}") for row in range(self._tile))
        for row in range(self._tile):
            yield Step("vf_move", f"sum{row}", (f"w0.{row}",), self._lmul)
            yield self._weight(f"w0.{row}")

    def _trip(self) -> Iterator[Step]:
        """Two columns: with a spare panel vector in one trip of the loop, without in two."""
        if self._pipelined:
            for column, (vector, other) in enumerate((("a0", "a1"), ("a1", "a0"))):
                yield from self._load(other, touched=self._touching)
                yield from self._products(vector, column % self._banks)
            yield from self._next_trip()
        else:
            for _ in range(2):
                yield from self._products("a0", 0)
                yield from self._load("a0")
                yield from self._next_trip()

    def _products(self, vector: str, bank: int) -> Iterator[Step]:
        for row in range(self._tile):
            weight = f"w{bank}.{row}"
            yield Step("vf_fma", f"sum{row}", (f"sum{row}", weight, vector), self._lmul)
            yield self._weight(weight)
            yield from self._touches.get(row, ())

    def _next_trip(self) -> Iterator[Step]:
        yield from (Step("alu") for _ in range(3))
        yield Step("branch")
        yield Step("taken")

    def _clamp(self, row: int) -> Iterator[Step]:
        for limit in ("min", "max"):
            yield Step("vf_minmax", f"sum{row}", (f"sum{row}", limit), self._lmul)

    def _store(self, row: int) -> Iterator[Step]:
        yield Step("vstore", None, (f"sum{row}", "row"), self._lmul, self._output)
        yield Step("alu", "row", ("row",))

    def _prepare_stores(self) -> Iterator[Step]:
        yield from (Step("load", "scratch") for _ in range(6))
        yield Step("vset", "vl")
        if self._residual is not None:
            yield from self._add_residual(self._residual)
        yield from (Step("branch") for _ in range(4))
        yield from (Step("fp_load", limit) for limit in ("min", "max"))
        yield Step("alu", "row", ("scratch",))

    def _add_residual(self, access: Access) -> Iterator[Step]:
        """With a spare panel vector the next row's load runs while a row is added."""
        spare = 2 if self._pipelined else 1
        yield from (Step("load", "addend") for _ in range(3))
        yield Step("alu", "addend", ("addend",))
        yield Step("vload", "row0", ("addend",), self._lmul, access)
        for row in range(self._tile):
            ahead = row + spare - 1
            if 0 < ahead < self._tile:
                yield Step("alu", "addend", ("addend",))
                yield Step("vload", f"row{ahead % spare}", ("addend",), self._lmul, access)
            operands = (f"sum{row}", f"row{row % spare}")
            yield Step("vf_add", f"sum{row}", operands, self._lmul)

    def _finish(self) -> Iterator[Step]:
        yield from self._prepare_stores()
        for row in range(self._tile + 2):
            if row < self._tile:
                yield from self._clamp(row)
            if row >= 2:
                yield from self._store(row - 2)
        yield from (Step("alu") for _ in range(2))
        yield Step("branch")
        yield Step("taken")

    def _overlap(self) -> Iterator[Step]:
        """Stores of a panel, with the next one's first two columns in their shadow."""
        tile, last = self._tile, self._banks - 1
        yield from self._prepare_stores()
        yield from (Step("load", "scratch") for _ in range(3))
        yield from (Step("alu") for _ in range(6))
        yield Step("load", "offset", ("scratch",))
        yield from self._load("a0")
        yield from self._load("a1")
        for j in range(tile + 8):
            if j < tile:
                yield from self._clamp(j)
                yield from (Step("fp_load", f"w{bank}.{j}") for bank in range(self._banks))
            if 2 <= j < tile + 2:
                yield from self._store(j - 2)
            if 3 <= j < tile + 3:
                yield Step("vf_move", f"sum{j - 3}", (f"w{last}.{j - 3}",), self._lmul)
                yield Step("fp_load", f"w{last}.{j - 3}")
            if 6 <= j < tile + 6:
                yield from self._product(j - 6, 0, "a0")
            if j == tile + 5:
                yield from self._load("a0")
            if j >= 8:
                yield from self._product(j - 8, last, "a1")
        yield Step("taken")

    def _product(self, row: int, bank: int, vector: str) -> Iterator[Step]:
        operands = (f"sum{row}", f"w{bank}.{row}", vector)
        yield Step("vf_fma", f"sum{row}", operands, self._lmul)
        yield Step("fp_load", f"w{bank}.{row}")
