# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Candidates run side by side by `colonnade-bench --interleaved`, where time is measured.

Nothing is kept for later: how long something took is true of the minutes in which it was measured.
"""

import json
import sys
from collections.abc import Sequence
from statistics import median
from typing import Any

from colonnade.common.datatypes import F32_BYTES
from colonnade.common.errors import ColonnadeError
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.targets.target import Target
from colonnade.tuning.bench import PROGRAM, Profiled, bench_arguments
from colonnade.tuning.cache import Result
from colonnade.tuning.space import WINOGRAD, Candidate

# Weights that one process packs, at most: a network's memory is small, but not that of all its
# candidates.
_PROCESS_BYTES = 512 << 20
# Of Winograd's algorithm, at most: 36 numbers for 9.
_WINOGRAD_WEIGHTS = 4


class Rounds:
    """Runs candidates of one convolution in rounds."""

    def __init__(
        self, target: Target, conv: ConvShape, settings: ProfileConfig, timed: ThroughputConfig
    ) -> None:
        """Prepare to run on a target whose time is measured."""
        self._target, self._conv = target, conv
        self._threads, self._seed = timed.threads, settings.seed

    def times(
        self, profiled: Profiled, candidates: Sequence[Candidate], rounds: int
    ) -> dict[Candidate, list[float]]:
        """Milliseconds of each candidate in every round, without those that cannot run.

        Where they are too many for one process, several run one after the other, each with the same
        candidate beside its own: by that one's times all others are made comparable.

        Raises:
            ColonnadeError: not one of them can run.
        """
        weights = F32_BYTES * self._conv.out_channels * profiled.kept(self._conv)
        if any(each.algorithm in WINOGRAD for each in candidates):
            weights *= _WINOGRAD_WEIGHTS
        size = max(1, _PROCESS_BYTES // weights)
        times: dict[Candidate, list[float]] = {}
        for start in range(0, len(candidates), size):
            anchor = list(times)[:1]
            some = self._of_those_that_can(
                profiled, [*anchor, *candidates[start : start + size]], rounds
            )
            if anchor and anchor[0] not in some:
                raise ColonnadeError(
                    f"{self._conv}: {anchor[0]} ran at first, and does not any more"
                )
            pace = median(times[anchor[0]]) / median(some[anchor[0]]) if anchor else 1.0
            times = {each: [pace * ms for ms in some[each]] for each in some} | times
        return times

    def _of_those_that_can(
        self, profiled: Profiled, candidates: Sequence[Candidate], rounds: int
    ) -> dict[Candidate, list[float]]:
        try:
            return self._times(profiled, candidates, rounds)
        except ColonnadeError:
            able = [each for each in candidates if self._can_run(profiled, each)]
            if not able or len(able) == len(candidates):
                raise
            return self._times(profiled, able, rounds)

    def _can_run(self, profiled: Profiled, candidate: Candidate) -> bool:
        try:
            self._times(profiled, [candidate], 1)
        except ColonnadeError as error:
            print(f"{self._conv}: {candidate} is left out: {error}", file=sys.stderr)
            return False
        return True

    def _times(
        self, profiled: Profiled, candidates: Sequence[Candidate], rounds: int
    ) -> dict[Candidate, list[float]]:
        lines = self._run([profiled], candidates, rounds)
        return {each: line["samples_ms"] for each, line in zip(candidates, lines, strict=True)}

    def together(
        self, searches: Sequence[Profiled], candidates: Sequence[Candidate], rounds: int
    ) -> dict[tuple[Candidate, int], Result]:
        """Reports of candidates at every number of columns that some searches keep, by both.

        XNNPACK's own keep all. They run in one process, so that searches can be compared.

        Raises:
            ColonnadeError: one of them cannot run.
        """
        lines = self._run(searches, candidates, rounds)
        return {(Candidate.of(line), int(line["kept"])): line for line in lines}

    def _run(
        self, searches: Sequence[Profiled], candidates: Sequence[Candidate], rounds: int
    ) -> list[dict[str, Any]]:
        groups = [each.group(self._conv) for each in searches]
        arguments = [
            *bench_arguments(self._conv, candidates, groups, self._threads, self._seed),
            *("--repetitions", str(rounds), "--interleaved"),
        ]
        lines = self._target.run(PROGRAM, arguments, timing=None).splitlines()
        return [json.loads(line) for line in lines]
