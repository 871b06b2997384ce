# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Conclusions over a band of cores: found, ranged, and marked where they change."""

import json
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.evaluation.runs import BandRun
from colonnade.results.records import OverBand
from colonnade.results.tables import SENSITIVITY, read_table
from colonnade.validation.band import read_band, write_core, write_cores
from colonnade.validation.sensitivity import read_reports, write_sensitivity

BAND = Path("kernels/timing/bands/x60.json")


BASE = BandRun("base", "dense", "f32", 1)
DENSE = BandRun("ours", "dense", "f32", 1)
HALF = BandRun("ours", "half", "f32", 1)
WORSE = BandRun("ours", "worse", "f32", 1)
F16 = HALF._replace(dtype="f16")
TEAM = HALF._replace(threads=4)


def report(run: BandRun, **cycles: tuple[int, int]) -> OverBand:
    """Of two convolutions and a layer that takes nothing, on each core."""
    names = ("conv1", "conv2", "fc")
    layers = [{"name": name, "op": "conv2d" if name != "fc" else name} for name in names]
    return {  # type: ignore[return-value]
        **{"model": "m", "checkpoint_sha256": "s", "implementation": run.implementation},
        **{"dtype": run.dtype, "threads": run.threads, "layers": layers},
        "cycles": {core: [*each, 0] for core, each in cycles.items()},
    }


REPORTS = {
    BASE: report(BASE, nominal=(100, 300), slow=(100, 700), fast=(100, 200)),
    DENSE: report(DENSE, nominal=(50, 150), slow=(50, 250), fast=(50, 150)),
    HALF: report(HALF, nominal=(40, 60), slow=(60, 340), fast=(20, 40)),
    WORSE: report(WORSE, nominal=(200, 300), slow=(200, 1000), fast=(200, 200)),
    F16: report(F16, nominal=(20, 30), slow=(60, 240), fast=(10, 20)),
    TEAM: report(TEAM, nominal=(10, 15), slow=(60, 140), fast=(10, 20)),
}


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, Any]]:
    table = tmp_path / "sensitivity.csv"
    write_sensitivity(REPORTS, table, tmp_path / "sensitivity.md")
    return read_table(table, SENSITIVITY).rows(named=True)


@pytest.mark.parametrize(
    ("kind", "text", "values"),
    [
        ("speedup", "ours half is faster than base dense", (4, 2, 4, 5)),
        ("speedup", "ours worse is slower than base dense", (1.25, 1.25, 4 / 3, 1.5)),
        ("layout", "ours dense is faster than base dense", (2, 1.5, 2, 8 / 3)),
        ("pruning", "ours half is faster than ours dense", (2, 0.75, 2, 10 / 3)),
        ("f16", "ours half in f16 is faster than ours half", (2, 4 / 3, 2, 2)),
        ("threads", "ours half on 4 cores is faster than ours half", (4, 2, 2, 4)),
    ],
)
def test_values_have_their_range(
    rows: list[dict[str, Any]], kind: str, text: str, values: tuple[float, ...]
) -> None:
    (row,) = [row for row in rows if (row["kind"], row["conclusion"]) == (kind, text)]
    found = [row[key] for key in ("nominal", "lowest", "median", "highest")]
    assert found == pytest.approx(values)
    assert row["cores"] == 3
    assert row["holds"] == (values[1] > 1)
    if text == "ours half is faster than base dense":
        assert (row["lowest_with"], row["highest_with"]) == ("slow", "fast")


