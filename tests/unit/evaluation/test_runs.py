# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which whole networks are run, and which of them over a band."""

import pytest

from colonnade.common.reference import REFERENCE
from colonnade.evaluation.runs import TEAM, plan_band_runs, timed_runs


@pytest.mark.parametrize("threads", [1, TEAM])
@pytest.mark.parametrize("pruned", [[], ["half"], ["half", "most"]])
def test_the_band_has_every_run_of_the_throughput_table(pruned: list[str], threads: int) -> None:
    """Else a claim would be of one network on the nominal core, and of another on the others."""
    runs = plan_band_runs("dense", pruned, threads)
    alike = [(run.implementation, run.variant) for run in runs if run[2:] == ("f32", threads)]
    assert alike == timed_runs("dense", pruned)
    assert len(alike) == 2 + 3 * len(pruned)
    assert alike[0] == (REFERENCE, "dense")
    others = {run[2:]: run[:2] for run in runs if run[2:] != ("f32", threads)}
    last = ("colnm_tuned", pruned[-1]) if pruned else ("colnm_dense", "dense")
    assert others == {("f16", threads): last} | ({("f32", TEAM): last} if threads < TEAM else {})
