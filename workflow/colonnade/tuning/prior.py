# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The cost prior: cycles of a convolution under a schedule, from an analytic model of the core.

It ranks candidates so that only the promising ones are run. The cost is that of packing, if there is
any, plus one kernel call (`kernels`) for every block and tile. Which cache a call finds its weights
and its panels in follows from the distance between two uses of a line: what is touched in between
either fits, or, as LRU has it, pushes the line out before it is used again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from colonnade.models.conv_shape import ConvShape
from colonnade.tuning.core import F32_BYTES, LMULS, Cache, Core, Kind
from colonnade.tuning.kernels import CallCost, Lines
from colonnade.tuning.packing import packing_work
from colonnade.tuning.pipeline import Access
from colonnade.tuning.simulations import Simulations
from colonnade.tuning.space import Candidate

# Columns that a kernel reads beyond the kept ones, and its biases.
_EXTRA_COLUMNS = 3
_INDEX_BYTES = 4
# Cycles around a kernel call, around a loop over lines, and for each tap of each piece of a row that is
# packed.
_CALL, _LOOP, _RUN = 40, 10, 60

# Shares of the lines found in L1, in L2 and in memory.
Found = tuple[float, float, float]


@dataclass(frozen=True)
class _Work:
    """One convolution under one schedule, in positions, columns and bytes."""

    conv: ConvShape
    candidate: Candidate
    kept: int
    tiles: int
    positions: int  # that are computed: with those of gaps
    panel: int
    block: int
    blocks: int
    rows: float  # that the tiles read of packed panels, or of planes
    tile_weights: int
    weights: int
    operand: float  # what all tiles read of a block
    moved: float  # a block's part of the planes that come and go


