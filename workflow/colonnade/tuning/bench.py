# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Candidates run by `colonnade-bench` under the timing model, unless the cache knows the result."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colonnade.common.files import discard, make_folder
from colonnade.common.paths import BENCH
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.targets.target import Target
from colonnade.tuning.cache import ProfileCache, Result, Setting
from colonnade.tuning.space import Candidate

PROGRAM = BENCH


@dataclass(frozen=True)
class Profiled:
    """What a convolution is profiled at: the pattern its tiles keep columns by; None keeps all."""

    pattern: Pattern | None

    def kept(self, conv: ConvShape) -> int:
        """Columns that every tile of a convolution keeps: what schedules are keyed by."""
        return conv.reduction if self.pattern is None else self.pattern.keeps(conv.reduction)

    def group(self, conv: ConvShape) -> tuple[int, int]:
        """The pattern as whole numbers: `n` of each `m` consecutive columns are kept."""
        return (1, 1) if self.pattern is None else self.pattern.group(conv.reduction)

    def columns(self) -> dict[str, Any]:
        """Columns `sparsity` and `m` of a table row."""
        if self.pattern is None:
            return {"sparsity": 0.0, "m": "full"}
        return {"sparsity": self.pattern.sparsity, "m": str(self.pattern.m)}


DENSE = Profiled(None)


def bench_arguments(
    conv: ConvShape,
    candidates: Sequence[Candidate],
    groups: Sequence[tuple[int, int]],
    threads: int,
    seed: int,
) -> list[str]:
    """Arguments of the bench for candidates of a convolution, each at the patterns `groups`, N and M."""
    return [
        *("--conv", str(conv)),
        *("--candidate", ",".join(map(str, candidates))),
        *("--keep", ",".join(f"{n}:{m}" for n, m in groups)),
        *("--threads", str(threads)),
        *("--seed", str(seed)),
    ]


class Bench:
    """Runs candidates of one convolution; several at a time share one start of the program."""

    def __init__(
        self,
        target: Target,
        conv: ConvShape,
        settings: ProfileConfig,
        timed: ThroughputConfig,
        scratch: Path,
    ) -> None:
        """Prepare to run; `scratch` is a file for the timing model, removed after each run."""
        self._target, self._conv, self._scratch = target, conv, scratch
        self._threads, self._seed = timed.threads, settings.seed
        self._fingerprint = target.fingerprint(PROGRAM)
        self._cache = ProfileCache(settings.cache)

    def run(self, profiled: Profiled, candidates: Sequence[Candidate]) -> list[Result]:
        """The bench's report of each of some candidates, in their order, with its time in `ms`.

        Raises:
            ColonnadeError: the bench failed, or the cache cannot be used.
        """
        n, m = profiled.group(self._conv)
        setting = Setting(
            conv=str(self._conv),
            dtype="f32",
            n=n,
            m=m,
            threads=self._threads,
            # Modelled time is exact: one run, from cold caches.
            repetitions=1,
            seed=self._seed,
            target=self._fingerprint,
        )
        known = self._cache.find(setting, candidates)
        missing = [candidate for candidate in candidates if candidate not in known]
        if missing:
            fresh = dict(zip(missing, self._execute(n, m, missing), strict=True))
            self._cache.add(setting, fresh)
            known |= fresh
        return [self._with_time(known[candidate]) for candidate in candidates]

    def _execute(self, n: int, m: int, candidates: Sequence[Candidate]) -> list[Result]:
        arguments = bench_arguments(self._conv, candidates, [(n, m)], self._threads, self._seed)
        make_folder(self._scratch.parent)
        try:
            output = self._target.run(PROGRAM, arguments, timing=self._scratch)
        finally:
            discard(self._scratch)
        return [json.loads(line) for line in output.splitlines()]

    def _with_time(self, report: Result) -> Result:
        return {**report, "ms": self._target.milliseconds(report["cycles"])}
