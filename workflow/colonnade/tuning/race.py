# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The fastest of several candidates where time is measured: successive halving, then a sign test.

Candidates run in rounds, each of them once in every round, so that what slows the machine down slows all
of them; a time counts in proportion to the median of its round. While there are many, the better half by
their medians goes on. Among the last ones a candidate is dropped when a one-sided sign test over all of
their rounds says that it is slower than the one with the least median: medians and signs mind neither a
few runs that were disturbed nor how much they were. It ends when one is left, after `MOST_ROUNDS`, or
when its time is over; who is left by then is tied.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, comb
from operator import truediv
from statistics import median
from typing import Generic, TypeVar

T = TypeVar("T")

# Milliseconds of each candidate in so many rounds; candidates that cannot run are left out.
Measure = Callable[[Sequence[T], int], Mapping[T, Sequence[float]]]

# Rounds while candidates are halved, and at a time among the last ones.
SCREENING_ROUNDS = 5
FINAL_ROUNDS = 12
MOST_ROUNDS = 48
# As many are not halved any more.
FINALISTS = 6
# An even race says so of no more than one candidate in a hundred, each time that it is looked at.
SIGNIFICANCE = 0.01


@dataclass(frozen=True)
class Deadline:
    """When no more rounds begin; `clock` gives seconds."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    start: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin now."""
        object.__setattr__(self, "start", self.clock())

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return self.clock() - self.start >= self.seconds


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What a race found.

    `relative` has of every candidate that ran the median ratio of its times to the winner's in the same
    rounds, the winner first; who was dropped counts as no faster than the winner. `tied` are those that
    the sign test could not tell from it, the least median first.
    """

    relative: dict[T, float]
    tied: list[T]

    @property
    def winner(self) -> T:
        """The one of the least median."""
        return next(iter(self.relative))


def is_slower(times: Sequence[float], best: Sequence[float]) -> bool:
    """Whether a one-sided sign test over paired rounds says that `times` are longer than `best`.

    Rounds of equal time say nothing and are left out.
    """
    signs = [a > b for a, b in zip(times, best, strict=True) if a != b]
    losses = sum(signs)
    as_many = sum(comb(len(signs), k) for k in range(losses, len(signs) + 1))
    return as_many <= SIGNIFICANCE * float(2 ** len(signs))


def screen(
    candidates: Iterable[T], measure: Measure[T], most: int, deadline: Deadline
) -> Outcome[T]:
    """Halve candidates until at most so many are left, which `tied` has; one rung runs in any case.

    Raises:
        ColonnadeError: `measure` could not run a single candidate.
    """
    left, rungs = _halve(list(dict.fromkeys(candidates)), measure, most, deadline)
    if not rungs:
        rungs.append(measure(left, SCREENING_ROUNDS))
    return _outcome(rungs, most)


def race(candidates: Iterable[T], measure: Measure[T], deadline: Deadline) -> Outcome[T]:
    """Find the fastest candidate; some rounds run even if the time is over, so that there is one.

    Raises:
        ColonnadeError: `measure` could not run a single candidate.
    """
    left, rungs = _halve(list(dict.fromkeys(candidates)), measure, FINALISTS, deadline)
    if rungs and deadline.passed:
        return _outcome(rungs, FINALISTS)
    finals: dict[T, list[float]] = {}
    while len(left) > 1 or not finals:
        latest = measure(left, FINAL_ROUNDS)
        left = [each for each in left if each in latest]
        for each in left:
            finals.setdefault(each, []).extend(latest[each])
        left = _by_median({each: finals[each] for each in left})
        best = finals[left[0]]
        left = [each for each in left if not is_slower(finals[each], best)]
        if len(best) >= MOST_ROUNDS or deadline.passed:
            break
    return Outcome(_relative(left[0], [*rungs, finals]), left)


def _halve(
    left: list[T], measure: Measure[T], most: int, deadline: Deadline
) -> tuple[list[T], list[Mapping[T, Sequence[float]]]]:
    """Those that are left, and what was measured."""
    rungs: list[Mapping[T, Sequence[float]]] = []
    while len(left) > most and not (rungs and deadline.passed):
        rungs.append(measure(left, SCREENING_ROUNDS))
        ordered = _by_median(rungs[-1])
        left = ordered[: max(most, ceil(len(ordered) / 2))]
    return left, rungs


def _by_median(times: Mapping[T, Sequence[float]]) -> list[T]:
    """Candidates by the median of their times, each in proportion to the median of its round."""
    paces = [median(ms) for ms in zip(*times.values(), strict=True)]
    return sorted(
        times,
        key=lambda each: median(map(truediv, times[each], paces)),
    )


def _outcome(rungs: Sequence[Mapping[T, Sequence[float]]], most: int) -> Outcome[T]:
    """Of rungs alone, too short for the sign test: the best of the last one, and those behind it."""
    ordered = _by_median(rungs[-1])
    return Outcome(_relative(ordered[0], rungs), ordered[:most])


def _relative(winner: T, rungs: Sequence[Mapping[T, Sequence[float]]]) -> dict[T, float]:
    """Ratios to the winner, each of the last rung that its candidate ran in."""
    relative = {winner: 1.0}
    for rung in reversed(rungs):
        for each, times in rung.items():
            pairs = zip(times, rung[winner], strict=False)
            relative.setdefault(each, max(1.0, median(a / b for a, b in pairs)))
    return relative
