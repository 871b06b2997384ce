# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Races on a clock and a machine that are made up: who wins, who is dropped when, and when it ends."""

import random
from collections.abc import Mapping, Sequence
from statistics import median

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.tuning.race import (
    FINAL_ROUNDS,
    FINALISTS,
    MOST_ROUNDS,
    SCREENING_ROUNDS,
    Deadline,
    is_slower,
    race,
    screen,
)


class Machine:
    """Runs candidates, whole numbers, whose true times are known; every round takes a second."""

    def __init__(self, true: Mapping[int, float], noise: random.Random | None = None) -> None:
        self.true, self.noise = true, noise
        self.now = 0.0
        self.runs: list[tuple[list[int], int]] = []
        self.broken: set[int] = set()

    def measure(self, candidates: Sequence[int], rounds: int) -> dict[int, list[float]]:
        able = [each for each in candidates if each not in self.broken]
        if not able:
            raise ColonnadeError("none of them runs")
        self.runs.append((able, rounds))
        self.now += rounds
        times: dict[int, list[float]] = {each: [] for each in able}
        for _ in range(rounds):
            # What disturbs the machine: all of a round, and single runs.
            load = self.noise.choice([1, 1, 1.5, 6]) if self.noise else 1
            for each in able:
                stolen = self.noise.choice([1] * 9 + [3]) if self.noise else 1
                jitter = self.noise.gauss(1, 0.02) if self.noise else 1
                times[each].append(self.true[each] * load * stolen * jitter)
        return times

    def deadline(self, seconds: float = 1e9) -> Deadline:
        return Deadline(seconds, lambda: self.now)


@pytest.mark.parametrize("seed", range(20))
def test_the_fastest_is_found_under_load(seed: int) -> None:
    random_numbers = random.Random(seed)
    true = {each: 1 + each / 100 for each in range(60)}
    machine = Machine(true, random_numbers)
    order = random_numbers.sample(sorted(true), len(true))
    outcome = race(order, machine.measure, machine.deadline())
    assert true[outcome.winner] <= 1.03
    # Of three runs, the slowest is as near to the fastest.
    assert max(true[each] for each in outcome.tied) <= 1.05
    assert len(outcome.relative) == 60


def test_halves_go_on_and_the_last_ones_run_until_the_signs_decide() -> None:
    machine = Machine({each: 1 + each for each in range(40)})
    outcome = race(range(40), machine.measure, machine.deadline())
    sizes = [(len(runners), rounds) for runners, rounds in machine.runs]
    screening = [(each, SCREENING_ROUNDS) for each in (40, 20, 10)]
    assert sizes == [*screening, (FINALISTS, FINAL_ROUNDS)]
    assert outcome.winner == 0
    assert outcome.tied == [0]
    assert [outcome.relative[each] for each in (0, 1, 5, 39)] == [1, 2, 6, 40]


def test_what_cannot_be_told_apart_is_tied_after_all_rounds() -> None:
    machine = Machine({0: 1.0, 1: 1.0, 2: 2.0})
    outcome = race([2, 1, 0], machine.measure, machine.deadline())
    assert sorted(outcome.tied) == [0, 1]
    assert outcome.winner == outcome.tied[0]
    assert sum(rounds for _, rounds in machine.runs) == MOST_ROUNDS
    # The third one is slower in each of the first rounds.
    assert [len(runners) for runners, _ in machine.runs] == [3, 2, 2, 2]


@pytest.mark.parametrize(
    ("losses", "wins", "ties", "slower"),
    [
        (7, 0, 0, True),  # 1 of 128 even races
        (6, 0, 0, False),  # 1 of 64
        (7, 0, 5, True),
        (0, 0, 12, False),
        (10, 1, 0, True),  # 12 of 2048
        (9, 1, 0, False),  # 11 of 1024
        (0, 12, 0, False),
    ],
)
def test_sign_test_counts_rounds_that_differ(
    losses: int, wins: int, ties: int, *, slower: bool
) -> None:
    times = [2.0] * losses + [0.5] * wins + [1.0] * ties
    assert is_slower(times, [1.0] * len(times)) == slower


@pytest.mark.parametrize(("seconds", "rungs"), [(0, 1), (SCREENING_ROUNDS, 1), (6, 2), (11, 3)])
def test_when_the_time_is_over_the_best_so_far_wins(seconds: float, rungs: int) -> None:
    machine = Machine({each: 40.0 - each for each in range(40)})
    outcome = race(range(40), machine.measure, machine.deadline(seconds))
    assert len(machine.runs) == rungs
    assert outcome.winner == 39
    assert outcome.tied == [39, 38, 37, 36, 35, 34]
    assert len(outcome.relative) == 40


def test_few_finish_one_race_though_the_time_is_over() -> None:
    machine = Machine({0: 1.0, 1: 1.0})
    assert race([1, 0], machine.measure, machine.deadline(0)).winner in (0, 1)
    assert machine.runs == [([1, 0], FINAL_ROUNDS)]


def test_a_candidate_that_fails_is_left_out() -> None:
    machine = Machine({each: 1 + each for each in range(20)})
    machine.broken = {0, 7}
    outcome = race(range(20), machine.measure, machine.deadline())
    assert outcome.winner == 1
    assert set(outcome.relative) == set(range(20)) - {0, 7}
    machine.broken = set(range(20))
    with pytest.raises(ColonnadeError, match="none of them runs"):
        race(range(20), machine.measure, machine.deadline())


def test_one_that_fails_late_does_not_win() -> None:
    machine = Machine({each: 1 + each / 1e6 for each in range(4)}, random.Random(3))

    def measure(candidates: Sequence[int], rounds: int) -> dict[int, list[float]]:
        times = machine.measure(candidates, rounds)
        machine.broken = {0}
        return times

    outcome = race(range(4), measure, machine.deadline())
    assert outcome.winner != 0
    assert 0 not in outcome.tied
    # It ran, and counts as no faster than who won.
    assert outcome.relative[0] >= 1


def test_a_lone_candidate_is_timed() -> None:
    machine = Machine({3: 2.0})
    outcome = race([3], machine.measure, machine.deadline())
    assert (outcome.relative, outcome.tied) == ({3: 1.0}, [3])
    assert len(machine.runs) == 1


def test_a_screening_ends_at_the_number_that_is_asked_for() -> None:
    machine = Machine({each: 1 + each for each in range(66)})
    outcome = screen(range(66), machine.measure, 17, machine.deadline())
    assert [len(runners) for runners, _ in machine.runs] == [66, 33]
    assert outcome.tied == list(range(17))
    late = screen(range(66), machine.measure, 17, machine.deadline(0))
    assert late.tied == list(range(17))
    few = screen(range(5), machine.measure, 17, machine.deadline())
    assert few.tied == list(range(5))


def test_times_are_compared_round_by_round() -> None:
    """A machine that gets slower and slower changes no ratio."""
    true = {each: 1 + each / 50 for each in range(12)}
    machine = Machine(true)

    def measure(candidates: Sequence[int], rounds: int) -> dict[int, list[float]]:
        start = machine.now
        machine.now += rounds
        return {each: [true[each] * (1 + start + r) for r in range(rounds)] for each in candidates}

    outcome = race(reversed(range(12)), measure, machine.deadline())
    assert outcome.winner == 0
    assert outcome.relative == pytest.approx(true)
    assert median(outcome.relative.values()) > 1
