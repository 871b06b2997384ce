# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tune one convolution: run its candidates in the order of the cost model until no other can win.

Afterwards the neighbours of the fastest candidate of each algorithm are tried, in panels and KC splits.
Where all columns are kept, Winograd's algorithm is searched by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from colonnade.common.files import write_json
from colonnade.common.progress import track
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.targets.target import Target
from colonnade.tuning.bench import DENSE, Bench, Profiled
from colonnade.tuning.cache import Result
from colonnade.tuning.core import core_of
from colonnade.tuning.cost_model.model import CostModel
from colonnade.tuning.cost_model.simulations import Simulations
from colonnade.tuning.space import XNNPACK, Candidate, in_splits, search_space, winograd_space

# Candidates with their predicted cycles, cheapest first.
Ranking = Sequence[tuple[float, Candidate]]

# Candidates that share one start of the bench.
_BATCH = 4
# Candidates of each algorithm that does not win.
_OTHERS = 3
# Factors of panels and KC splits from a schedule to its neighbours.
_HALF, _SAME, _TWICE = Fraction(1, 2), Fraction(1), Fraction(2)
_NEIGHBOURS = (
    *((_SAME, _TWICE), (_TWICE, _TWICE), (_TWICE, _SAME)),
    *((_SAME, _HALF), (_HALF, _HALF), (_HALF, _SAME)),
)


def profile_conv(
    target: Target,
    conv: ConvShape,
    profiled: Sequence[Profiled],
    settings: ProfileConfig,
    timed: ThroughputConfig,
    output: Path,
) -> None:
    """Tune one convolution at every pattern and write what was run to `output`.

    Every algorithm gets trials, so that networks that use one only can be compared.

    The file is a JSON object with `conv`, `reference` (the report of XNNPACK's dense operator) and,
    for each pattern, an entry of `searches`: `kept` (the columns that every tile keeps), `sparsity`,
    `m`, `space` (the number of candidates) and `trials` (the reports of those that were run).

    Raises:
        ColonnadeError: the bench failed, or the cache cannot be used.
    """
    bench = Bench(target, conv, settings, timed, output.with_suffix(".timing"))
    rankings = rank_each(target, conv, profiled, settings, timed)
    searches: list[dict[str, Any]] = []
    pairs = list(zip(profiled, rankings, strict=True))
    for each, spaces in track(pairs, f"profile {conv}", len(pairs), "search"):
        trials = search_all(spaces, partial(bench.run, each), settings, same_tile=each != DENSE)
        space = sum(map(len, spaces))
        found = {"kept": each.kept(conv), **each.columns(), "space": space, "trials": trials}
        searches.append(found)
    reference = bench.run(DENSE, [XNNPACK])[0]
    write_json(output, {"conv": str(conv), "reference": reference, "searches": searches})


def rank_each(
    target: Target,
    conv: ConvShape,
    profiled: Sequence[Profiled],
    settings: ProfileConfig,
    timed: ThroughputConfig,
) -> Sequence[Sequence[Ranking]]:
    """The search space of a convolution as the cost model ranks it, at every pattern.

    Where all columns are kept, that of Winograd's algorithm, if there is one, is a second space. What is
    simulated for that stays in the profile cache.

    Raises:
        ColonnadeError: the core description is none, or the cache cannot be used.
    """
    core = core_of(target.config)
    simulations = Simulations(core, settings.cache)
    model = CostModel(core, timed.threads, simulations)
    candidates = in_splits(conv, search_space(conv, settings, core), settings, core)
    winograd = winograd_space(conv, settings, core)
    rankings = [
        [
            model.rank(conv, each.kept(conv), space)
            for space in ([candidates, winograd] if each == DENSE and winograd else [candidates])
        ]
        for each in profiled
    ]
    simulations.store()
    return rankings


def search_all(
    spaces: Sequence[Ranking],
    run: Callable[[list[Candidate]], list[Result]],
    settings: ProfileConfig,
    *,
    same_tile: bool,
) -> list[Result]:
    """Search one space after the other: see `search`."""
    searches = (search(each, run, settings, same_tile=same_tile) for each in spaces)
    return [report for reports in searches for report in reports]


