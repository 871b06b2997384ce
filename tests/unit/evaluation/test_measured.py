# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where time is measured: what needs the model is refused by name, and a row is compared by its noise."""

from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_json
from colonnade.common.reference import REFERENCE
from colonnade.config.schema import ThroughputConfig
from colonnade.config.target import TargetConfig
from colonnade.container import CompletedRun
from colonnade.evaluation.bounds import bounds_table
from colonnade.evaluation.packing_cost import packing_table
from colonnade.evaluation.tables import throughput_table
from colonnade.results.regression import compare
from colonnade.results.tables import THROUGHPUT, read_table, write_table
from colonnade.targets.target import Target

from .packaged import EMULATED


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
        **{
            "images_per_s": 1.0,
            "cycles": cycles,
            "speedup_vs_xnnpack_dense": 1.0,
            "speedup_vs_best_dense": 1.0,
        },
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
    assert report.read_text() == (f"{baseline}: has no row of {ours}; nothing compared\n")


def test_patterns_of_one_sparsity_are_compared_each_with_itself(tmp_path: Path) -> None:
    ours, baseline, report = (tmp_path / name for name in ("ours.csv", "base.csv", "nightly.txt"))
    rows = [
        {**run("x60", cycles), "n": n, "m": m, "sparsity": 0.75}
        for n, m, cycles in ((1.0, "4", 80), (0.25, "full", 50))
    ]
    write_table(ours, THROUGHPUT, [run("x60", 100), *rows])
    write_table(baseline, THROUGHPUT, [*rows[::-1], run("x60", 100)])
    compare(ours, baseline, 0, report)
    assert report.read_text().splitlines() == [
        "resnet18 colnm_dense at 0%: 100 -> 100 cycles (+0.00%)",
        "resnet18 colnm_dense at 75% (1:4): 80 -> 80 cycles (+0.00%)",
        "resnet18 colnm_dense at 75%: 50 -> 50 cycles (+0.00%)",
    ]


QUIET = {"mhz": 1000.0, "others_percent": 0.0, "steal_percent": 0.0, "under_load": 0}


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        ({"images_per_s": 100.0}, {}, "10.000 ms (+0.0%): not decided: within 5.0%"),
        ({"images_per_s": 95.3}, {}, "10.493 ms (+4.9%): not decided: within 5.0%"),
        ({"images_per_s": 94.0}, {}, "10.638 ms (+6.4%): slower, by more than 5.0%"),
        ({"images_per_s": 94.0}, {"spread_percent": 7.0}, "(+6.4%): not decided: within 7.0%"),
        ({"images_per_s": 94.0, "spread_percent": 7.0}, {}, "(+6.4%): not decided: within 7.0%"),
        ({"images_per_s": 94.0}, {"under_load": 1}, "(+6.4%): not decided: measured under load"),
        ({"images_per_s": 94.0, "under_load": 1}, {}, "(+6.4%): not decided: measured under load"),
        ({"images_per_s": 94.0}, {"spread_percent": None}, "a run's spread is not known"),
        ({"images_per_s": 125.0}, {}, "8.000 ms (-20.0%): faster, by more than 5.0%"),
    ],
)
def test_measured_rows_are_compared_by_their_noise(
    tmp_path: Path, now: dict[str, Any], before: dict[str, Any], said: str
) -> None:
    ours, baseline, report = (tmp_path / name for name in ("ours.csv", "base.csv", "nightly.txt"))
    row = {**run("host", None), **QUIET, "images_per_s": 100.0, "spread_percent": 1.0}
    write_table(ours, THROUGHPUT, [row | now])
    write_table(baseline, THROUGHPUT, [row | before])
    if "slower" in said:
        with pytest.raises(ColonnadeError, match=r"slower than the baseline") as refused:
            compare(ours, baseline, 0, report)
        text = str(refused.value)
        assert not report.exists()
    else:
        compare(ours, baseline, 0, report)
        text = report.read_text()
    assert text.strip().endswith(said)
    assert "resnet18 colnm_dense at 0%: 10.000 -> " in text


@pytest.mark.parametrize(
    ("total", "spread"),
    [
        ({"cycles": None, "seconds": 0.4, "samples": [0.4, 0.2, 0.3, 0.6, 0.5]}, 50),
        ({"cycles": None, "seconds": 0.4, "samples": [0.4]}, None),
        ({"cycles": 5, "seconds": 0.4, "samples": [0.4, 0.4]}, None),
    ],
)
def test_a_measured_row_has_its_spread(
    tmp_path: Path, total: dict[str, Any], spread: float | None
) -> None:
    timed = ThroughputConfig(image_px=32, batch=1, threads=1, repetitions=5, warmup=0)
    report = {"model": "resnet18", "checkpoint_sha256": "a", "implementation": REFERENCE}
    write_json(tmp_path / "run.json", {**report, "threads": 1, "layers": [], "total": total})
    table = tmp_path / "throughput.csv"
    pattern = {"n": None, "m": None, "sparsity": 0.0}
    target = HOST if total["cycles"] is None else Target("x60", EMULATED, NoContainer())
    throughput_table(timed, [(target, tmp_path / "run.json", pattern)], table)
    (found,) = read_table(table, THROUGHPUT)["spread_percent"]
    assert found == pytest.approx(spread)
