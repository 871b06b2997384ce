# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where time is measured: what needs the timing model is refused by name, and nothing is made of it."""

from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.config.target import TargetConfig
from colonnade.container import CompletedRun
from colonnade.evaluation.bounds import bounds_table
from colonnade.evaluation.packing_cost import packing_table
from colonnade.results.regression import compare
from colonnade.results.tables import THROUGHPUT, write_table
from colonnade.targets.target import Target


class NoContainer:
    """Runs nothing."""

    def run(self, *_: Any, **__: Any) -> CompletedRun:
        raise AssertionError


HOST = Target("host", TargetConfig(kind="host"), NoContainer())


def run(target: str, cycles: int | None) -> dict[str, Any]:
    evidence = "measured" if cycles is None else "modelled"
    return {
        **{"model": "resnet18", "batch": 1, "image_px": 32, "target": target, "vlen": 0},
        **{"threads": 1, "implementation": "colnm_dense", "n": None, "m": None, "sparsity": 0.0},
        **{"images_per_s": 1.0, "cycles": cycles, "speedup_vs_xnnpack_dense": 1.0},
        **{"evidence": evidence, "checkpoint_sha256": "a"},
    }


def test_tables_of_the_model_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    match = r"table\.csv: time on target host is measured"
    with pytest.raises(ColonnadeError, match=match):
        bounds_table([], "resnet18", 1, HOST, table)
    with pytest.raises(ColonnadeError, match=match):
        packing_table([], "resnet18", HOST, table)
    assert not table.exists()


@pytest.mark.parametrize(("target", "cycles"), [("host", None), ("x60", 5)])
def test_a_run_without_a_row_in_common_with_the_baseline_says_so(
    tmp_path: Path, target: str, cycles: int | None
) -> None:
    ours, baseline, report = (tmp_path / name for name in ("ours.csv", "base.csv", "nightly.txt"))
    write_table(ours, THROUGHPUT, [run(target, cycles)])
    write_table(baseline, THROUGHPUT, [run("host", 7)])
    compare(ours, baseline, 1, report)
    assert report.read_text() == (
        f"{baseline}: has modelled cycles of no row of {ours}; nothing compared\n"
    )
