"""The cost prior: cycles of a convolution under a schedule, from an analytic model of the core.

It ranks candidates so that only the promising ones are run. The cost is that of packing plus, for
every block, tile and strip, one microkernel call (`pipeline`). Which cache a call finds its weights
and its strip in follows from the distance between two uses of a line: what is touched in between
either fits, or, as LRU has it, pushes the line out before it is used again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from colonnade.conv import ConvShape
from colonnade.tuning.core import F32_BYTES, LMULS, Cache, Core
from colonnade.tuning.packing import packing_work
from colonnade.tuning.pipeline import CallCost, Lines, call_cost
from colonnade.tuning.space import Candidate

# Columns that a kernel reads beyond the kept ones, and its biases.
_EXTRA_COLUMNS = 3
_INDEX_BYTES = 4
# Cycles around a kernel call, for each tile of a block, and for each piece of a row that is packed.
_CALL, _TILE, _RUN = 30, 25, 45

# Shares of the lines found in L1, in L2 and in memory.
Found = tuple[float, float, float]


@dataclass(frozen=True)
class _Sizes:
    """What a block of one schedule touches: bytes, or columns and positions where named so."""

    kept: int
    packed_rows: float
    strip: int
    block: int
    blocks: int
    tile_weights: int
    weights: int
    operand: float
    traffic: float
    row: int


class Prior:
    """Predicted cycles on a core; for a host core they have no unit and only rank."""

    def __init__(self, core: Core, threads: int = 1) -> None:
        self._core = core
        self._threads = threads
        self._calls: dict[tuple[int, int, Lines], CallCost] = {}

    def rank(
        self, conv: ConvShape, sparsity: float, candidates: Sequence[Candidate]
    ) -> list[tuple[float, Candidate]]:
        """The candidates with their predicted cycles, cheapest first; ties stay in order."""
        priced = [(self.cycles(conv, sparsity, candidate), candidate) for candidate in candidates]
        return sorted(priced, key=lambda pair: pair[0])

    def cycles(self, conv: ConvShape, sparsity: float, candidate: Candidate) -> float:
        """Predicted cycles of one convolution whose tiles keep the share 1 - sparsity of columns."""
        sizes = self._sizes(conv, sparsity, candidate)
        alone = self._packing(conv, sizes) + self._products(conv, candidate, sizes)
        # Blocks are what threads share out.
        rounds = math.ceil(sizes.blocks / self._threads)
        return alone * rounds / sizes.blocks

    def _sizes(self, conv: ConvShape, sparsity: float, candidate: Candidate) -> _Sizes:
        core, tile = self._core, candidate.tile
        tiles = math.ceil(conv.out_channels / tile)
        positions = conv.batch * conv.out_height * conv.out_width
        kept = max(1, math.ceil((1 - sparsity) * conv.reduction))
        # Rows that at least one tile keeps, if each keeps others.
        rows = conv.reduction * (1 - (1 - kept / conv.reduction) ** tiles)
        columns = kept + _EXTRA_COLUMNS
        strip = candidate.lmul * core.lanes
        block = candidate.strips * strip
        weights = columns * (conv.out_channels * F32_BYTES + tiles * _INDEX_BYTES)
        operand = rows * block * F32_BYTES
        planes = (conv.in_channels * conv.stride**2 + conv.out_channels) * block * F32_BYTES
        return _Sizes(
            kept=kept,
            packed_rows=rows,
            strip=strip,
            block=block,
            blocks=math.ceil(positions / block),
            tile_weights=columns * (tile * F32_BYTES + _INDEX_BYTES),
            weights=weights,
            operand=operand,
            traffic=weights + operand + planes,
            row=block * F32_BYTES,
        )

    def _packing(self, conv: ConvShape, sizes: _Sizes) -> float:
        core, size = self._core, LMULS.index(self._core.copy_lmul)
        work = packing_work(conv, sizes.block, core.copy_lmul * core.lanes)
        load = core.costs["vload" if conv.stride == 1 else "vload_strided"].occupancy[size]
        store = core.costs["vstore"].occupancy[size]
        cycles = sizes.packed_rows * (work.copies * (load + store) + work.zeros * store)
        taps = conv.kernel_h * conv.kernel_w
        positions = conv.batch * conv.out_height * conv.out_width
        # The planes come from memory once; from tap to tap a block's part of them stays in a cache.
        seen = min(1, conv.kernel_h / conv.stride)
        planes = conv.batch * conv.in_channels * conv.height * conv.width * seen
        cycles += self._lines(planes) * core.memory.read
        part = conv.in_channels * sizes.block * conv.stride**2 * F32_BYTES + sizes.operand / taps
        again = (1 - 1 / taps) * sizes.packed_rows * positions * conv.stride
        cycles += self._lines(again) * core.l2.read * _spilled(part, core.l1)
        # Packed rows are written over those of the last block, which may have left the caches.
        lost = max(_spilled(sizes.traffic, core.l2), 1 / sizes.blocks)
        spilled = _spilled(sizes.operand + sizes.tile_weights, core.l1)
        write = lost * core.memory.write + (1 - lost) * spilled * core.l2.write
        return cycles + self._lines(sizes.packed_rows * positions) * write + work.runs * _RUN

    def _lines(self, elements: float) -> float:
        return elements * F32_BYTES / self._core.line_bytes

    def _products(self, conv: ConvShape, candidate: Candidate, sizes: _Sizes) -> float:
        positions = conv.batch * conv.out_height * conv.out_width
        strips = math.ceil(positions / sizes.strip)
        tiles = math.ceil(conv.out_channels / candidate.tile)
        last = conv.out_channels - (tiles - 1) * candidate.tile
        # A block's first call of a tile finds its weights where the last block left them.
        lost = max(_spilled(sizes.traffic, self._core.l2), 1 / sizes.blocks)
        first_weights = (0.0, 1 - lost, lost)
        spilled = self._spilled_weights(candidate, sizes)
        weights = (1 - spilled, spilled, 0.0)
        operand = self._operand_found(candidate, sizes, tiles)
        cycles = 0.0
        for rows, count in ((candidate.tile, tiles - 1), (last, 1)):
            first = self._call(rows, candidate.lmul, sizes.kept, first_weights, operand)
            later = self._call(rows, candidate.lmul, sizes.kept, weights, operand)
            block = sizes.blocks * (first + _TILE) + (strips - sizes.blocks) * later
            cycles += count * (block + strips * _CALL)
        return cycles

    def _spilled_weights(self, candidate: Candidate, sizes: _Sizes) -> float:
        """Share of a tile's weights that a strip of the block pushes out of L1 for the next one.

        A strip's rows lie a whole block's row apart, so they crowd into some of the cache's sets.
        """
        core = self._core
        sets = core.l1.bytes // core.l1.ways // core.line_bytes
        lines = max(1, sizes.strip * F32_BYTES / core.line_bytes)
        crowded = 1.0
        if candidate.strips > 1:
            apart = max(1, sizes.row // core.line_bytes)
            crowded = min(1, lines / math.gcd(apart, sets))
        own = sizes.tile_weights / core.line_bytes / sets + candidate.tile * lines / sets
        others = sizes.kept * lines / (sets * crowded)
        elsewhere = min(1, max(0, own - core.l1.ways))
        return crowded * min(1, max(0, own + others - core.l1.ways)) + (1 - crowded) * elsewhere

    def _operand_found(self, candidate: Candidate, sizes: _Sizes, tiles: int) -> Found:
        """Where a tile finds the rows of a strip that earlier tiles used.

        Between two tiles that keep the same column lie all strips of the block, and the weights of
        the tiles between them.
        """
        share = sizes.kept / sizes.packed_rows
        between = min(tiles, 1 + 1 / share if share < 1 else 1)
        core = self._core
        beyond_l1 = _spilled(sizes.operand + between * sizes.tile_weights, core.l1)
        beyond_l2 = _spilled(sizes.operand + 4 * sizes.tile_weights, core.l2)
        beyond_l2 = min(beyond_l1, beyond_l2)
        return 1 - beyond_l1, beyond_l1 - beyond_l2, beyond_l2

    def _call(self, tile: int, lmul: int, kept: int, weights: Found, operand: Found) -> float:
        """Mean cycles of one kernel call over where it finds its weights and its strip."""
        core = self._core
        levels = (core.l1, core.l2, core.memory)
        cycles = 0.0
        for (share, level), (other, found) in product(
            zip(weights, levels, strict=True), zip(operand, levels, strict=True)
        ):
            if share * other > 0:
                lines = Lines(level.read, found.read, core.memory.write)
                key = (tile, lmul, lines)
                if key not in self._calls:
                    self._calls[key] = call_cost(core, tile, lmul, lines)
                cost = self._calls[key]
                cycles += share * other * (cost.fixed + kept * cost.column)
        return cycles


def _spilled(size: float, cache: Cache) -> float:
    """Share of the lines that are gone when a run through `size` bytes starts again.

    Under LRU a set keeps all of its lines or, with one too many, none; a contiguous run fills the
    sets one after the other.
    """
    return min(1, max(0, (size - cache.bytes) * cache.ways / cache.bytes))