class Prior:
    """Predicted cycles on a core; for a host core they have no unit and only rank."""

    def __init__(
        self, core: Core, threads: int = 1, simulations: Simulations | None = None
    ) -> None:
        """Predict with `simulations` of this core, or with its own."""
        self._core = core
        self._threads = threads
        self._simulations = simulations or Simulations(core)

    def rank(
        self, conv: ConvShape, kept: int, candidates: Sequence[Candidate]
    ) -> list[tuple[float, Candidate]]:
        """The candidates with their predicted cycles, cheapest first; ties stay in order."""
        priced = [(self.cycles(conv, kept, candidate), candidate) for candidate in candidates]
        return sorted(priced, key=lambda pair: pair[0])

    def cycles(self, conv: ConvShape, kept: int, candidate: Candidate) -> float:
        """Predicted cycles of one convolution whose tiles keep `kept` columns each."""
        work = self._work(conv, kept, candidate)
        alone = self._touches(work) + self._products(work, self._panels_found(work))
        if candidate.algorithm == "packed":
            alone += self._packing(work)
        tasks = self._tasks(work)
        return alone * math.ceil(tasks / self._threads) / tasks

    def _tasks(self, work: _Work) -> int:
        """What threads share out: blocks, and groups of tiles where there are few blocks."""
        if self._threads == 1:
            return 1
        groups = min(work.tiles, math.ceil(2 * self._threads / work.blocks))
        return work.blocks * math.ceil(work.tiles / math.ceil(work.tiles / groups))

    def _work(self, conv: ConvShape, kept: int, candidate: Candidate) -> _Work:
        core, tile = self._core, candidate.tile
        packed = candidate.algorithm == "packed"
        tiles = math.ceil(conv.out_channels / tile)
        # Taps of one axis that see different phases of the input, and those that see the same.
        phases = min(conv.stride, conv.kernel_h)
        positions = conv.batch * conv.out_height * (conv.out_width if packed else _row(conv))
        panel = candidate.lmul * core.lanes
        block = min(candidate.panels, math.ceil(positions / panel)) * panel
        if packed:
            # Rows that at least one tile keeps, if each keeps others.
            rows = conv.reduction * (1 - (1 - kept / conv.reduction) ** tiles)
            operand = rows * block * F32_BYTES
        else:
            rows = conv.in_channels * conv.kernel_h * phases
            # Rows of the input under a block: apart, or one after the other.
            lines = conv.kernel_h * (block * F32_BYTES + core.line_bytes - F32_BYTES)
            halo = (conv.kernel_h - 1) * conv.dilation / conv.stride * _row(conv)
            operand = conv.in_channels * phases**2 * min(lines, (block + halo) * F32_BYTES)
        columns = kept + _EXTRA_COLUMNS
        return _Work(
            conv=conv,
            candidate=candidate,
            kept=kept,
            tiles=tiles,
            positions=positions,
            panel=panel,
            block=block,
            blocks=math.ceil(positions / block),
            rows=rows,
            tile_weights=columns * (tile * F32_BYTES + _INDEX_BYTES),
            weights=columns * (conv.out_channels * F32_BYTES + tiles * _INDEX_BYTES),
            operand=operand,
            moved=(conv.in_channels * phases**2 + _results(conv)) * block * F32_BYTES,
        )

    def _touches(self, work: _Work) -> float:
        """The passes that bring a block's lines, plane by plane, before they are read or written.

        A plane's first line is met at random, the others follow in a stream. Rows above the block's
        own came for the blocks before.
        """
        core, conv, line = self._core, work.conv, self._core.line_bytes
        phases = min(conv.stride, conv.kernel_h)
        # The last block may be a short one.
        own = work.positions / work.blocks * F32_BYTES / line
        if work.candidate.algorithm == "packed":
            # Whole phases of the input: these planes are not split.
            own, phases = own * conv.stride**2, 1
        halo = ((conv.kernel_h - 1) * conv.dilation / conv.stride * _row(conv)) * F32_BYTES / line
        first = core.l2 if halo >= 1 else core.memory
        plane = self._touch(first, halo * core.l2.read + own * core.memory.read)
        result = self._touch(core.memory, own * core.memory.read)
        return work.blocks * (conv.in_channels * phases**2 * plane + _results(conv) * result)

    def _touch(self, first: Cache, stream: float) -> float:
        """Cycles of touching a plane: a line from `first`, the others in `stream` cycles of the port.

        What ends the loop over its lines is not hidden behind them.
        """
        core = self._core
        others = max(0, stream - first.read)
        waiting = max(first.interval + others, (first.latency + others) / core.outstanding)
        return core.mispredict + _LOOP + waiting

    def _packing(self, work: _Work) -> float:
        core, conv = self._core, work.conv
        vector = core.copy_lmul * core.lanes
        moves = packing_work(conv, work.block, vector)
        taps = conv.kernel_h * conv.kernel_w
        size = min(vector, work.block, conv.out_width) * F32_BYTES
        load: Kind = "vload" if conv.stride == 1 else "vload_strided"
        # The block's part of the planes was touched just before.
        part = conv.in_channels * work.block * conv.stride**2 * F32_BYTES + work.operand / taps
        beyond = _spilled(part, core.l1)
        lost = self._lost(work)
        behind = (1 - lost) * _spilled(work.operand + work.tile_weights, core.l1)
        row = 0.0
        for (share, source), (other, target) in product(
            self._levels((1 - beyond, beyond, 0.0)),
            self._levels((1 - lost - behind, behind, lost)),
        ):
            read = Access(source, self._count(size * conv.stride))
            write = Access(target, self._count(size), write=True)
            row += share * other * self._simulations.row(load, read, write)
        store = core.costs["vstore"].occupancy[LMULS.index(core.copy_lmul)]
        return work.rows * (moves.copies * row + moves.zeros * store) + moves.runs * _RUN

    def _levels(self, found: Found) -> Sequence[tuple[float, Cache]]:
        levels = (self._core.l1, self._core.l2, self._core.memory)
        return [pair for pair in zip(found, levels, strict=True) if pair[0] > 0]

    def _count(self, size: float) -> int:
        """Lines of so many bytes that begin with a line."""
        return max(1, round(size / self._core.line_bytes))

    def _lost(self, work: _Work) -> float:
        """Share of what one block leaves in the caches that the next one does not find there."""
        beyond = _crowded(work.weights, work.operand + work.moved, self._core, in_turn=True)
        return max(beyond, 1 / work.blocks)

    def _products(self, work: _Work, operand: Found) -> float:
        """All kernel calls; `operand` says where they find their panels."""
        tile, lmul, lanes = work.candidate.tile, work.candidate.lmul, self._core.lanes
        panels, rest = divmod(work.positions, work.panel)
        # What is left over is a call of its own, with the smallest LMUL that holds it.
        short = min((each for each in LMULS if each * lanes >= rest), default=lmul)
        lmul = lmul if panels else short
        last = work.conv.out_channels - (work.tiles - 1) * tile
        # A block's first panel finds its tile's weights where the last block left them.
        lost, spilled = self._lost(work), self._spilled_weights(work)
        weights = ((0.0, 1 - lost, lost), (1 - spilled, spilled, 0.0))
        # Behind the touches of a tile's results the block's panels are looked through, one by one: the
        # first of them waits for a line that was touched to come.
        wait = self._core.memory.latency / self._core.outstanding
        wait += work.block / work.panel * self._core.l2.latency
        cycles = 0.0
        for rows, tiles in ((tile, work.tiles - 1), (last, 1)):
            first, later = (self._call(work, rows, lmul, where, operand) for where in weights)
            begin = _CALL + wait + first.first + first.panel + work.kept * first.column
            others = later.panel + work.kept * later.column
            cycles += tiles * (work.blocks * begin + max(0, panels - work.blocks) * others)
            if rest and panels:
                end = self._call(work, rows, short, weights[1], operand)
                cycles += tiles * (_CALL + end.first + end.panel + work.kept * end.column)
        return cycles

    def _spilled_weights(self, work: _Work) -> float:
        """Share of a tile's weights that a panel of the block pushes out of L1 for the next one.

        Packed rows lie a whole block's row apart, so a panel's crowd into some of the cache's sets.
        """
        core, candidate = self._core, work.candidate
        sets = core.l1.bytes // core.l1.ways // core.line_bytes
        lines = max(1, work.panel * F32_BYTES / core.line_bytes)
        crowded = 1.0
        if candidate.panels > 1 and candidate.algorithm == "packed":
            apart = max(1, work.block * F32_BYTES // core.line_bytes)
            crowded = min(1, lines / math.gcd(apart, sets))
        own = work.tile_weights / core.line_bytes / sets + candidate.tile * lines / sets
        read = min(work.kept, work.rows)
        others = read * lines / (sets * crowded)
        elsewhere = min(1, max(0, own - core.l1.ways))
        return crowded * min(1, max(0, own + others - core.l1.ways)) + (1 - crowded) * elsewhere

    def _panels_found(self, work: _Work) -> Found:
        """Where a tile finds a panel, on average over the blocks: the last one may be short."""
        find = self._packed_found if work.candidate.algorithm == "packed" else self._direct_found
        rest = work.positions - (work.blocks - 1) * work.block
        short = replace(work.candidate, panels=math.ceil(rest / work.panel))
        last = find(self._work(work.conv, work.kept, short))
        share = rest / work.positions
        l1, l2, memory = (
            (1 - share) * of_full + share * of_last
            for of_full, of_last in zip(find(work), last, strict=True)
        )
        return l1, l2, memory

    def _packed_found(self, work: _Work) -> Found:
        """Where a tile finds the rows of a panel that packing or earlier tiles touched.

        Between two tiles that keep the same column lie all panels of the block, and the weights of
        the tiles between them.
        """
        share = min(1, work.kept / work.rows)
        between = min(work.tiles, 1 / share)
        return self._found(work, work.operand + between * work.tile_weights, 0.0)

    def _direct_found(self, work: _Work) -> Found:
        """Where a tile finds the elements of a panel that earlier tiles, or the first pass, touched.

        The columns of an input channel follow each other: the first of those that share a line brings
        it, and the others find it. Of the panels that need it only the first one meets it in memory.
        """
        conv = work.conv
        share, taps = work.kept / conv.reduction, conv.kernel_h * conv.kernel_w
        sharing, needed = self._needed(work)
        distinct = needed / (share * sharing)
        # Taps of other rows read the same lines, for other panels of the block.
        used = 1 - (1 - share) ** (taps / min(conv.stride, conv.kernel_h) ** 2)
        between = min(work.tiles, 1 / used) * work.tile_weights
        l1, _, beyond = self._found(work, between, work.operand)
        memory = distinct * beyond / max(1, needed * self._overlap(work))
        return 1 - distinct * (1 - l1), distinct * (1 - l1) - memory, memory

    def _needed(self, work: _Work) -> tuple[float, float]:
        """How many taps share a line of a panel, and the share of these lines that a tile needs."""
        conv = work.conv
        lines = self._channel_lines(work)
        sharing = conv.kernel_h * conv.kernel_w * self._touched(work) / lines
        return sharing, 1 - (1 - work.kept / conv.reduction) ** sharing

    def _overlap(self, work: _Work) -> float:
        """How many panels of a block need the same line, for different rows of the kernel."""
        panels = work.block / work.panel * work.conv.in_channels
        return panels * self._channel_lines(work) * self._core.line_bytes / work.operand

    def _sources(self, work: _Work, operand: Found) -> Sequence[tuple[float, Cache]]:
        """The levels that a panel's lines come from, each with its share.

        Where panels overlap, the lines that are new to one follow those that it shares with the panel
        before, if a tile needs these: the prefetcher is on their track. If all columns are kept, they
        and the lines from L2 take turns, and none is waited for at once: what counts is the mean of both.
        """
        core = self._core
        taps = work.conv.kernel_h * work.conv.kernel_w
        if work.candidate.algorithm == "packed" or taps == 1 or self._overlap(work) <= 1:
            return self._levels(operand)
        follows = replace(core.memory, latency=core.memory.read, interval=core.memory.read)
        l1, l2, memory = operand
        if work.kept < work.conv.reduction or l2 + memory == 0:
            _, needed = self._needed(work)
            scattered = (1 - needed) * memory
            beyond = [(l2, core.l2), (needed * memory, follows), (scattered, core.memory)]
        else:
            # In tenths, so that not every schedule is simulated on its own.
            mean = _between(core.l2, follows, round(10 * memory / (l2 + memory)) / 10)
            beyond = [(l2 + memory, mean)]
        return [(share, each) for share, each in [(l1, core.l1), *beyond] if share > 0]

    def _channel_lines(self, work: _Work) -> float:
        """Lines of a panel under all taps of one channel: rows apart, or one after the other."""
        conv, line = work.conv, self._core.line_bytes / F32_BYTES
        phases = min(conv.stride, conv.kernel_h)
        beyond = (conv.kernel_w - 1) * conv.dilation / conv.stride
        rows = (conv.kernel_h - 1) * conv.dilation / conv.stride
        apart = conv.kernel_h / phases * (work.panel + beyond + line - 1)
        together = work.panel + beyond + rows * _row(conv) + line - 1
        lines = phases**2 * min(apart, together) / line
        # No more than all columns touch, and no fewer than one of them does.
        taps = conv.kernel_h * conv.kernel_w
        return max(self._touched(work), min(taps * self._touched(work), lines))

    def _found(self, work: _Work, even: float, scattered: float) -> Found:
        """Where lines are found again after so many bytes in between: see `_crowded` for the two kinds.

        Tiles that keep all columns run through them in turn, and what does not fit is gone; those that
        keep a part touch lines at random, of which the caches hold as many as fit.
        """
        core, touched = self._core, even + scattered
        if work.kept == work.conv.reduction:
            beyond_l1, beyond_l2 = (_spilled(touched, cache) for cache in (core.l1, core.l2))
        else:
            beyond_l1 = max(0, 1 - core.l1.bytes / touched)
            beyond_l2 = _crowded(even, scattered, core, in_turn=False)
        beyond_l2 = min(beyond_l1, beyond_l2)
        return 1 - beyond_l1, beyond_l1 - beyond_l2, beyond_l2

    def _call(self, work: _Work, rows: int, lmul: int, weights: Found, operand: Found) -> CallCost:
        """Mean cost of kernel calls for `rows` rows over where their lines are found."""
        core, touched, followed = self._core, self._touched(work), self._followed(work)

        def lines(weights: Cache, operand: Cache, results: Cache) -> Lines:
            residual = results if work.conv.residual else None
            return Lines(weights, operand, results, residual, touched, followed)

        first = panel = column = 0.0
        sources = self._sources(work, operand)
        for (one, held), (two, read) in product(self._levels(weights), sources):
            cost = self._simulations.call(rows, lmul, lines(held, read, core.l1))
            first += one * two * cost.first
            panel += one * two * cost.panel
            column += one * two * cost.column
        # Where the tile's results were touched, they are found again if the block leaves them in L1.
        results = rows * work.block * F32_BYTES * (2 if work.conv.residual else 1)
        beyond = _spilled(results + work.tile_weights, core.l1)
        stores = [
            self._simulations.call(rows, lmul, lines(core.l1, core.l1, level)).panel
            for level in (core.l1, core.l2)
        ]
        return CallCost(first, panel + beyond * (stores[1] - stores[0]), column)

    def _touched(self, work: _Work) -> int:
        """Lines of a panel vector: in packed and gapless rows it begins with one, else anywhere."""
        line, size = self._core.line_bytes, work.panel * F32_BYTES
        if work.candidate.algorithm == "packed" or _is_pointwise(work.conv):
            return self._count(size)
        return self._count(size + line - F32_BYTES)

    def _followed(self, work: _Work) -> int:
        """Lines from one packed row that a tile keeps to the next, if the prefetcher follows; or 0."""
        apart = math.ceil(work.block * F32_BYTES / self._core.line_bytes * work.rows / work.kept)
        packed = work.candidate.algorithm == "packed"
        return apart if packed and apart <= self._core.reach else 0


def _is_pointwise(conv: ConvShape) -> bool:
    return conv.kernel_h == conv.kernel_w == conv.stride == 1 and conv.padding == 0


def _results(conv: ConvShape) -> int:
    """Planes that results are stored to, and those that are added to them."""
    return conv.out_channels * (2 if conv.residual else 1)


def _row(conv: ConvShape) -> int:
    """Positions of a row of planes that can be read without packing: with the gap behind it."""
    if _is_pointwise(conv):
        return conv.width
    gap = math.ceil(conv.padding / conv.stride) if conv.kernel_w > 1 else 0
    return math.ceil(conv.width / conv.stride) + gap


def _between(near: Cache, far: Cache, share: float) -> Cache:
    """A level whose lines come from `far` in the given share, and else from `near`."""

    def mean(one: float, other: float) -> float:
        return one + share * (other - one)

    return replace(
        far,
        read=mean(near.read, far.read),
        write=mean(near.write, far.write),
        latency=mean(near.latency, far.latency),
        interval=mean(near.interval, far.interval),
    )


def _crowded(even: float, scattered: float, core: Core, *, in_turn: bool) -> float:
    """Share of the lines in L2 that are gone when they are needed again, of two kinds of data.

    `even` bytes fill the sets one after the other; `scattered` ones, a few lines of each of many planes,
    meet in some sets more than in others, as by chance: a Poisson distribution. A set that has too many
    keeps none of those that are needed in turn, and of others as many as it has ways.
    """
    cache, line = core.l2, core.line_bytes
    sets = cache.bytes // cache.ways // line
    always, mean = even / line / sets, scattered / line / sets
    kept, chance, fitting = 0.0, math.exp(-mean), 0.0
    for lines in range(cache.ways + 1):
        if always + lines <= cache.ways:
            kept += chance * (always + lines)
            fitting += chance
        chance *= mean / (lines + 1)
    if not in_turn:
        kept += (1 - fitting) * cache.ways
    return 1 - kept / (always + mean)


def _spilled(size: float, cache: Cache) -> float:
    """Share of the lines that are gone when a run through `size` bytes starts again.

    Under LRU a set keeps all of its lines or, with one too many, none; a contiguous run fills the
    sets one after the other.
    """
    return min(1, max(0, (size - cache.bytes) * cache.ways / cache.bytes))
