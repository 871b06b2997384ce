# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Conclusions over a band of cores: found, ranged, and marked where they change."""

import json
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.results.tables import SENSITIVITY, read_table
from colonnade.validation.band import read_band, write_core_variant
from colonnade.validation.sensitivity import NOMINAL, write_sensitivity

BAND = Path("kernels/timing/bands/x60.json")


def report(total: int, **layers: int) -> dict[str, Any]:
    entries = [{"name": name, "op": "conv2d", "cycles": cycles} for name, cycles in layers.items()]
    other = {"name": "fc", "op": "fully_connected", "cycles": 5}
    return {"total": {"cycles": total}, "layers": [*entries, other]}


REPORTS = {
    NOMINAL: {
        "base": report(400, conv1=100, conv2=300),
        "ours": report(100, conv1=40, conv2=60),
        "other": report(200, conv1=50, conv2=150),
        "worse": report(500, conv1=200, conv2=400),
    },
    "slow": {
        "base": report(800, conv1=100, conv2=300),
        "ours": report(400, conv1=60, conv2=60),
        "other": report(300, conv1=50, conv2=150),
        "worse": report(1200, conv1=200, conv2=400),
    },
}


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, Any]]:
    table = tmp_path / "sensitivity.csv"
    write_sensitivity(REPORTS, "base", table, tmp_path / "sensitivity.txt")
    return read_table(table, SENSITIVITY).rows(named=True)


def test_speedups_have_their_range(rows: list[dict[str, Any]]) -> None:
    speedups = {row["conclusion"]: row for row in rows if row["kind"] == "speedup"}
    ours = speedups["ours is faster than base"]
    assert (ours["nominal"], ours["lowest"], ours["highest"]) == (4, 2, 4)
    assert (ours["lowest_with"], ours["highest_with"], ours["holds"]) == ("slow", NOMINAL, 1)
    worse = speedups["worse is slower than base"]
    assert (worse["nominal"], worse["lowest"], worse["holds"]) == (1.25, 1.25, 1)
    assert len(speedups) == 3


def test_an_order_that_changes_does_not_hold(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    order = {row["conclusion"]: row["holds"] for row in rows if row["kind"] == "order"}
    assert order == {
        "ours is faster than other": 0,
        "other is faster than base": 1,
        "base is faster than worse": 1,
    }
    text = (tmp_path / "sensitivity.txt").read_text()
    assert "ours is faster than other: 2.00x; 0.75 (slow) to 2.00 (nominal): CHANGES" in text


def test_each_convolution_has_its_winner(rows: list[dict[str, Any]]) -> None:
    layers = {row["conclusion"]: row["holds"] for row in rows if row["kind"] == "layer"}
    assert layers == {
        "conv1: ours is faster than other": 0,
        "conv2: ours is faster than other": 1,
    }


def test_nothing_is_concluded_about_equals(tmp_path: Path) -> None:
    """Runs of the same schedules differ by less than a thousandth, in either direction."""
    reports = {
        NOMINAL: {
            "base": report(400_000, conv1=100_000, conv2=300_000),
            "ours": report(100_000, conv1=100_001, conv2=60_000),
            "same": report(100_001, conv1=100_002, conv2=60_001),
        }
    }
    table = tmp_path / "sensitivity.csv"
    write_sensitivity(reports, "base", table, tmp_path / "sensitivity.txt")
    rows = read_table(table, SENSITIVITY).rows(named=True)
    assert [row["conclusion"] for row in rows if row["kind"] != "speedup"] == [
        "ours is faster than base",
        "conv2: ours is faster than base",
    ]


def test_a_variant_differs_in_what_it_sets(tmp_path: Path) -> None:
    band = read_band(BAND)
    nominal = json.loads(band.core.read_text())
    assert len(band.variants) > 2
    for variant in band.variants:
        assert variant.set
        target = tmp_path / f"{variant.name}.json"
        write_core_variant(BAND, variant.name, target)
        changed = json.loads(target.read_text())
        assert changed != nominal
        for path, value in variant.set.items():
            found: Any = changed
            for key in path.split("."):
                found = found[key]
            assert found == value


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match="variant of the core 'none': allowed: slow-memory, "):
        write_core_variant(BAND, "none", tmp_path / "core.json")
    broken = tmp_path / "band.json"
    band = json.loads(BAND.read_text())
    band["variants"][0]["set"] = {"miss.l3.latency": 5}
    broken.write_text(json.dumps(band))
    with pytest.raises(ColonnadeError, match=r"has no miss\.l3\.latency, which variant 'slow-mem"):
        write_core_variant(broken, "slow-memory", tmp_path / "core.json")
    assert not (tmp_path / "core.json").exists()
