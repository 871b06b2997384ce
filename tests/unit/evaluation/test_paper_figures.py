# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The paper's networks: what is run of each, and the mixed layout that is added up."""

from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_json
from colonnade.common.reference import REFERENCE
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ThroughputConfig
from colonnade.evaluation import paper_figures
from colonnade.evaluation.paper_figures import CONVERTED_AT, run_paper_network
from colonnade.evaluation.paper_table import paper_table
from colonnade.models.networks import network
from colonnade.package.untrained import Variant
from colonnade.results.claims import write_claims
from colonnade.results.tables import THROUGHPUT, read_table
from colonnade.targets.target import Target

from .packaged import EMULATED

CLAIMS_FILE = Path(__file__).resolve().parents[3] / "config/claims.yaml"
PATTERNS = (Pattern(m="full", sparsity=0.5), Pattern(m="full", sparsity=0.75))
TIMED = ThroughputConfig(image_px=32, batch=1, threads=1, repetitions=1, warmup=0)
# Cycles of the stem, of the first stage's layer, and of the classifier.
CYCLES = {
    (REFERENCE, "dense"): (100, 800, 60),
    ("colnm_dense", "dense"): (70, 400, 50),
    ("colnm_tuned", "full0.5"): (70, 200, 50),
    ("colnm_tuned", "full0.75"): (70, 100, 50),
}


class _Nobody:
    """A container in which nothing runs."""

    def run(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nothing runs")


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Target:
    """A modelled target whose runs are those of `CYCLES`."""

    def write(folder: Path, *_: Any) -> list[Variant]:
        labels = {"dense": 0.0, **{each.label: each.sparsity for each in PATTERNS}}
        return [Variant(name, s, folder / f"{name}.x", folder / name) for name, s in labels.items()]

    def run(
        target: Target,
        package: Path,
        implementation: str,
        schedules: Path,
        images: Path,
        *more: Any,
    ) -> None:
        assert images.is_file()
        assert schedules == Path("schedules.json")
        cycles = CYCLES[implementation, package.name]
        names = ("conv1", "layer1.0.conv1", "fc")
        layers = [
            {"name": name, "op": "conv2d", "cycles": each, "seconds": 1e-9 * each}
            for name, each in zip(names, cycles, strict=True)
        ]
        total = {"cycles": sum(cycles), "seconds": 1e-9 * sum(cycles)}
        report = {
            **{"model": "resnet18", "checkpoint_sha256": package.name, "threads": 1},
            **{"implementation": implementation, "layers": layers, "total": total},
        }
        write_json(more[-1], report)

    monkeypatch.setattr(paper_figures, "write_variants", write)
    monkeypatch.setattr(paper_figures, "run_network", run)
    found = Target("x60", EMULATED, _Nobody())
    monkeypatch.setattr(Target, "check_built", lambda *_: None)
    return found


def runs_of(target: Target, name: str, tmp_path: Path) -> Path:
    output = tmp_path / f"{name}.json"
    schedules = Path("schedules.json")
    run_paper_network(target, name, PATTERNS, TIMED, [], schedules, 1, output)  # type: ignore[arg-type]
    return output


def test_a_mixed_run_has_the_layers_of_xnnpack_before_the_first_stage(
    target: Target, tmp_path: Path
) -> None:
    found = read_json(runs_of(target, "resnet18", tmp_path))
    runs = [each["run"] for each in found]
    assert [each["implementation"] for each in runs] == [
        *(REFERENCE, "colnm_dense", "colnm_tuned", "colnm_tuned"),
        *("mixed_colnm_dense", "mixed_colnm_tuned", "mixed_colnm_tuned"),
    ]
    assert [each["sparsity"] for each in found] == [0, 0, 0.5, 0.75, 0, 0.5, 0.75]
    assert [each["total"]["cycles"] for each in runs[4:]] == [550, 350, 250]
    assert [each["cycles"] for each in runs[6]["layers"]] == [100, 100, 50]


def test_a_network_that_the_paper_does_not_have_is_not_mixed(
    target: Target, tmp_path: Path
) -> None:
    assert len(read_json(runs_of(target, "vgg16", tmp_path))) == 4


def test_runs_without_the_stage_are_refused(target: Target, tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match=r"resnet18: has no layer features\.1\.\*"):
        runs_of(target, "mobilenet_v2", tmp_path)


def test_the_table_compares_each_network_with_its_own_baseline(
    target: Target, tmp_path: Path
) -> None:
    first = runs_of(target, "resnet18", tmp_path)
    other = read_json(first)
    for each in other:
        each["run"]["model"] = "resnet34"
        each["run"]["total"]["cycles"] *= 3
    second, table = tmp_path / "second.json", tmp_path / "throughput.csv"
    write_json(second, other)
    paper_table(target, TIMED, [first, second], table)
    rows = read_table(table, THROUGHPUT).rows(named=True)
    assert len(rows) == 14
    speedups = [row["speedup_vs_xnnpack_dense"] for row in rows]
    assert speedups[:4] == pytest.approx([1, 960 / 520, 960 / 320, 960 / 220])
    assert speedups[7:] == pytest.approx(speedups[:7])
    # The fastest dense network is ours.
    over_dense = [row["speedup_vs_best_dense"] for row in rows]
    assert over_dense[:4] == pytest.approx([520 / 960, 1, 520 / 320, 520 / 220])
    assert over_dense[7:] == pytest.approx(over_dense[:7])
    assert rows[3]["n"] == 0.25
    assert rows[3]["m"] == "full"
    assert rows[0]["m"] is None
    with pytest.raises(ColonnadeError, match="accuracy were not given"):
        write_claims(CLAIMS_FILE, [table], tmp_path / "claims.json")
    write_claims(CLAIMS_FILE, [table], tmp_path / "claims.json", in_part=True)
    claims = {each["id"]: each for each in read_json(tmp_path / "claims.json")}
    assert claims["resnet18-34-speedup"]["our_value"] == pytest.approx(960 / 220)
    assert {claims[name]["verdict"] for name in ("top1", "model-size", "mobilenet-drop")} == {
        "not run"
    }


@pytest.mark.parametrize("name", CONVERTED_AT)
def test_networks_have_the_stage_at_which_the_paper_converts(name: str) -> None:
    names = [node.name for node in network(name, 10).nodes]
    assert any(each.startswith(CONVERTED_AT[name]) for each in names)
    assert not names[0].startswith(CONVERTED_AT[name])
