"""Candidates run on the target by `colonnade-bench`, unless the profile cache knows the result."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from colonnade.config import ProfileConfig, ThroughputConfig
from colonnade.conv import ConvShape
from colonnade.files import discard, make_folder
from colonnade.targets import Target
from colonnade.tuning.cache import ProfileCache, Result, Setting
from colonnade.tuning.space import Candidate

PROGRAM = "colonnade-bench"


@dataclass(frozen=True)
class Profiled:
    """What candidates are profiled at: the sparsity, and the group `m` its columns are kept in."""

    sparsity: float
    m: str


DENSE = Profiled(0.0, "full")


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
        # Modelled time is exact: one run, from cold caches.
        self._repetitions = 1 if target.evidence == "modelled" else timed.repetitions
        self._fingerprint = target.fingerprint(PROGRAM)
        self._cache = ProfileCache(settings.cache)

    def run(self, profiled: Profiled, candidates: Sequence[Candidate]) -> list[Result]:
        """The bench's report of each of some candidates, in their order, with its time in `ms`.

        Raises:
            ColonnadeError: the bench failed, or the cache cannot be used.
        """
        setting = Setting(
            conv=str(self._conv),
            dtype="f32",
            sparsity=profiled.sparsity,
            m=profiled.m,
            threads=self._threads,
            repetitions=self._repetitions,
            seed=self._seed,
            target=self._fingerprint,
        )
        known = self._cache.find(setting, candidates)
        missing = [candidate for candidate in candidates if candidate not in known]
        if missing:
            fresh = dict(zip(missing, self._execute(profiled, missing), strict=True))
            self._cache.add(setting, fresh)
            known |= fresh
        return [self._with_time(known[candidate]) for candidate in candidates]

    def _execute(self, profiled: Profiled, candidates: Sequence[Candidate]) -> list[Result]:
        arguments = [
            *("--conv", str(self._conv)),
            *("--candidate", ",".join(map(str, candidates))),
            *("--sparsity", f"{profiled.sparsity:g}"),
            *("--pattern-m", profiled.m),
            *("--threads", str(self._threads)),
            *("--repetitions", str(self._repetitions)),
            *("--seed", str(self._seed)),
        ]
        make_folder(self._scratch.parent)
        try:
            output = self._target.run(PROGRAM, arguments, timing=self._scratch)
        finally:
            discard(self._scratch)
        return [json.loads(line) for line in output.splitlines()]

    def _with_time(self, report: Result) -> Result:
        if report["cycles"] is None:
            return report
        return {**report, "ms": self._target.milliseconds(report["cycles"])}
