# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The schedules of a network tuned again, for another core, in all but their tiles.

Masks have the tiles of the schedules that the network was pruned with: with others it would be another
network.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_json
from colonnade.common.progress import track
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.results.records import PackagedSchedule, TunedSchedules
from colonnade.targets.target import Target
from colonnade.tuning.bench import Bench, Profiled
from colonnade.tuning.choice import schedule_key, scheduled
from colonnade.tuning.search import fastest, rank_each, search_all
from colonnade.tuning.space import Candidate


def retune(
    target: Target,
    searches: Sequence[tuple[ConvShape, Profiled]],
    schedules: Path,
    settings: ProfileConfig,
    timed: ThroughputConfig,
    output: Path,
) -> None:
    """Write schedules for a target's core, none slower there than those of the file `schedules`.

    Args:
        target: with the core in question.
        searches: convolutions, each with a pattern. Those that stay dense at theirs are left out.
        schedules: what the network was tuned with, for another core.
        settings: of the tuning; all tiles are taken from `schedules`.
        timed: how networks are timed.
        output: the file to write, of the same format.

    Raises:
        ColonnadeError: a convolution has no schedule, the bench failed, or the cache cannot be used.
    """
    before = read_json(schedules, TunedSchedules)
    found: dict[str, PackagedSchedule] = {}
    for conv, each in track(searches, "tune again", len(searches), "search"):
        key = schedule_key(conv, each.kept(conv))
        if key in before["stays_dense"]:
            continue
        if key not in before["convs"]:
            raise ColonnadeError(f"{schedules}: has no schedule for {key}")
        known = Candidate.of(before["convs"][key])
        tuned = settings.model_copy(update={"tiles": (known.tile,)})
        run = partial(Bench(target, conv, tuned, timed, output.with_suffix(".timing")).run, each)
        (spaces,) = rank_each(target, conv, [each], tuned, timed)
        reports = [*run([known]), *search_all(spaces, run, tuned, same_tile=True)]
        found[key] = scheduled(fastest(reports))
    write_json(output, {**before, "target": target.name, "convs": found})
