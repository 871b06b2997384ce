# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Runs by schedules tuned for a core of the band stand beside those by the nominal core's."""

import json
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.reference import REFERENCE
from colonnade.evaluation.tables import retuned_table
from colonnade.results.tables import (
    SENSITIVITY_RETUNED,
    THROUGHPUT_BAND,
    read_table,
    write_table,
)

HALF = {"n": 0.5, "m": "full", "sparsity": 0.5}
TWO_OF_FOUR = {"n": 2.0, "m": "4", "sparsity": 0.5}
DENSE = {"n": None, "m": None, "sparsity": 0.0}


def ran(core: str, implementation: str, cycles: int, pattern: dict[str, Any]) -> dict[str, Any]:
    """A row of the band; XNNPACK takes 800 cycles."""
    return {
        **{"core": core, "model": "resnet18", "batch": 1, "image_px": 224, "target": "x60"},
        **{"vlen": 256, "threads": 1, "implementation": implementation, "cycles": cycles},
        **{"images_per_s": 1.0, "speedup_vs_xnnpack_dense": 800 / cycles, "evidence": "modelled"},
        "speedup_vs_best_dense": 800 / cycles,
        **{"checkpoint_sha256": "s", "dtype": "f32", **pattern},
    }


@pytest.fixture
def band(tmp_path: Path) -> Path:
    rows = [
        ran(core, implementation, cycles, pattern)
        for core, factor in (("nominal", 1), ("slow", 2))
        for implementation, cycles, pattern in (
            (REFERENCE, 800 // factor, DENSE),
            ("colnm_dense", 400 * factor, DENSE),
            ("colnm_tuned", 200 * factor, HALF),
            ("colnm_tuned", 250 * factor, TWO_OF_FOUR),
        )
    ]
    # Neither is of the same datatype and as many cores.
    rows += [{**rows[-2], "dtype": "f16"}, {**rows[-2], "threads": 4}]
    write_table(tmp_path / "band.csv", THROUGHPUT_BAND, rows)
    return tmp_path / "band.csv"


def report(folder: Path, implementation: str, cycles: int) -> Path:
    path = folder / f"{implementation}.json"
    document = {
        **{"model": "resnet18", "checkpoint_sha256": "s", "implementation": implementation},
        **{"threads": 1, "layers": [], "total": {"cycles": cycles, "seconds": 1.0}},
    }
    path.write_text(json.dumps(document))
    return path


def test_both_are_of_the_same_core(tmp_path: Path, band: Path) -> None:
    runs = [
        ("slow", report(tmp_path, "colnm_dense", 640), DENSE),
        ("slow", report(tmp_path, "colnm_tuned", 320), HALF),
        ("slow", report(tmp_path, "colnm_tuned", 320), TWO_OF_FOUR),
    ]
    retuned_table(runs, band, tmp_path / "retuned.csv")
    dense, half, grouped = read_table(tmp_path / "retuned.csv", SENSITIVITY_RETUNED).rows(
        named=True
    )
    assert dense == {
        **{"core": "slow", "model": "resnet18", "target": "x60", "implementation": "colnm_dense"},
        **{"n": None, "m": None, "sparsity": 0.0, "cycles": 800, "retuned_cycles": 640},
        **{"speedup_vs_xnnpack_dense": 1.0, "retuned_speedup": 400 / 640},
    }
    assert (half["cycles"], half["retuned_cycles"]) == (400, 320)
    assert (half["speedup_vs_xnnpack_dense"], half["retuned_speedup"]) == (2.0, 1.25)
    assert (grouped["n"], grouped["m"], grouped["cycles"]) == (2.0, "4", 500)


@pytest.mark.parametrize(
    ("core", "pattern", "found"),
    [("quick", HALF, "0 runs of colnm_tuned at sparsity 0.5, 0 of"), ("slow", DENSE, "0 runs")],
)
def test_a_run_that_the_band_has_not_is_refused(
    tmp_path: Path, band: Path, core: str, pattern: dict[str, Any], found: str
) -> None:
    table = tmp_path / "retuned.csv"
    with pytest.raises(ColonnadeError) as caught:
        retuned_table([(core, report(tmp_path, "colnm_tuned", 1), pattern)], band, table)
    assert str(caught.value).startswith(f"{band}: core {core}: {found}")
    assert not table.exists()
