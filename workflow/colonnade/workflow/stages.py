# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a configuration asks for: its convolutions, variants, runs and searches.

A variant is one trained network: `dense`, or the label of a pattern. A run is an implementation
executing a variant.
"""

from dataclasses import dataclass
from typing import Any

from colonnade.budget.network import Network
from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern
from colonnade.config.schema import Config
from colonnade.evaluation.runs import Step, plan_steps, timed_runs
from colonnade.models.architecture import conv_shapes
from colonnade.models.conv_shape import ConvShape
from colonnade.study.runs import StudyRun, study_runs
from colonnade.tuning.bench import DENSE as DENSE_PROFILE
from colonnade.tuning.bench import Profiled
from colonnade.tuning.sampling import sample

DENSE = "dense"


@dataclass(frozen=True)
class Stages:
    """What follows from a configuration, or from those of its sections that a job was given."""

    config: Config

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

    @property
    def variants(self) -> list[str]:
        """Labels of all variants, the dense one first."""
        return [DENSE, *(pattern.label for pattern in self.config.pruning.patterns)]

    def profiled(self, pattern: Pattern) -> Pattern:
        """The pattern, of those that are profiled, whose schedules serve for `pattern`."""
        share = pattern.kept_share
        return min(self.config.pruning.patterns, key=lambda each: abs(each.kept_share - share))

    @property
    def study_runs(self) -> dict[str, StudyRun]:
        """Runs of the accuracy study by label."""
        return study_runs(self.config.study)

    @property
    def study_networks(self) -> list[tuple[StudyRun, int]]:
        """Every network of the accuracy study, a run and a seed."""
        return [(run, seed) for run in self.study_runs.values() for seed in self.config.study.seeds]

    @property
    def front(self) -> list[Network]:
        """Networks that compete in top-1 and time: dense, uniform, and one per budget."""
        uniform = [Network(name, DENSE if name == DENSE else "uniform") for name in self.variants]
        budgets = [Network(f"budget {each}", "per layer") for each in self.speedups]
        return uniform + budgets

    @property
    def speedups(self) -> list[str]:
        """Labels of the budgets: the speedup that each asks for."""
        return [f"{speedup:g}" for speedup in self.config.budget.speedups]

    def searches(self, conv: str) -> list[Profiled]:
        """What a convolution is profiled at: dense, and each pattern that prunes it.

        Patterns that keep equally many columns share a schedule; it is profiled with the first one's
        groups. One that keeps every column prunes nothing.
        """
        skip = self.config.pruning.skip
        if not any(str(shape) == conv and name not in skip for name, shape in self.layers):
            return [DENSE_PROFILE]
        reduction = ConvShape.parse(conv).reduction
        distinct = {reduction: DENSE_PROFILE}
        for pattern in self.config.pruning.patterns:
            distinct.setdefault(pattern.keeps(reduction), Profiled(pattern))
        return list(distinct.values())

    @property
    def audited(self) -> dict[str, list[Profiled]]:
        """The convolutions that `tuner-quality` searches completely, each at these patterns."""
        searches = [(conv, each) for conv in self.convs for each in self.searches(conv)]
        audited: dict[str, list[Profiled]] = {}
        for conv, each in sample(searches, self.config.profile):
            audited.setdefault(conv, []).append(each)
        return audited

    @property
    def runs(self) -> list[tuple[str, str]]:
        """(implementation, variant) of every row of the throughput table, the baseline first."""
        return timed_runs(DENSE, self.variants[1:])

    @property
    def steps(self) -> list[Step]:
        """The rows of the decomposition table."""
        return plan_steps(DENSE, self.config.pruning.patterns)

    @property
    def layers(self) -> list[tuple[str, ConvShape]]:
        """Every convolution of the model at the throughput section's input, by layer name."""
        timed = self.config.throughput
        return conv_shapes(self.config.model.name, timed.image_px, timed.batch)

    @property
    def pruned_layers(self) -> list[tuple[str, ConvShape]]:
        """Those of `layers` that do not stay dense."""
        return [(name, conv) for name, conv in self.layers if name not in self.config.pruning.skip]

    @property
    def convs(self) -> list[str]:
        """The distinct convolutions, as shape strings."""
        return list(dict.fromkeys(str(shape) for _, shape in self.layers))

    def pattern_columns(self, variant: str) -> dict[str, Any]:
        """Columns n, m and sparsity of a table row. With `m: full`, n is the share that is kept."""
        if variant == DENSE:
            return {"n": None, "m": None, "sparsity": 0.0}
        pattern = self.pattern(variant)
        kept = 1 - pattern.sparsity if pattern.n is None else pattern.n
        return {"n": float(kept), "m": str(pattern.m), "sparsity": pattern.sparsity}
