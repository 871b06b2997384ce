# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Smaller tiles of a pruned convolution, and how fast each is at its best.

The smaller the tiles, the finer columns are chosen, and the fewer multiplications a loaded vector serves.
A network with a tile for every layer chooses between both: see `colonnade.budget.plan`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from statistics import median

from colonnade.common.files import read_json, write_json
from colonnade.common.progress import track
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.config.section import fits_registers
from colonnade.models.conv_shape import ConvShape
from colonnade.pruning.plan import is_tiled
from colonnade.results.records import Profile, TileOption
from colonnade.targets.conditions import alone
from colonnade.targets.target import Target
from colonnade.tuning.bench import DENSE, Bench, Profiled
from colonnade.tuning.cache import Result
from colonnade.tuning.choice import choose, scheduled
from colonnade.tuning.core import LMULS
from colonnade.tuning.race import MOST_ROUNDS
from colonnade.tuning.rounds import Rounds
from colonnade.tuning.search import fastest, rank_each
from colonnade.tuning.space import Candidate

# What the tile that tuning chose is divided by.
_SHARES = (2, 4)
# Candidates of a tile that run, where a model ranks them.
_CANDIDATES = 2


def write_tile_options(
    target: Target,
    conv: ConvShape,
    profiled: Sequence[Profiled],
    patterns: Sequence[Pattern],
    settings: ProfileConfig,
    timed: ThroughputConfig,
    profile: Path,
    output: Path,
) -> None:
    """Run smaller tiles of a convolution, and write them with the tuned one: a list of `TileOption`.

    Args:
        target: where it runs.
        conv: the convolution.
        profiled: what it was tuned at. At a pattern that leaves it dense there are no options.
        patterns: all of the configuration; some ask for a tile of their own.
        settings: of the tuning, whose tiles are those to choose from.
        timed: how networks are timed.
        profile: what tuning wrote of this convolution.
        output: the file to write.

    Raises:
        ColonnadeError: the bench failed, or a file is damaged.
    """
    searches = read_json(profile, Profile)["searches"]
    trials = {each["kept"]: each["trials"] for each in searches}
    winners = choose(trials, conv.reduction)
    options: list[TileOption] = []
    pruned = [each for each in profiled if each != DENSE]
    for each in track(pruned, f"tiles of {conv}", len(pruned), "pattern"):
        kept = each.kept(conv)
        if (winner := winners[kept]) is None:
            continue
        tiled = (pattern for pattern in patterns if is_tiled(pattern))
        alike = [pattern for pattern in tiled if pattern.keeps(conv.reduction) == kept]
        asked = {pattern.tile_for(int(winner["tile"])) for pattern in alike}
        tiles = sorted({*_smaller(settings.tiles, int(winner["tile"])), *asked} - {winner["tile"]})
        if target.evidence == "modelled":
            found = _modelled(target, conv, each, tiles, settings, timed, output)
        else:
            found = _measured(target, conv, each, tiles, settings, timed, winner)
        options += _worthwhile(kept, {**found, int(winner["tile"]): winner}, asked)
    write_json(output, options)


def _smaller(tiles: Sequence[int], tile: int) -> set[int]:
    """Of some tiles, about a half and a quarter of one of them."""
    return {max((t for t in tiles if share * t <= tile), default=tile) for share in _SHARES}


def _modelled(
    target: Target,
    conv: ConvShape,
    profiled: Profiled,
    tiles: Sequence[int],
    settings: ProfileConfig,
    timed: ThroughputConfig,
    output: Path,
) -> dict[int, Result]:
    """The fastest of the candidates of each tile that the cost model puts first."""
    bench = Bench(target, conv, settings, timed, output.with_suffix(".timing"))
    found = {}
    for tile in tiles:
        of_tile = settings.model_copy(update={"tiles": (tile,)})
        ((ranked, *_),) = rank_each(target, conv, [profiled], of_tile, timed)
        if some := [candidate for _, candidate in ranked[:_CANDIDATES]]:
            found[tile] = fastest(bench.run(profiled, some))
    return found


def _measured(
    target: Target,
    conv: ConvShape,
    profiled: Profiled,
    tiles: Sequence[int],
    settings: ProfileConfig,
    timed: ThroughputConfig,
    winner: Result,
) -> dict[int, Result]:
    """The tuned schedule in each of the tiles, with vectors as long as the tuned one's or longer.

    Where the registers hold no such ones, with shorter ones. Blocks have as many positions as before.
    Times are the tuned one's by the ratio of the medians.
    """
    tuned = Candidate.of(winner)
    candidates = [
        replace(tuned, tile=tile, lmul=lmul, panels=math.ceil(tuned.panels * tuned.lmul / lmul))
        for tile in tiles
        for lmul in LMULS
        if fits_registers(tile, lmul)
        and (
            (lmul >= tuned.lmul and lmul in settings.lmuls) or not fits_registers(tile, tuned.lmul)
        )
    ]
    with alone():
        rounds = Rounds(target, conv, settings, timed)
        times = rounds.times(profiled, [tuned, *candidates], MOST_ROUNDS)
    pace = float(winner["ms"]) / median(times[tuned])
    reports = [
        {**vars(each), "cycles": None, "ms": pace * median(times[each])}
        for each in candidates
        if each in times
    ]
    by_tile = {tile: [each for each in reports if each["tile"] == tile] for tile in tiles}
    return {tile: fastest(some) for tile, some in by_tile.items() if some}


def _worthwhile(kept: int, found: Mapping[int, Result], asked: set[int]) -> list[TileOption]:
    """Those of which no smaller tile is as fast, and those that a pattern asks for."""
    options: list[TileOption] = []
    limit = math.inf
    for tile, report in sorted(found.items(), key=itemgetter(0)):
        ms = float(report["ms"])
        if ms < limit or tile in asked:
            entry = scheduled(report)
            options.append({**entry, "kept": kept, "ms": ms, "cycles": report["cycles"]})
        limit = min(limit, ms)
    return options
