# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Schedules are refined inside whole networks, where time is measured.

A convolution that is tuned alone finds its input as its own last run left it; in a network, neighbours'
layouts and the caches matter. So a network runs with the schedules that tuning chose and, beside them,
with the next best one of every convolution at once, the one after that, and so on, each once in every
round. A convolution changes to the schedule in which a sign test over the rounds says that its layers
were faster. All changes together must then be faster than what tuning chose by the same test over runs of
the whole network; otherwise nothing changes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import discard, read_json
from colonnade.common.progress import track
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ThroughputConfig
from colonnade.evaluation.throughput import run_network
from colonnade.models.conv_shape import ConvShape
from colonnade.results.records import Profile, TunedSchedules
from colonnade.results.records import Run as Report
from colonnade.results.tables import REFINEMENT, WHOLE, write_table
from colonnade.targets.target import Target
from colonnade.tuning.choice import schedule_key, write_schedules
from colonnade.tuning.race import Deadline, is_slower
from colonnade.tuning.space import Candidate

# Other schedules of a convolution that are tried, those first that were fastest alone.
OTHERS = 3
# Slower alone than the chosen one by more than this they are left out.
WITHIN_PERCENT = 15.0
# Rounds of all networks, and of the two that race at the end. Of fewer, no test says anything.
ROUNDS = 8
FINAL_ROUNDS = 12
LEAST_ROUNDS = 7
# Of the minutes that tuning has.
SHARE = 0.25
# Repetitions of a network in a round, of which its times are the medians.
RUNS = 5

# Parts of schedules by key.
Schedules = Mapping[str, Candidate]


class Run(NamedTuple):
    """What one run of a network took: milliseconds, in all and of each layer."""

    ms: float
    layers: Mapping[str, float]


# Runs the network once with other schedules than the chosen ones for some keys.
Execute = Callable[[Schedules], Run]


@dataclass(frozen=True)
class Choice:
    """A convolution at so many kept columns: the layers that it is, its schedule, and the next best."""

    key: str
    layers: tuple[str, ...]
    chosen: Candidate
    others: tuple[Candidate, ...]

    def ms(self, run: Run) -> float:
        """What its layers took in a run."""
        return sum(run.layers[layer] for layer in self.layers)


@dataclass(frozen=True)
class Refined:
    """What became of a network: `changed` by key, and both medians of a final race, if it was run."""

    changed: Schedules
    choices: Sequence[Mapping[str, Any]]
    ms_before: float | None
    ms_after: float | None


def choices_of(
    layers: Sequence[tuple[str, ConvShape]],
    pattern: Pattern | None,
    schedules: TunedSchedules,
    profiles: Sequence[Profile],
) -> list[Choice]:
    """Of a network the convolutions that it alone has: all of a dense one, else those that are pruned.

    Masks have the tiles that tuning chose: a pruned convolution keeps its own.

    Args:
        layers: its convolutions that have schedules, the pruned ones if there is a pattern.
        pattern: how it is pruned; None: dense.
        schedules: those that tuning chose.
        profiles: what tuning ran.
    """
    searched = {profile["conv"]: profile["searches"] for profile in profiles}
    named: dict[str, list[str]] = {}
    convs: dict[str, tuple[ConvShape, int]] = {}
    for layer, conv in layers:
        kept = conv.reduction if pattern is None else pattern.keeps(conv.reduction)
        key = schedule_key(conv, kept)
        if key in schedules["convs"] and (pattern is None or kept < conv.reduction):
            named.setdefault(key, []).append(layer)
            convs[key] = conv, kept
    found = []
    for key, names in named.items():
        conv, kept = convs[key]
        (trials,) = (each["trials"] for each in searched[str(conv)] if each["kept"] == kept)
        chosen = Candidate.of(schedules["convs"][key])
        ms = {Candidate.of(trial): float(trial["ms"]) for trial in trials}
        most = ms[chosen] * (1 + WITHIN_PERCENT / 100)
        fit = [
            each
            for each in sorted(ms, key=lambda each: ms[each])
            if each != chosen and ms[each] <= most and (pattern is None or each.tile == chosen.tile)
        ]
        found.append(Choice(key, tuple(names), chosen, tuple(fit[:OTHERS])))
    return found


def refine(choices: Sequence[Choice], execute: Execute, deadline: Deadline, title: str) -> Refined:
    """Find out which choices are to change in a network.

    Raises:
        ColonnadeError: a run failed.
    """
    count = max((len(each.others) for each in choices), default=0)
    networks: list[dict[str, Candidate]] = [
        {each.key: each.others[rank] for each in choices if rank < len(each.others)}
        for rank in range(count)
    ]
    runs: list[list[Run]] = []
    if networks:
        for _ in track(range(ROUNDS), f"refine {title}", ROUNDS, "round"):
            runs.append([execute(each) for each in ({}, *networks)])
            if deadline.passed:
                break
    rows = [_judged(each, runs) for each in choices]
    changed = {row["key"]: row["schedule"] for row in rows if row["schedule"] != row["alone"]}
    if not changed:
        return Refined({}, rows, None, None)
    pairs = []
    for _ in track(range(FINAL_ROUNDS), f"confirm {title}", FINAL_ROUNDS, "round"):
        pairs.append((execute({}).ms, execute(changed).ms))
        if deadline.passed and len(pairs) >= LEAST_ROUNDS:
            break
    before, after = ([pair[i] for pair in pairs] for i in range(2))
    if not is_slower(before, after):
        changed = {}
    return Refined(changed, rows, median(before), median(after))


