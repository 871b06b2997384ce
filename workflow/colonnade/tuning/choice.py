# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Choose the schedules: the fastest candidate of every convolution, or the dense one.

Where no pruned candidate of a convolution is faster than its fastest dense one, pruning it costs
accuracy for nothing: the layer stays dense in that pattern and gets no mask.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_json
from colonnade.config.pruning import Pattern
from colonnade.models.conv_shape import ConvShape
from colonnade.results.records import PackagedSchedule, Profile, Schedules
from colonnade.results.tables import LAYERS, write_table
from colonnade.targets.target import Target
from colonnade.tuning.bench import DENSE
from colonnade.tuning.cache import Result
from colonnade.tuning.search import choose_each, fastest
from colonnade.tuning.space import MULTIPLYING, SCHEDULE

SCHEDULES_VERSION = 3
"""Of schedules files, as the runner reads them."""


def schedule_key(conv: ConvShape, kept: int, algorithm: str | None = None) -> str:
    """Key of a schedules file: the string the runner looks up, of one algorithm or of the winner.

    `kept` is how many of its K columns every tile of the convolution keeps.
    """
    return f"{conv}|k{kept}" + ("" if algorithm is None else f"|{algorithm}")


def choose(trials: Mapping[int, Sequence[Result]], reduction: int) -> dict[int, Result | None]:
    """The fastest trial of one convolution at each number of kept columns, all of them among these.

    None where it is no faster than the fastest that keeps all, `reduction`.
    """
    winners = {kept: fastest(reports) for kept, reports in trials.items()}
    dense = float(winners[reduction]["ms"])
    return {
        kept: winner if kept == reduction or float(winner["ms"]) < dense else None
        for kept, winner in winners.items()
    }


def scheduled(report: Result) -> PackagedSchedule:
    """The entry of a schedules file for what a report is of."""
    entry: PackagedSchedule = {name: report[name] for name in SCHEDULE}  # type: ignore[assignment]
    return entry


def collect(
    profiles: Sequence[Path],
    layers: Sequence[tuple[str, ConvShape]],
    model: str,
    target: Target,
    schedules: Path,
    table: Path,
) -> None:
    """Write the winners as a schedules file and all candidates of all layers as `layers.csv`.

    `stays_dense` of the schedules file lists the keys that have no schedule because pruning does not
    pay there.
    """
    found = {str(each["conv"]): each for each in (read_json(path, Profile) for path in profiles)}
    convs: dict[str, PackagedSchedule] = {}
    dense: list[str] = []
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, profile in sorted(found.items()):
        conv = ConvShape.parse(name)
        trials = {search["kept"]: search["trials"] for search in profile["searches"]}
        winners = choose(trials, conv.reduction)
        for kept, winner in winners.items():
            key = schedule_key(conv, kept)
            if winner is None:
                dense.append(key)
                continue
            convs[key] = scheduled(winner)
            pruned = kept < conv.reduction
            for algorithm, best in choose_each(trials[kept], winner, same_tile=pruned).items():
                convs[schedule_key(conv, kept, algorithm)] = scheduled(best)
        rows[name] = list(_rows(profile, winners.values(), target))
    write_schedules(target, convs, dense, schedules)
    named = [
        {"model": model, "layer": layer, **row} for layer, conv in layers for row in rows[str(conv)]
    ]
    write_table(table, LAYERS, named)


def write_schedules(
    target: Target,
    convs: Mapping[str, Mapping[str, Any]],
    stays_dense: Sequence[str],
    output: Path,
) -> None:
    """Write a schedules file: parts of schedules by key, and keys that have none."""
    header = {"format": "colonnade-schedules", "version": SCHEDULES_VERSION, "target": target.name}
    write_json(output, {**header, "convs": convs, "stays_dense": stays_dense})


def _rows(
    profile: Mapping[str, Any], winners: Iterable[Result | None], target: Target
) -> Iterable[dict[str, Any]]:
    copied = ("conv", *SCHEDULE, "cycles", "ms", "mac_per_cycle")
    chosen = list(winners)
    trials = [(each, report) for each in profile["searches"] for report in each["trials"]]
    dense = {**DENSE.columns(), "kept": ConvShape.parse(profile["conv"]).reduction}
    for search, report in [*trials, (dense, profile["reference"])]:
        yield {
            **{key: report[key] for key in copied},
            **{key: search[key] for key in ("sparsity", "m", "kept")},
            "target": target.name,
            "evidence": target.evidence,
            "chosen": int(any(report is winner for winner in chosen)),
            **profile.get("conditions", {}),
        }


def tiles_for(
    schedules: Path,
    layers: Sequence[tuple[str, ConvShape]],
    pattern: Pattern,
    *,
    all_layers: bool = False,
) -> dict[str, int]:
    """The tile T that tuning chose for each layer at a pattern: the tile its mask gets.

    Layers of which the pattern keeps every column are left out, and those that stay dense because that
    is faster. With `all_layers` these get a tile, too, where patterns and not their speed are compared:
    that of the schedule by which a dense one multiplies.

    Raises:
        ColonnadeError: the file is no schedules file, or does not know a layer's convolution.
    """
    document = read_json(schedules, Schedules)
    tiles = {}
    for layer, conv in layers:
        kept = pattern.keeps(conv.reduction)
        key = schedule_key(conv, kept)
        if kept == conv.reduction:
            continue
        if key in document["stays_dense"]:
            if not all_layers:
                continue
            dense = schedule_key(conv, conv.reduction)
            multiplying = (schedule_key(conv, conv.reduction, each) for each in MULTIPLYING)
            key = next((each for each in multiplying if each in document["convs"]), dense)
        if key not in document["convs"]:
            raise ColonnadeError(f"{schedules}: has no schedule for layer {layer}, {key}")
        tiles[layer] = int(document["convs"][key]["tile"])
    return tiles
