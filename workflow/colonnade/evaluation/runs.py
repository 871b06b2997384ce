# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which whole networks are run, an implementation of a variant each, and which compete."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from colonnade.common.reference import REFERENCE
from colonnade.config.pruning import Pattern

ALGORITHMS = ("packed", "direct", "tuned")
"""How pruned networks are executed: all layers by one algorithm, or each by its fastest."""


def timed_runs(
    dense: str, pruned: Sequence[str], algorithms: Sequence[str] = ALGORITHMS
) -> list[tuple[str, str]]:
    """(implementation, variant) of every row of the throughput table, the baseline first.

    `dense` labels the unpruned variant, `pruned` the others, which run by each of `algorithms`.
    """
    return [
        (REFERENCE, dense),
        ("colnm_dense", dense),
        *((f"colnm_{algorithm}", variant) for variant in pruned for algorithm in algorithms),
    ]


# Cores of a cluster of the X60, and of the four-core chips beside it.
TEAM = 4


class BandRun(NamedTuple):
    """An implementation of a variant that is modelled on every core of a band."""

    implementation: str
    variant: str
    dtype: str
    threads: int

    @property
    def name(self) -> str:
        """What the run is called in files."""
        return f"{self.implementation}-{self.dtype}-{self.threads}"


def plan_band_runs(dense: str, pruned: Sequence[str], threads: int) -> list[BandRun]:
    """What is run over a band: all that the throughput table has, so that claims ask for the same runs.

    The last of them, of the last pruned variant as it was tuned, runs in f16 too, and on `TEAM` cores
    where the others run on fewer.
    """
    alike = [BandRun(*run, "f32", threads) for run in timed_runs(dense, pruned)]
    last = alike[-1]
    return [
        *alike,
        last._replace(dtype="f16"),
        *([last._replace(threads=TEAM)] if threads < TEAM else []),
    ]


@dataclass(frozen=True)
class Step:
    """A step of the speedup: one change, and the run that has it, of a variant of that sparsity."""

    name: str
    implementation: str
    variant: str
    sparsity: float = 0.0


def plan_steps(dense: str, patterns: Sequence[Pattern]) -> list[Step]:
    """The steps up to the sparsest column-wise pattern of all columns (`m: full`) and profiled tiles.

    `dense` labels the unpruned variant. It is tuned before anything is pruned: what pruning gives is
    over the fastest dense network of ours.
    """
    steps = [
        Step("XNNPACK's dense NHWC", REFERENCE, dense),
        Step("channel-major layout, im2col, then packing", "colnm_unpipelined", dense),
        Step("software-pipelined kernels, profiled schedules", "colnm_unfused", dense),
        Step("im2col fused with packing", "colnm_packed", dense),
        Step("no packing", "colnm_direct", dense),
        Step("each layer's fastest algorithm, Winograd's among them", "colnm_dense", dense),
    ]
    plain = [p for p in patterns if p == Pattern(m="full", sparsity=p.sparsity)]
    for pattern in sorted(plain, key=lambda p: p.sparsity):
        name = f"{pattern.sparsity:.0%} of the columns removed, where that is faster"
        steps.append(Step(name, "colnm_tuned", pattern.label, pattern.sparsity))
    return steps


UNIFORM, PER_LAYER = "uniform", "per layer"
"""Kinds of pruned networks: by one pattern, or by one for each layer."""


class Network(NamedTuple):
    """A network on the Pareto front: its name, and `dense` or the kind of a pruned one."""

    name: str
    kind: str