def _judged(choice: Choice, runs: Sequence[Sequence[Run]]) -> dict[str, Any]:
    """A row: a choice's schedules, its layers' times in the network, and what is best there."""
    times = [[choice.ms(run) for run in column] for column in zip(*runs, strict=True)]
    row: dict[str, Any] = {
        "key": choice.key,
        "layers": len(choice.layers),
        "alone": choice.chosen,
        "schedule": choice.chosen,
        "ms_alone": median(times[0]) if times else None,
        "ms": median(times[0]) if times else None,
    }
    for other, ms in zip(choice.others, times[1:], strict=False):
        if median(ms) < row["ms"] and is_slower(times[0], ms):
            row |= {"schedule": other, "ms": median(ms)}
    return row


@dataclass(frozen=True)
class TimedNetwork:
    """A network that is refined: its label, package, and pattern (None: dense)."""

    label: str
    package: Path
    pattern: Pattern | None

    @property
    def implementation(self) -> str:
        """The runner's that takes each convolution's fastest schedule."""
        return "colnm_dense" if self.pattern is None else "colnm_tuned"


def refine_networks(
    target: Target,
    networks: Sequence[TimedNetwork],
    layers: Callable[[Pattern | None], Sequence[tuple[str, ConvShape]]],
    schedules: Path,
    profiles: Sequence[Path],
    images: Path,
    timed: ThroughputConfig,
    minutes: float,
    output: Path,
    table: Path,
) -> None:
    """Refine the schedules of all networks; write them, and what was tried, as a table.

    Args:
        target: where time is measured.
        networks: the dense one first.
        layers: its convolutions that have schedules, of a pattern those that are pruned.
        schedules: those that tuning chose.
        profiles: what tuning ran.
        images: what networks run on.
        timed: with how many threads.
        minutes: that tuning took at most; `SHARE` of them are spent here, after which no round begins.
        output: the refined schedules.
        table: `refinement.csv`.

    Raises:
        ColonnadeError: a run failed, or time on the target is modelled.
    """
    if target.evidence != "measured":
        raise ColonnadeError(f"{table.name}: time on target {target.name} is modelled, and exact")
    chosen = read_json(schedules, TunedSchedules)
    searched = [read_json(each, Profile) for each in profiles]
    refined = {key: Candidate.of(entry) for key, entry in chosen["convs"].items()}
    rows: list[dict[str, Any]] = []
    for network in networks:
        choices = choices_of(layers(network.pattern), network.pattern, chosen, searched)
        with Executor(target, network, chosen, images, timed, output.parent) as execute:
            deadline = Deadline(60 * SHARE * minutes / len(networks))
            found = refine(choices, execute, deadline, network.label)
        refined |= found.changed
        rows += _rows(network, target, found)
    convs = {key: asdict(candidate) for key, candidate in refined.items()}
    write_schedules(target, convs, chosen["stays_dense"], output)
    write_table(table, REFINEMENT, rows)


class Executor:
    """Runs a network with other schedules than the chosen ones for some keys."""

    def __init__(
        self,
        target: Target,
        network: TimedNetwork,
        chosen: TunedSchedules,
        images: Path,
        timed: ThroughputConfig,
        folder: Path,
    ) -> None:
        """Prepare to run it; `folder`, which the target sees, gets files that do not stay."""
        self._target, self._network, self._chosen, self._images = target, network, chosen, images
        self._timed = timed.model_copy(update={"repetitions": RUNS, "warmup": 1})
        self._schedules, self._report = (folder / f".{name}.json" for name in ("tried", "ran"))

    def __enter__(self) -> Execute:
        """Run with it."""
        return self._run

    def __exit__(self, *_: object) -> None:
        """Remove its files."""
        for file in (self._schedules, self._report):
            discard(file)

    def _run(self, others: Schedules) -> Run:
        convs = {**self._chosen["convs"], **{key: asdict(each) for key, each in others.items()}}
        write_schedules(self._target, convs, self._chosen["stays_dense"], self._schedules)
        run_network(
            self._target,
            self._network.package,
            self._network.implementation,
            self._schedules,
            self._images,
            self._timed,
            self._report,
        )
        report = read_json(self._report, Report)
        layers = {each["name"]: 1e3 * each["seconds"] for each in report["layers"]}
        return Run(1e3 * report["total"]["seconds"], layers)


def _rows(network: TimedNetwork, target: Target, found: Refined) -> Iterator[dict[str, Any]]:
    same = {"network": network.label, "target": target.name, "evidence": target.evidence}
    for row in found.choices:
        texts = {name: str(row[name]) for name in ("alone", "schedule")}
        yield {**same, **row, **texts, "changed": int(row["key"] in found.changed)}
    yield {
        **same,
        **{"key": WHOLE, "layers": sum(row["layers"] for row in found.choices)},
        **{"alone": "", "schedule": "", "ms_alone": found.ms_before, "ms": found.ms_after},
        "changed": int(bool(found.changed)),
    }
