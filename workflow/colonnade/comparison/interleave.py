# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Participants take turns: in every round each of them once, in an order of its own."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

from colonnade.common.errors import ColonnadeError

# In a turn one run brings the network back into the caches, and these count.
RUNS = 3


class Runs(Protocol):
    """What takes part: see `colonnade.comparison.process.Process`."""

    def run(self, count: int) -> list[float]:
        """Seconds of so many runs."""


@dataclass
class Result:
    """Of a participant: the median of its runs in every round, in ms; or why it has none."""

    ms: list[float] = field(default_factory=list)
    reason: str = ""


def take_turns(
    participants: Mapping[str, Runs],
    rounds: int,
    seed: int,
    after_round: Callable[[], None] = lambda: None,
) -> dict[str, Result]:
    """Run all participants in so many rounds. One that fails is out; the others go on.

    Args:
        participants: by name.
        rounds: how many.
        seed: of the orders.
        after_round: called after each.
    """
    results = {name: Result() for name in participants}
    orders = random.Random(seed)
    for _ in range(rounds):
        names = [name for name in participants if not results[name].reason]
        orders.shuffle(names)
        for name in names:
            try:
                seconds = participants[name].run(1 + RUNS)
            except ColonnadeError as error:
                results[name] = Result(reason=str(error))
            else:
                results[name].ms.append(1e3 * median(seconds[1:]))
        after_round()
    return results
