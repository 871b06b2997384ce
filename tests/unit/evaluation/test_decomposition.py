# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The decomposition changes one thing at a time, and its factors multiply to the whole."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from colonnade.common.files import write_json
from colonnade.config.pruning import Pattern
from colonnade.evaluation.runs import plan_steps
from colonnade.evaluation.tables import decomposition_table
from colonnade.results.tables import DECOMPOSITION, read_table
from colonnade.targets.target import Target

PATTERNS = [
    Pattern(m="full", sparsity=0.75),
    Pattern(n=1, m=4),
    Pattern(m="full", sparsity=0.5),
    Pattern(m="full", sparsity=0.9, method="row-wise"),
    Pattern(m="full", sparsity=0.8, tile=8),
]


def runs_of(patterns: list[Pattern]) -> list[tuple[str, str, float]]:
    return [(s.implementation, s.variant, s.sparsity) for s in plan_steps("dense", patterns)]


def test_steps_end_at_the_sparsest_pattern() -> None:
    dense = [
        (implementation, "dense", 0.0)
        for implementation in (
            "xnnpack_nhwc_dense",
            "colnm_unpipelined",
            "colnm_unfused",
            "colnm_packed",
            "colnm_direct",
            "colnm_dense",
        )
    ]
    assert runs_of(PATTERNS) == [
        *dense,
        ("colnm_tuned", PATTERNS[2].label, 0.5),
        ("colnm_tuned", PATTERNS[0].label, 0.75),
    ]
    assert runs_of([PATTERNS[1]]) == dense


@pytest.mark.parametrize("modelled", [True, False])
def test_factors_multiply_to_the_whole(tmp_path: Path, modelled: bool) -> None:
    target: Any = SimpleNamespace(
        evidence="modelled" if modelled else "measured", milliseconds=lambda cycles: cycles / 1e3
    )
    runs = []
    for index, step in enumerate(plan_steps("dense", PATTERNS)):
        time = 9000 // (index + 1)
        total = {"cycles": time if modelled else None, "seconds": time / 1e6}
        report = tmp_path / f"{index}.json"
        names = {"model": "resnet50", "checkpoint_sha256": "0", "implementation": "any"}
        write_json(report, {**names, "threads": 1, "layers": [], "total": total})
        runs.append((step, report))
    table = tmp_path / "decomposition.csv"
    decomposition_table(cast(Target, target), runs, table)
    rows = read_table(table, DECOMPOSITION).rows(named=True)
    assert math.prod(row["factor_to_previous"] for row in rows) == pytest.approx(9000 / (9000 // 8))
    assert {row["evidence"] for row in rows} == {target.evidence}
    assert [row["cycles"] is None for row in rows] == [not modelled] * 8
