# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tune one convolution where time is measured: no model ranks candidates, races between them do.

A search has four of them (see `colonnade.tuning.race`). The first is between kernels: an algorithm, a
tile and an LMUL each, with a middling number of panels; it is over when a quarter of them is left. These
run with every number of panels in the second. The third tries the fastest with its columns in KC splits,
as long as that makes it faster. The last one is between candidates of each algorithm that has not won, so
that networks of one algorithm can be compared; of Winograd's there are none. Then the winners of all
patterns run side by side, once more: of two patterns, that says which is faster.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from colonnade.common.files import write_json
from colonnade.common.progress import track
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.targets.conditions import Watch, alone
from colonnade.targets.target import Target
from colonnade.tuning.bench import DENSE, Profiled
from colonnade.tuning.cache import Result
from colonnade.tuning.core import Machine, machine_of
from colonnade.tuning.race import MOST_ROUNDS, Deadline, Measure, Outcome, race, screen
from colonnade.tuning.rounds import Rounds
from colonnade.tuning.space import WINOGRAD, XNNPACK, Candidate, search_space, winograd_space

# Of the kernels, as many go on to the second race: a quarter, but not fewer.
_KERNELS = 4
_FEWEST_KERNELS = 6


@dataclass
class Standing:
    """How candidates of one search stand: ratios of their times to the fastest one's.

    `tied` are those that the races could not tell from it, and itself.
    """

    relative: dict[Candidate, float] = field(default_factory=dict)
    tied: list[Candidate] = field(default_factory=list)

    @property
    def fastest(self) -> Candidate:
        """The winner of the last race for the first place."""
        return self.tied[0]

    def enter(self, outcome: Outcome[Candidate]) -> None:
        """Take a race that the fastest so far has run in, or the first one."""
        if self.relative:
            # Unless it could not run this time.
            before = outcome.relative.get(self.fastest, 1.0)
            self.relative = {each: ratio * before for each, ratio in self.relative.items()}
        self.relative |= outcome.relative
        self.tied = outcome.tied

    def enter_behind(self, outcome: Outcome[Candidate], ratio: float) -> None:
        """Take a race among others, whose winner's time has that ratio to the fastest one's."""
        for each, relative in outcome.relative.items():
            self.relative.setdefault(each, max(1.0, relative * ratio))


def profile_measured(
    target: Target,
    conv: ConvShape,
    profiled: Sequence[Profiled],
    settings: ProfileConfig,
    timed: ThroughputConfig,
    seconds: float,
    output: Path,
) -> None:
    """Tune one convolution at every pattern and write what was run to `output`.

    The file is that of `colonnade.tuning.search.profile_conv`. The times of one search are the fastest
    one's time and ratios to it. Each search has `tied`, too: the candidates of its `trials` that could
    not be told from the fastest.

    Args:
        seconds: how long each search takes, at most but for races that have begun.

    Raises:
        ColonnadeError: no candidate of a search can run.
    """
    rounds = Rounds(target, conv, settings, timed)
    machine = machine_of(target)
    spaces = [space_of(conv, each, settings, machine) for each in profiled]
    standings = []
    with alone():
        watch = Watch()
        pairs = list(zip(profiled, spaces, strict=True))
        for each, candidates in track(pairs, f"profile {conv}", len(pairs), "search"):
            run, deadline = partial(rounds.times, each), Deadline(seconds)
            standings.append(search(candidates, run, settings, deadline, same_tile=each != DENSE))
            watch.look()
        winners = list(dict.fromkeys(each.fastest for each in standings))
        reports = rounds.together(profiled, [*winners, XNNPACK], MOST_ROUNDS)
        # Of a board this machine knows nothing.
        told = target.config.board is None
        conditions = {"conditions": watch.conditions().columns()} if told else {}
    searches = [
        _found(conv, each, standing, len(space), reports[standing.fastest, each.kept(conv)])
        for each, standing, space in zip(profiled, standings, spaces, strict=True)
    ]
    reference = reports[XNNPACK, conv.reduction]
    whole = {"conv": str(conv), "reference": reference, "searches": searches}
    write_json(output, {**whole, **conditions})


def space_of(
    conv: ConvShape, profiled: Profiled, settings: ProfileConfig, machine: Machine
) -> list[Candidate]:
    """The candidates that race for a convolution at a pattern."""
    space = search_space(conv, settings, machine)
    return space + winograd_space(conv, settings, machine) if profiled == DENSE else space