def test_an_order_that_changes_does_not_hold(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    order = {row["conclusion"]: row["holds"] for row in rows if row["kind"] == "order"}
    assert order == {
        "ours half is faster than ours dense": 0,
        "ours dense is faster than base dense": 1,
        "base dense is faster than ours worse": 1,
    }
    text = (tmp_path / "sensitivity.md").read_text()
    assert text.startswith(
        "| on 3 cores | nominal | lowest | median | highest |\n|---|---|---|---|---|\n"
    )
    row = "| ours half is faster than ours dense | 2.00 | 0.75 (slow) | 2.00 | 3.33 (fast) |"
    assert text.splitlines().count(row) == 1
    # Of single convolutions only what changes is said.
    below = text.partition("\n\nNot so on every core:\n")[2].splitlines()
    assert below == [
        "- ours half is faster than ours dense: 0.75 with slow",
        "- conv1: ours half is faster than ours dense: 0.83 with slow",
        "- conv2: ours half is faster than ours dense: 0.74 with slow",
    ]


def test_each_convolution_has_its_winner(rows: list[dict[str, Any]]) -> None:
    layers = {row["conclusion"]: row["holds"] for row in rows if row["kind"] == "layer"}
    assert layers == {
        "conv1: ours half is faster than ours dense": 0,
        "conv2: ours half is faster than ours dense": 0,
    }


def test_nothing_is_concluded_about_equals(tmp_path: Path) -> None:
    """Runs of the same schedules differ by less than a thousandth, in either direction."""
    reports = {
        BASE: report(BASE, nominal=(100_000, 300_000)),
        DENSE: report(DENSE, nominal=(40_001, 60_000)),
        HALF: report(HALF, nominal=(40_002, 60_001)),
    }
    table = tmp_path / "sensitivity.csv"
    write_sensitivity(reports, table, tmp_path / "sensitivity.md")
    rows = read_table(table, SENSITIVITY).rows(named=True)
    assert [row["conclusion"] for row in rows if row["kind"] in {"order", "layer"}] == [
        "ours dense is faster than base dense",
        "conv1: ours dense is faster than base dense",
        "conv2: ours dense is faster than base dense",
    ]


def test_reports_of_other_cores_are_refused_by_name(tmp_path: Path) -> None:
    files = {run: tmp_path / f"{run.name}.json" for run in (BASE, DENSE)}
    files[BASE].write_text(json.dumps(REPORTS[BASE]))
    files[DENSE].write_text(json.dumps(report(DENSE, nominal=(1, 2), quick=(1, 2))))
    with pytest.raises(ColonnadeError) as caught:
        read_reports(list(files.items()))
    assert str(caught.value) == (
        f"{files[DENSE]}: cycles: of nominal, quick; allowed: nominal, slow, fast"
    )


def test_the_sample_varies_everything_at_once_between_its_ends() -> None:
    """A Latin hypercube: each parameter has as many values as there are cores, both ends among them."""
    sample = read_band(BAND).sample
    assert sample is not None
    cores = sample.variants()
    assert len(cores) == sample.cores >= 30
    assert cores == sample.variants()
    assert len({each.name for each in cores}) == len(cores)
    paths = [parameter.path for parameter in sample.parameters]
    assert len(set(paths)) == len(paths) >= 15
    orders = set()
    for parameter in sample.parameters:
        values = [core.set[parameter.path] for core in cores]
        steps = [parameter.at(i / (len(cores) - 1)) for i in range(len(cores))]
        assert sorted(map(str, values)) == sorted(map(str, steps))
        assert parameter.low in values
        assert parameter.high in values
        orders.add(tuple(steps.index(value) for value in values))
    # No two parameters rise together.
    assert len(orders) == len(paths)


def test_another_seed_draws_other_cores() -> None:
    sample = read_band(BAND).sample
    assert sample is not None
    other = sample.model_copy(update={"seed": sample.seed + 1})
    assert other.variants() != sample.variants()


def test_a_variant_differs_in_what_it_sets(tmp_path: Path) -> None:
    band = read_band(BAND)
    nominal = json.loads(band.core.read_text())
    assert len(band.variants) > 2
    written = write_cores(BAND, tmp_path)
    assert [path.stem for path in written] == [core.name for core in band.cores]
    for variant, path in zip(band.cores, written, strict=True):
        assert variant.set
        changed = json.loads(path.read_text())
        assert changed != nominal
        for key_path, value in variant.set.items():
            found: Any = changed
            for key in key_path.split("."):
                found = found[key]
            assert found == value


def test_cores_that_are_tuned_for_are_described(tmp_path: Path) -> None:
    band = read_band(BAND)
    assert len(band.retuned) > 1
    for name in band.retuned:
        write_core(BAND, name, tmp_path / "core.json")
        assert json.loads((tmp_path / "core.json").read_text()) == band.description(name)


def test_cores_that_are_tuned_for_are_of_the_band(tmp_path: Path) -> None:
    broken = tmp_path / "band.json"
    broken.write_text(json.dumps({**json.loads(BAND.read_text()), "retuned": ["quick"]}))
    with pytest.raises(ColonnadeError, match=r"band\.json: .*quick; allowed: slow-memory, "):
        read_band(broken)


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match="variant of the core 'none': allowed: slow-memory, "):
        read_band(BAND).description("none")
    broken = tmp_path / "band.json"
    band = json.loads(BAND.read_text())
    band["variants"][0]["set"] = {"miss.l3.latency": 5}
    broken.write_text(json.dumps(band))
    with pytest.raises(ColonnadeError, match=r"has no miss\.l3\.latency, which variant 'slow-mem"):
        write_cores(broken, tmp_path / "cores")
    assert not (tmp_path / "cores").exists()
