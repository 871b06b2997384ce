# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The cost model: cycles of a convolution under a schedule, from kernels, core and caches.

It ranks candidates so that only the promising ones are run. The cost is that of packing, if there is
any, plus one kernel call (`calls`) for every block and tile, whose lines come from where `memory` says.
"""

import math
from collections.abc import Sequence
from itertools import product

from colonnade.common.datatypes import F32_BYTES
from colonnade.models.conv_shape import ConvShape
from colonnade.tuning.core import LMULS, Cache, Core
from colonnade.tuning.cost_model.calls import CallCost, Rows
from colonnade.tuning.cost_model.memory import (
    Found,
    lost,
    panels_found,
    results_found,
    share_spilled,
    sources,
    weights_found,
)
from colonnade.tuning.cost_model.products import CALL, mean_call, short_lmul
from colonnade.tuning.cost_model.simulations import Simulations
from colonnade.tuning.cost_model.winograd import Winograd
from colonnade.tuning.cost_model.work import Work, halo, lines, plan, results
from colonnade.tuning.packing import packing_work
from colonnade.tuning.space import WINOGRAD, Candidate

# Cycles around a loop over lines, and for each tap of each piece of a row that is packed.
_LOOP, _RUN = 10, 60


class CostModel:
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
        if candidate.algorithm in WINOGRAD:
            winograd = Winograd(self._core, self._simulations, conv, candidate)
            return winograd.cycles() * _share(winograd.work, self._threads)
        work = plan(self._core, conv, kept, candidate)
        alone = self._reading(work) + sum(
            self._writing(part) + self._products(part, lost(work)) for part in work.parts()
        )
        if work.is_packed:
            alone += self._packing(work)
        return alone * _share(work, self._threads)

    def _reading(self, work: Work) -> float:
        """The pass that brings a block's part of the input, plane by plane, before it is read.

        A plane's first line is met at random, the others follow in a stream. Rows above the block's
        own came for the blocks before.
        """
        core, conv, line = self._core, work.conv, self._core.line_bytes
        planes = conv.split_planes
        own = self._own_lines(work)
        if work.is_packed:
            # Whole planes of the input.
            own, planes = own * math.prod(conv.stride), 1
        above = halo(conv) * F32_BYTES / line
        first = core.l2 if above >= 1 else core.memory
        plane = self._prefetch(first, above * core.l2.read + own * core.memory.read)
        return work.blocks * conv.in_channels * planes * plane

    def _writing(self, work: Work) -> float:
        """The passes that bring, in the same way, where a block's results go before they are written."""
        result = self._prefetch(self._core.memory, self._own_lines(work) * self._core.memory.read)
        return work.blocks * results(work.conv) * result

    def _own_lines(self, work: Work) -> float:
        """Lines of a block in a plane, on average: the last block may be a short one."""
        return work.positions / work.blocks * F32_BYTES / self._core.line_bytes

    def _prefetch(self, first: Cache, stream: float) -> float:
        """Cycles of prefetching a plane: a line from `first`, the others in `stream` cycles of the port.

        What ends the loop over its lines is not hidden behind them.
        """
        core = self._core
        others = max(0, stream - first.read)
        waiting = max(first.interval + others, (first.latency + others) / core.outstanding)
        return core.mispredict + _LOOP + waiting

    def _packing(self, work: Work) -> float:
        """Copying the block's rows, zeros of the padding, and what each piece of a row takes."""
        core, conv = self._core, work.conv
        vector = core.copy_lmul * core.lanes
        moves = packing_work(conv, work.block, vector)
        size = min(vector, work.block, conv.out_width) * F32_BYTES
        # The block's part of the planes was prefetched just before.
        part = (
            conv.in_channels * work.block * math.prod(conv.stride) * F32_BYTES
            + work.operand / work.taps
        )
        beyond = share_spilled(part, core.l1)
        gone = lost(work)
        behind = (1 - gone) * share_spilled(work.operand + work.tile_weights, core.l1)
        copy = 0.0
        for (share, source), (other, target) in product(
            Found(1 - beyond, beyond, 0).levels(core),
            Found(1 - gone - behind, behind, gone).levels(core),
        ):
            lines_read, lines_written = lines(size * conv.stride[1], core), lines(size, core)
            rows = Rows(conv.stride[1] > 1, source, target, lines_read, lines_written)
            copy += share * other * self._simulations.row(rows)
        zeros = core.costs["vstore"].occupancy[LMULS.index(core.copy_lmul)]
        return work.rows * (moves.copies * copy + moves.zeros * zeros) + moves.runs * _RUN

    def _products(self, work: Work, gone: float) -> float:
        """All kernel calls of a KC split.

        A share `gone` of what a block leaves in the caches is not found there by the next one.
        """
        core = self._core
        panels, rest = divmod(work.positions, work.panel)
        # What is left over is a call of its own, with the smallest LMUL that holds it.
        short = short_lmul(work, rest)
        lmul = work.candidate.lmul if panels else short
        # A block's first panel finds its tile's weights where the last block left them.
        first_weights, later_weights = Found(0, 1 - gone, gone), weights_found(work)
        operand = sources(work, panels_found(work))
        # Behind the prefetches of a tile's results the block's panels are looked through, one by one: the
        # first of them waits for a line that was prefetched to come.
        wait = core.memory.latency / core.outstanding
        wait += work.block / work.panel * core.l2.latency

        def call(rows: int, lmul: int, weights: Found) -> CallCost:
            written = results_found(work, rows)
            return mean_call(self._simulations, work, rows, lmul, weights, operand, written)

        cycles = 0.0
        tile = work.candidate.tile
        last = work.conv.out_channels - (work.tiles - 1) * tile
        for rows, tiles in ((tile, work.tiles - 1), (last, 1)):
            if tiles == 0:
                continue
            first = call(rows, lmul, first_weights)
            cycles += tiles * work.blocks * (CALL + wait + first.cycles(1, work.kept))
            if panels > work.blocks:
                later = call(rows, lmul, later_weights)
                cycles += tiles * (panels - work.blocks) * later.of_panel(work.kept)
            if rest and panels:
                end = call(rows, short, later_weights)
                cycles += tiles * (CALL + end.cycles(1, work.kept))
        return cycles


def _share(work: Work, threads: int) -> float:
    """Of all tiles over all panels, what the busiest thread computes: see `divide_work` of the operator.

    Blocks of panels, not larger than the candidate's, and groups of tiles are divided so that it ends
    first: a task takes as long as one more tile, and one more panel, than it has.
    """
    panels, least = math.ceil(work.positions / work.panel), work.blocks
    if threads == 1:
        return 1
    ways = [
        (math.ceil(panels / blocks), math.ceil(work.tiles / groups))
        for blocks in range(least, least + threads)
        for groups in range(1, min(2 * threads, work.tiles) + 1)
    ]

    def turns(block: int, group: int) -> int:
        return math.ceil(math.ceil(panels / block) * math.ceil(work.tiles / group) / threads)

    block, group = min(ways, key=lambda way: turns(*way) * (way[0] + 1) * (way[1] + 1))
    return min(1.0, turns(block, group) * block * group / (panels * work.tiles))