def _found(
    conv: ConvShape, profiled: Profiled, standing: Standing, space: int, winner: Result
) -> dict[str, Any]:
    """A search as the profile has it; the fastest first."""
    of_all = {key: winner[key] for key in ("conv", "cycles", "mac_per_cycle")}
    trials = [
        {**vars(each), **of_all, "ms": ratio * float(winner["ms"])}
        for each, ratio in sorted(standing.relative.items(), key=lambda pair: pair[1])
        if each != standing.fastest
    ]
    best = {**vars(standing.fastest), **of_all, "ms": winner["ms"]}
    return {
        "kept": profiled.kept(conv),
        **profiled.columns(),
        "space": space,
        "trials": [best, *trials],
        "tied": [str(each) for each in standing.tied],
    }


def search(
    candidates: Sequence[Candidate],
    run: Measure[Candidate],
    settings: ProfileConfig,
    deadline: Deadline,
    *,
    same_tile: bool,
) -> Standing:
    """Run the four races.

    Args:
        candidates: all of one KC split. run: runs some of them. settings: how many KC splits are tried,
        at most. deadline: when no more rounds begin. same_tile: whether other algorithms are to run the
        same network, which has the fastest one's tile.
    """
    standing = Standing()
    kernels = middling(candidates)
    few = max(_FEWEST_KERNELS, math.ceil(len(kernels) / _KERNELS))
    standing.enter(screen(kernels, run, few, deadline))
    known = {_kernel(each) for each in standing.tied}
    if not deadline.passed:
        standing.enter(race([each for each in candidates if _kernel(each) in known], run, deadline))
    _split_columns(standing, candidates, run, settings, deadline)
    _run_others(standing, candidates, run, deadline, same_tile=same_tile)
    return standing


def _kernel(candidate: Candidate) -> tuple[str, int, int]:
    return candidate.algorithm, candidate.tile, candidate.lmul


def middling(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Of candidates that differ in their panels alone, the one in the middle."""
    ordered = sorted(candidates, key=lambda each: (*_kernel(each), each.panels))
    groups = [list(group) for _, group in groupby(ordered, _kernel)]
    return [group[len(group) // 2] for group in groups]


def _split_columns(
    standing: Standing,
    candidates: Sequence[Candidate],
    run: Measure[Candidate],
    settings: ProfileConfig,
    deadline: Deadline,
) -> None:
    """Race the fastest against itself in two and four times as many KC splits, while one of these wins.

    With fewer columns at a time more panels of a block stay in cache, so twice as many are tried, too.
    Winograd's algorithm has no KC splits.
    """
    while not deadline.passed and standing.fastest.algorithm not in WINOGRAD:
        best = standing.fastest
        tried = [
            replace(best, panels=panels, kc_splits=splits)
            for splits in (2 * best.kc_splits, 4 * best.kc_splits)
            if splits <= settings.kc_splits
            for panels in (best.panels, 2 * best.panels)
            if replace(best, panels=panels, kc_splits=1) in candidates
        ]
        tied = standing.tied
        if tried:
            standing.enter(race([best, *tried], run, deadline))
        if standing.fastest == best:
            # Those that were tied with it before still are.
            standing.tied = list(dict.fromkeys([*standing.tied, *tied]))
            return


def _run_others(
    standing: Standing,
    candidates: Sequence[Candidate],
    run: Measure[Candidate],
    deadline: Deadline,
    *,
    same_tile: bool,
) -> None:
    """Race the candidates of each other algorithm, and then its best against the fastest."""
    best = standing.fastest
    algorithms = {each.algorithm for each in candidates} - {best.algorithm, *WINOGRAD}
    for algorithm in sorted(algorithms):
        others = [
            each
            for each in candidates
            if each.algorithm == algorithm and (not same_tile or each.tile == best.tile)
        ]
        if not others:
            continue
        if not same_tile:
            known = [each for each in others if each in standing.relative]
            ahead = min(known, key=lambda each: standing.relative[each], default=others[0])
            others = [each for each in others if _kernel(each) == _kernel(ahead)]
        outcome = race(others, run, deadline)
        both = race([best, outcome.winner], run, deadline).relative
        # Unless one of them could not run this time: then nothing compares the others with the fastest.
        if best in both and outcome.winner in both:
            standing.enter_behind(outcome, both[outcome.winner] / both[best])