def search(
    ranked: Ranking,
    run: Callable[[list[Candidate]], list[Result]],
    settings: ProfileConfig,
    *,
    same_tile: bool,
) -> list[Result]:
    """Tune, run the first candidates of what does not win, then refine each algorithm's fastest.

    See `tune`, `leaders`, `others` and `refine`.
    """
    reports = tune(ranked, run, settings)
    reports += run(leaders(ranked, reports))
    reports += run(others(ranked, reports, same_tile=same_tile))
    candidates = [candidate for _, candidate in ranked]
    for report in choose_each(reports, fastest(reports), same_tile=same_tile).values():
        known = {Candidate.of(each) for each in reports}
        fresh = [each for each in candidates if each not in known]
        reports += refine(report, fresh, run)
    return reports


def tune(
    ranked: Ranking,
    run: Callable[[list[Candidate]], list[Result]],
    settings: ProfileConfig,
) -> list[Result]:
    """Run candidates in order of their predicted cost and return the reports of those that ran.

    A prediction is scaled by the lowest ratio of a report's `ms` to its prediction so far, less the
    margin. When that alone makes the next candidate slower than the fastest, so it does all others.
    """
    reports: list[Result] = []
    while True:
        first = len(reports)
        batch = ranked[first : min(first + _BATCH, settings.trials)]
        if reports:
            times = [float(report["ms"]) for report in reports]
            ratio = min(ms / cost for ms, (cost, _) in zip(times, ranked, strict=False))
            scale = ratio * (1 - settings.margin_percent / 100)
            batch = [(cost, each) for cost, each in batch if cost * scale < min(times)]
        if not batch:
            return reports
        reports += run([candidate for _, candidate in batch])


def leaders(ranked: Ranking, reports: Sequence[Result]) -> list[Candidate]:
    """The first candidate of each LMUL of which none is among the reports.

    What the model has wrong is mostly wrong for all candidates of an LMUL alike.
    """
    known = {report["lmul"] for report in reports}
    found: dict[int, Candidate] = {}
    for _, each in ranked:
        if each.lmul not in known:
            found.setdefault(each.lmul, each)
    return list(found.values())


def others(ranked: Ranking, reports: Sequence[Result], *, same_tile: bool) -> list[Candidate]:
    """The first candidates of each algorithm but the fastest report's that are not among the reports.

    They are to run the same network: where it is pruned, `same_tile`, they have the fastest's tile.
    """
    best = fastest(reports)
    known = {Candidate.of(report) for report in reports}
    found: dict[str, list[Candidate]] = {}
    for _, each in ranked:
        alike = not same_tile or each.tile == best["tile"]
        if alike and each.algorithm != best["algorithm"]:
            found.setdefault(each.algorithm, []).append(each)
    first = [each for candidates in found.values() for each in candidates[:_OTHERS]]
    return [each for each in first if each not in known]


def refine(
    report: Result,
    candidates: Sequence[Candidate],
    run: Callable[[list[Candidate]], list[Result]],
) -> list[Result]:
    """Run the neighbours of a report's schedule, as long as one of them is faster.

    They have half or twice its panels, its KC splits, or both: with fewer columns at a time more panels
    of a block stay in cache. Those that are not among `candidates` are left out. Returns the reports of
    those that ran.
    """
    reports: list[Result] = []
    known = {Candidate.of(report)}
    while True:
        best = Candidate.of(report)
        around = (_scaled(best, panels, splits) for panels, splits in _NEIGHBOURS)
        tried = [each for each in around if each and each in candidates and each not in known]
        known.update(tried)
        fresh = run(tried) if tried else []
        reports += fresh
        if fastest([report, *fresh]) is report:
            return reports
        report = fastest(fresh)


def _scaled(candidate: Candidate, panels: Fraction, splits: Fraction) -> Candidate | None:
    """The candidate with panels and KC splits times these; None where they are no whole numbers."""
    scaled = candidate.panels * panels, candidate.kc_splits * splits
    if any(each.denominator != 1 for each in scaled):
        return None
    return replace(candidate, panels=int(scaled[0]), kc_splits=int(scaled[1]))


def fastest(reports: Sequence[Result]) -> Result:
    """The report with the least time; ties go to the earlier one."""
    return min(reports, key=lambda report: float(report["ms"]))


def choose_each(trials: Sequence[Result], winner: Result, *, same_tile: bool) -> dict[str, Result]:
    """The fastest trial of each algorithm that runs the winner's network.

    Where that is pruned, `same_tile`, they have the winner's tile.
    """
    alike = [each for each in trials if not same_tile or each["tile"] == winner["tile"]]
    return {
        algorithm: fastest([each for each in alike if each["algorithm"] == algorithm])
        for algorithm in sorted({str(each["algorithm"]) for each in alike})
    }
