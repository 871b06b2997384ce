# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What calls of the column-wise kernels and of im2col cost, from a few short runs of their code.

A run's columns, and its panels, cost the same from some point on: what one more of them adds.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from colonnade.common.datatypes import F32_BYTES
from colonnade.tuning.core import Cache, Core
from colonnade.tuning.cost_model.assembly import parse_code
from colonnade.tuning.cost_model.execution import RARITY, Call, Executed, Region, execute
from colonnade.tuning.cost_model.operations import Flow, Operation, operations
from colonnade.tuning.cost_model.pipeline import cycles

# Columns of the shortest run: what a kernel computes before its loop repeats itself.
_WARM = 8
# Of im2col's loop.
_TRIPS = 6
# Lines between two rows that no prefetcher takes for one stream.
_FAR = 1 << 16


class Kernel(NamedTuple):
    """A kernel, and what it finds: see `Call`."""

    tile: int
    lmul: int
    residual: bool
    vector_lines: int
    apart: int


class Lines(NamedTuple):
    """Where the lines of a call come from; those of a residual as those of the output.

    The lines of one in `RARITY` columns of the operand are `rare`.
    """

    weights: Cache
    operand: Cache
    rare: Cache
    output: Cache


@dataclass(frozen=True)
class CallCost:
    """Cycles of a call: `first` and then `panel` for each panel, `column` for each of its columns."""

    first: float
    panel: float
    column: float

    def of_panel(self, kept: int) -> float:
        """Cycles of one more panel, of so many columns."""
        return self.panel + kept * self.column

    def cycles(self, panels: int, kept: int) -> float:
        """Cycles of a call over panels of so many columns."""
        return self.first + panels * self.of_panel(kept)


def call_cost(core: Core, kernel: Kernel, lines: Lines) -> CallCost:
    """Cost of calls of a kernel whose lines come from the given caches."""
    levels = {
        Region.WEIGHTS: lines.weights,
        Region.OFFSETS: lines.weights,
        Region.OPERAND: lines.operand,
        Region.RARE: lines.rare,
        Region.OUTPUT: lines.output,
        Region.RESIDUAL: lines.output,
    }

    def run(kept: int, panels: int) -> float:
        executed = _execute(core.lanes, core.line_bytes, kernel, kept, panels)
        return cycles(core, executed, kernel.lmul, levels)

    more = _period(core, kernel) if lines.rare == lines.operand else RARITY
    one, two = run(_WARM, 1), run(_WARM, 2)
    column = (run(_WARM + more, 1) - one) / more
    panel = two - one - _WARM * column
    return CallCost(2 * one - two, panel, column)


def _period(core: Core, kernel: Kernel) -> int:
    """Columns until weights, and offsets between scattered lines, begin a line at the same place again.

    They are an even number, since loops may run two of them at once.
    """
    floats = core.line_bytes // F32_BYTES
    columns = floats // math.gcd(floats, kernel.tile) if kernel.apart else floats
    return max(4, columns)


@lru_cache(maxsize=512)
def _execute(lanes: int, line: int, kernel: Kernel, kept: int, panels: int) -> Sequence[Executed]:
    return execute(
        Call(
            arithmetic="f32",
            tile=kernel.tile,
            lmul=kernel.lmul,
            kept=kept,
            panels=panels,
            vlen=lanes * F32_BYTES * 8,
            line=line,
            vector_lines=kernel.vector_lines,
            apart=kernel.apart,
            residual=kernel.residual,
            # Panels with gaps between rows take a little longer. That ranks no better.
            stores="whole",
        )
    )


class Rows(NamedTuple):
    """Rows that im2col copies: where their lines are, and how many a vector has of each side.

    `strided` says whether it leaves out elements between those that it copies.
    """

    strided: bool
    read: Cache
    write: Cache
    lines_read: int
    lines_written: int


# Two rows of a run: the loop of `copy_rows` in `src/im2col/rvv.c.in`, as it is compiled.
ROW_LOOP = """
1:
ld s1, 8(s0)
add s1, s1, s4
{load} v16, (s1){stride}
vse32.v v8, (s5)
ld s1, 16(s0)
addi s6, s0, 16
add s1, s1, s4
{load} v8, (s1){stride}
add s5, s5, a7
vse32.v v16, (s5)
addi s7, s7, -2
add s5, s5, a7
mv s0, s6
bltu t4, s7, 1b
"""


def row_cost(core: Core, rows: Rows) -> float:
    """Cycles of copying one row by im2col."""
    levels = {Region.OPERAND: rows.read, Region.OUTPUT: rows.write}
    short, long = (
        cycles(core, _copies(rows, trips), core.copy_lmul, levels) for trips in (_TRIPS, 2 * _TRIPS)
    )
    return (long - short) / (2 * _TRIPS)


@cache
def _row_loop(strided: bool) -> Sequence[Operation]:
    form = {"load": "vlse32.v", "stride": ", t1"} if strided else {"load": "vle32.v", "stride": ""}
    return operations(parse_code(ROW_LOOP.format(**form).split("\n")[1:-1]))


def _copies(rows: Rows, trips: int) -> Iterator[Executed]:
    """So many trips of the loop; the rows of both sides lie far apart."""
    sides = {False: (Region.OPERAND, rows.lines_read), True: (Region.OUTPUT, rows.lines_written)}
    for trip in range(trips):
        for operation in _row_loop(rows.strided):
            if operation.is_vector:
                region, count = sides[operation.is_store]
                first = (2 * trip * len(Region) + operation.place) * _FAR
                yield Executed(operation, region, range(first, first + count))
            else:
                yield Executed(operation, taken=operation.flow != Flow.NEXT)
