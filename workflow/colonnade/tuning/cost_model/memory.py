# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where kernel calls find their weights and their panels: in L1, in L2 or in memory.

That follows from the distance between two uses of a line: what is touched in between either fits, or,
as LRU has it, pushes the line out before it is used again.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from colonnade.common.datatypes import F32_BYTES
from colonnade.tuning.core import Cache, Core
from colonnade.tuning.cost_model.execution import RARITY
from colonnade.tuning.cost_model.work import Work


class Found(NamedTuple):
    """Shares of the lines found in L1, in L2 and in memory."""

    l1: float
    l2: float
    memory: float

    def levels(self, core: Core) -> Sequence[tuple[float, Cache]]:
        """The levels where anything is found, each with its share."""
        pairs = zip(self, (core.l1, core.l2, core.memory), strict=True)
        return [pair for pair in pairs if pair[0] > 0]


def lost(work: Work) -> float:
    """Share of what one block leaves in the caches that the next one does not find there."""
    beyond = _crowded(
        work.weights, work.operand + work.moved, work.core.l2, work.core, in_turn=True
    )
    return max(beyond, 1 / work.blocks)


def weights_found(work: Work) -> Found:
    """Where a panel of a block finds the weights that its tile's panel before it used."""
    spilled = _spilled_weights(work)
    # Of the two panels' lines those of the second one come while its weights are still to be used.
    between = min(work.operand, 2 * work.panel_bytes)
    gone = min(spilled, share_spilled(work.tile_weights + between, work.core.l2))
    return Found(1 - spilled, spilled - gone, gone)


