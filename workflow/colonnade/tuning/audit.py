# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How good tuning is: the search of some convolutions repeated over all candidates.

Where time is measured no cost model ranks candidates, and a race between all of them is the judge.
Nothing is left out here but what the registers do not hold, so that a loss by the filters of the search
space counts as well. Where time is measured all are schedules of one KC split: where more of them made
the tuned one faster than any other, its loss is below 0.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter, truediv
from pathlib import Path
from statistics import median
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_json
from colonnade.common.progress import Progress, track
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.results.tables import TOP, TUNER_QUALITY, write_table
from colonnade.targets.conditions import alone
from colonnade.targets.target import Target
from colonnade.tuning import measured
from colonnade.tuning.bench import DENSE, PROGRAM, Bench, Profiled
from colonnade.tuning.cache import Result
from colonnade.tuning.core import core_of, machine_of
from colonnade.tuning.profiling import seconds_of_a_search
from colonnade.tuning.race import MOST_ROUNDS, Deadline, race
from colonnade.tuning.rounds import Rounds
from colonnade.tuning.search import fastest, rank_each, search_all
from colonnade.tuning.space import Candidate, grid, in_splits, winograd_grid

# Candidates that share one start of the bench; what they took is kept when the next ones begin.
_BATCH = 16
# Searches of each convolution where time is measured.
_TUNINGS = 3


def audit(
    target: Target,
    conv: ConvShape,
    profiled: Sequence[Profiled],
    settings: ProfileConfig,
    timed: ThroughputConfig,
    searches: int,
    output: Path,
) -> None:
    """Run all candidates of one convolution and write how good its tuning is; see `profile`.

    Raises:
        ColonnadeError: see `audit_conv` and `audit_measured`.
    """
    if target.evidence == "modelled":
        audit_conv(target, conv, profiled, settings, timed, output)
    else:
        seconds = seconds_of_a_search(settings, searches)
        audit_measured(target, conv, profiled, settings, timed, seconds, output)


def audit_conv(
    target: Target,
    conv: ConvShape,
    profiled: Sequence[Profiled],
    settings: ProfileConfig,
    timed: ThroughputConfig,
    output: Path,
) -> None:
    """Run all candidates of one convolution and write rows of `tuner_quality.csv` as a JSON list.

    Raises:
        ColonnadeError: the bench failed, or the cache cannot be used.
    """
    bench = Bench(target, conv, settings, timed, output.with_suffix(".timing"))
    core = core_of(target.config)
    multiplying = in_splits(conv, grid(conv, settings, core), settings, core)
    winograd = winograd_grid(conv, settings, core)
    spaces = [multiplying + winograd * (each == DENSE) for each in profiled]
    rankings = rank_each(target, conv, profiled, settings, timed)
    rows = []
    with Progress(f"audit {conv}", sum(map(len, spaces)), "candidate") as progress:
        for each, everything, ranked in zip(profiled, spaces, rankings, strict=True):
            reports: dict[Candidate, Result] = {}
            for start in range(0, len(everything), _BATCH):
                some = everything[start : start + _BATCH]
                reports |= zip(some, bench.run(each, some), strict=True)
                progress.add(len(some))
            # Tuning runs no other candidates: these come from the cache.
            trials = search_all(ranked, partial(bench.run, each), settings, same_tile=each != DENSE)
            order = [candidate for _, candidate in sorted(chain(*ranked), key=itemgetter(0))]
            rows.append(
                {
                    "conv": str(conv),
                    "sparsity": each.columns()["sparsity"],
                    "kernels": target.fingerprint(PROGRAM),
                    **_judge(order, reports, fastest(trials), len(trials)),
                }
            )
    write_json(output, rows)


def audit_measured(
    target: Target,
    conv: ConvShape,
    profiled: Sequence[Profiled],
    settings: ProfileConfig,
    timed: ThroughputConfig,
    seconds: float,
    output: Path,
) -> None:
    """Race all candidates of one convolution where time is measured, and write the same rows.

    The convolution is tuned several times: `tuned_loss_percent` is that of the worst, `apart_percent` how
    much slower it is than the best of them.

    Args:
        seconds: how long a search takes that is judged; the race takes as long as it needs.

    Raises:
        ColonnadeError: no candidate can run, or one that is judged does not any more.
    """
    rounds = Rounds(target, conv, settings, timed)
    machine = machine_of(target)
    rows = []
    with alone():
        for each in track(profiled, f"audit {conv}", len(profiled), "search"):
            run, dense = partial(rounds.times, each), each == DENSE
            candidates = measured.space_of(conv, each, settings, machine)
            everything = grid(conv, settings, machine)
            if dense:
                everything += winograd_grid(conv, settings, machine)
            standings = [
                measured.search(candidates, run, settings, Deadline(seconds), same_tile=not dense)
                for _ in range(_TUNINGS)
            ]
            found = [standing.fastest for standing in standings]
            best = race([*everything, *found], run, Deadline(math.inf)).winner
            times = run(list(dict.fromkeys([best, *found])), MOST_ROUNDS)
            for candidate in (best, *found):
                if candidate not in times:
                    raise ColonnadeError(f"{conv}: {candidate} ran at first, and does not any more")
            losses = [median(map(truediv, times[each], times[best])) - 1 for each in found]
            rows.append(
                {
                    "conv": str(conv),
                    "sparsity": each.columns()["sparsity"],
                    "kernels": target.fingerprint(PROGRAM),
                    "candidates": len(everything),
                    "trials": max(len(standing.relative) for standing in standings),
                    "best": str(best),
                    "best_ms": median(times[best]),
                    "rank_of_best": None,
                    "top5_loss_percent": None,
                    "tuned_loss_percent": 100 * max(losses),
                    "apart_percent": 100 * ((1 + max(losses)) / (1 + min(losses)) - 1),
                }
            )
    write_json(output, rows)


def _judge(
    order: Sequence[Candidate],
    reports: Mapping[Candidate, Mapping[str, Any]],
    tuned: Mapping[str, Any],
    trials: int,
) -> dict[str, Any]:
    """Compare what tuning found with the best of all.

    `order` is the cost model's, without what the filters left out.
    """
    best = min(reports, key=lambda candidate: float(reports[candidate]["ms"]))
    best_ms, top = float(reports[best]["ms"]), [reports[candidate] for candidate in order[:TOP]]
    return {
        "candidates": len(reports),
        "trials": trials,
        "best": str(best),
        "best_ms": best_ms,
        "rank_of_best": order.index(best) + 1 if best in order else None,
        "top5_loss_percent": 100 * (float(fastest(top)["ms"]) / best_ms - 1),
        "tuned_loss_percent": 100 * (float(tuned["ms"]) / best_ms - 1),
        "apart_percent": None,
    }


def quality_table(audits: Sequence[Path], model: str, target: Target, table: Path) -> None:
    """Write `tuner_quality.csv` from the audits of single convolutions."""
    same = {"model": model, "target": target.name, "evidence": target.evidence}
    write_table(
        table,
        TUNER_QUALITY,
        [{**same, **row} for path in audits for row in read_json(path, list[dict[str, Any]])],
    )
