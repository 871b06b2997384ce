# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which networks a configuration asks for, and which runs of them.

A variant is one trained network: `dense`, or the label of a pattern. A run is an implementation
executing a variant.
"""

from dataclasses import dataclass
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern
from colonnade.config.schema import Config
from colonnade.evaluation.runs import (
    PER_LAYER,
    UNIFORM,
    BandRun,
    Network,
    Step,
    plan_band_runs,
    plan_steps,
    timed_runs,
)
from colonnade.study.runs import StudyRun, study_runs

DENSE = "dense"


@dataclass(frozen=True)
class Networks:
    """What follows from a configuration, or from those of its sections that a job was given."""

    config: Config

    @property
    def variants(self) -> list[str]:
        """Labels of all variants, the dense one first."""
        return [DENSE, *(pattern.label for pattern in self.config.pruning.patterns)]

    def pattern(self, variant: str) -> Pattern:
        """The pattern of a pruned variant.

        Raises:
            ColonnadeError: there is none of that label.
        """
        for pattern in self.config.pruning.patterns:
            if pattern.label == variant:
                return pattern
        allowed = ", ".join(self.variants)
        raise ColonnadeError(f"variant {variant!r}: allowed: {allowed}")

    def method(self, variant: str) -> str:
        """Column `method` of the accuracy table: how a variant is pruned, or `dense`."""
        return DENSE if variant == DENSE else self.pattern(variant).method

    def pattern_columns(self, variant: str) -> dict[str, Any]:
        """Columns n, m and sparsity of a table row. With `m: full`, n is the share that is kept."""
        if variant == DENSE:
            return {"n": None, "m": None, "sparsity": 0.0}
        pattern = self.pattern(variant)
        kept = 1 - pattern.sparsity if pattern.n is None else pattern.n
        return {"n": float(kept), "m": str(pattern.m), "sparsity": pattern.sparsity}

    @property
    def runs(self) -> list[tuple[str, str]]:
        """(implementation, variant) of every row of the throughput table, the baseline first."""
        return timed_runs(DENSE, self.variants[1:])

    @property
    def band_runs(self) -> list[BandRun]:
        """All runs, and some in f16 or on more cores, as they are modelled on every core of a band."""
        return plan_band_runs(DENSE, self.variants[1:], self.config.throughput.threads)

    @property
    def core_runs(self) -> list[tuple[str, str]]:
        """(implementation, variant) of those that are timed on other targets, the baseline first."""
        return timed_runs(DENSE, self.variants[1:], ["tuned"])

    @property
    def retuned_runs(self) -> list[tuple[str, str]]:
        """Those of `core_runs` that have schedules: all but the baseline."""
        return self.core_runs[1:]

    @property
    def steps(self) -> list[Step]:
        """The rows of the decomposition table."""
        return plan_steps(DENSE, self.config.pruning.patterns)

    @property
    def speedups(self) -> list[str]:
        """Labels of the budgets: the speedup that each asks for."""
        return [f"{speedup:g}" for speedup in self.config.budget.speedups]

    @property
    def front(self) -> list[Network]:
        """Networks that compete in top-1 and time: dense, uniform, and one per budget."""
        uniform = [Network(name, DENSE if name == DENSE else UNIFORM) for name in self.variants]
        budgets = [Network(f"budget {each}", PER_LAYER) for each in self.speedups]
        return uniform + budgets

    @property
    def study_runs(self) -> dict[str, StudyRun]:
        """Runs of the accuracy study by label."""
        return study_runs(self.config.study)

    @property
    def study(self) -> list[tuple[StudyRun, int]]:
        """Every network of the accuracy study, a run and a seed."""
        return [(run, seed) for run in self.study_runs.values() for seed in self.config.study.seeds]