def _spilled_weights(work: Work) -> float:
    """Share of a tile's weights that a panel of the block pushes out of L1 for the next one.

    Packed rows lie a whole block's row apart, so a panel's crowd into some of the cache's sets.
    """
    core, candidate = work.core, work.candidate
    if not work.is_packed:
        written = candidate.tile * work.panel * F32_BYTES
        return _crowded(work.tile_weights, work.panel_bytes + written, core.l1, core, in_turn=True)
    sets = core.l1.bytes // core.l1.ways // core.line_bytes
    lines = max(1, work.panel * F32_BYTES / core.line_bytes)
    crowded = 1.0
    if candidate.panels > 1 and work.is_packed:
        apart = max(1, work.block * F32_BYTES // core.line_bytes)
        crowded = min(1, lines / math.gcd(apart, sets))
    own = work.tile_weights / core.line_bytes / sets + candidate.tile * lines / sets
    read = min(work.kept, work.rows)
    others = read * lines / (sets * crowded)
    elsewhere = min(1, max(0, own - core.l1.ways))
    return crowded * min(1, max(0, own + others - core.l1.ways)) + (1 - crowded) * elsewhere


def results_found(work: Work, rows: int) -> Found:
    """Where the results of a tile of so many rows go: they were prefetched, and stay if L1 holds them."""
    written = rows * work.block * F32_BYTES * (2 if work.conv.residual else 1)
    beyond = share_spilled(written + work.tile_weights, work.core.l1)
    return Found(1 - beyond, beyond, 0)


def panels_found(work: Work) -> Found:
    """Where a tile finds a panel, on average over the blocks: the last one may be short."""
    find = _packed_found if work.is_packed else _direct_found
    share = 1 - (work.blocks - 1) * work.block / work.positions
    pairs = zip(find(work), find(work.last_block()), strict=True)
    return Found(*((1 - share) * of_full + share * of_last for of_full, of_last in pairs))


def _packed_found(work: Work) -> Found:
    """Where a tile finds the rows of a panel that packing or earlier tiles used.

    Between two tiles that keep the same column lie all panels of the block, and weights.
    """
    share = min(1, work.kept / work.rows)
    return _found(work, work.operand + _weights_between(work, share), 0.0)


def _direct_found(work: Work) -> Found:
    """Where a tile finds the elements of a panel that earlier tiles, or the prefetches, used.

    The columns of an input channel follow each other: the first of those that share a line brings it,
    and the others find it. Of the panels that need it only the first one meets it in memory.
    """
    share = work.kept / work.conv.reduction
    distinct = work.needed / (share * work.sharing)
    # Taps of other rows read the same lines, for other panels of the block.
    used = 1 - (1 - share) ** (work.taps / work.conv.split_planes)
    l1, _, beyond = _found(work, _weights_between(work, used), work.operand)
    l1 += (1 - l1) * _found_by_next_panel(work)
    memory = distinct * beyond / max(1, work.needed * work.overlap)
    return Found(1 - distinct * (1 - l1), distinct * (1 - l1) - memory, memory)


def _found_by_next_panel(work: Work) -> float:
    """Share of the lines that a tile needs of a panel which its panel before brought into L1."""
    if work.vector_lines > work.core.confirm:
        # The prefetcher takes each vector for a stream, and brings lines that push these out.
        return 0.0
    fresh = work.panel * F32_BYTES / work.core.line_bytes * work.conv.split_planes
    shared = max(0, 1 - fresh / work.channel_lines) * work.needed
    # The prefetcher brings lines beside those that are needed.
    brought = work.conv.in_channels * work.channel_lines * work.core.line_bytes
    gone = _crowded(work.tile_weights, brought, work.core.l1, work.core, in_turn=True)
    return shared * (1 - gone) * (1 - work.panel / work.block)


def _weights_between(work: Work, share: float) -> float:
    """Bytes of weights between two uses of a panel's line, which a `share` of the tiles need.

    Every panel runs through all weights of its tile: in between are what was left of those of the tile
    before, all of the tiles that do not need the line, and those that the panels before this one ran
    through for the next that does.
    """
    panels = work.block / work.panel
    return (min(work.tiles, 1 / share) + 1 - 1 / panels) * work.tile_weights


def _found(work: Work, even: float, scattered: float) -> Found:
    """Where lines are found again after so many bytes in between: see `_crowded` for the two kinds.

    Tiles that keep all columns run through them in turn, and what does not fit is gone; those that keep
    a part touch lines at random, of which the caches hold as many as fit.
    """
    core, touched = work.core, even + scattered
    if work.is_dense:
        beyond_l1, beyond_l2 = (share_spilled(touched, cache) for cache in (core.l1, core.l2))
    else:
        beyond_l1 = max(0, 1 - core.l1.bytes / touched)
        beyond_l2 = _crowded(even, scattered, core.l2, core, in_turn=False)
    beyond_l2 = min(beyond_l1, beyond_l2)
    return Found(1 - beyond_l1, beyond_l1 - beyond_l2, beyond_l2)


class Source(NamedTuple):
    """A share of a panel's columns, and where their lines come from: the `rare` ones, and all others."""

    share: float
    usual: Cache
    rare: Cache


def sources(work: Work, found: Found) -> Sequence[Source]:
    """Where the lines of panels come from that are found in the given shares.

    Where panels overlap, the lines that are new to one follow those that it shares with the panel
    before, if a tile needs these: the prefetcher is on their track. If all columns are kept, they and
    the lines from L2 take turns, and none is waited for at once: what counts is the mean of both.
    """
    core, beyond = work.core, found.l2 + found.memory
    parts = [Source(found.l1, core.l1, core.l1)]
    if beyond == 0 or work.is_packed or work.taps == 1 or work.overlap <= 1:
        parts += _mixed(found.l2, found.memory, core)
    else:
        follows = replace(core.memory, latency=core.memory.read, interval=core.memory.read)
        if work.is_dense:
            # In tenths, so that not every schedule is simulated on its own.
            mean = _between(core.l2, follows, round(10 * found.memory / beyond) / 10)
            parts.append(Source(beyond, mean, mean))
        else:
            parts.append(Source(work.needed * found.memory, follows, follows))
            parts += _mixed(found.l2, (1 - work.needed) * found.memory, core)
    return [part for part in parts if part.share > 0]


def _mixed(l2: float, memory: float, core: Core) -> Sequence[Source]:
    """Shares of lines from L2 and memory, as those of calls where all lines but rare ones are alike.

    A line from memory among others from L2 is waited for alone; many of them come side by side.
    """
    beyond = l2 + memory
    if beyond == 0:
        return []
    share = memory / beyond
    some = min(1, share * RARITY)
    all_ = max(0, (share * RARITY - 1) / (RARITY - 1))
    return [
        Source(beyond * (1 - some), core.l2, core.l2),
        Source(beyond * (some - all_), core.l2, core.memory),
        Source(beyond * all_, core.memory, core.memory),
    ]


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


def _crowded(even: float, scattered: float, cache: Cache, core: Core, *, in_turn: bool) -> float:
    """Share of the lines in a cache that are gone when they are needed again, of two kinds of data.

    `even` bytes fill the sets one after the other; `scattered` ones, a few lines of each of many planes,
    meet in some sets more than in others, as by chance: a Poisson distribution. A set that has too many
    keeps none of those that are needed in turn, and of others as many as it has ways.
    """
    line = core.line_bytes
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


def share_spilled(size: float, cache: Cache) -> float:
    """Share of the lines that are gone when a run through `size` bytes starts again.

    Under LRU a set keeps all of its lines or, with one too many, none; a contiguous run fills the
    sets one after the other.
    """
    return min(1, max(0, (size - cache.bytes) * cache.ways / cache.bytes))
