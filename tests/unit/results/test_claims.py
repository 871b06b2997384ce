# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Claims are judged from the tables alone, and say so when they were not run."""

import json
from pathlib import Path
from typing import Any

import pytest

from colonnade.results.claims import reaches, stays_within, write_claims
from colonnade.results.tables import ACCURACY, THROUGHPUT, write_table

CONTRACT = {"id", "claim", "paper_value", "our_value", "evidence", "verdict", "artifacts"}


def network(implementation: str, sparsity: float, speedup: float) -> dict[str, Any]:
    return {
        "model": "resnet18",
        "batch": 1,
        "image_px": 224,
        "target": "x60",
        "vlen": 256,
        "threads": 1,
        "implementation": implementation,
        "n": None if sparsity == 0 else 1 - sparsity,
        "m": None if sparsity == 0 else "full",
        "sparsity": sparsity,
        "images_per_s": 2.0 * speedup,
        "cycles": int(8e8 / speedup),
        "speedup_vs_xnnpack_dense": speedup,
        "evidence": "modelled",
        "checkpoint_sha256": f"sha{sparsity}",
    }


def evaluated(sparsity: float, top1: float, executed_on: str, agreement: float) -> dict[str, Any]:
    return {
        "model": "resnet18",
        "dataset": "digits",
        "method": "dense" if sparsity == 0 else "column-wise",
        "n": None,
        "m": None,
        "sparsity": sparsity,
        "top1": top1,
        "top1_dense": 98.0,
        "drop_points": 98.0 - top1,
        "n_images": 360,
        "executed_on": executed_on,
        "agreement_with_torch": agreement,
        "checkpoint_sha256": f"sha{sparsity}",
    }


def judge(
    folder: Path,
    speedups: tuple[float, float] = (2.0, 4.4),
    agreement: float = 1.0,
    timed: dict[str, Any] | None = None,
    **both: Any,
) -> dict[str, dict[str, Any]]:
    runs = [network("xnnpack_nhwc_dense", 0.0, 1.0), network("colnm_dense", 0.0, 1.2)]
    runs += [network("colnm_packed", s, v) for s, v in zip((0.5, 0.75), speedups, strict=True)]
    write_table(folder / "throughput.csv", THROUGHPUT, [{**run, **(timed or {})} for run in runs])
    top1 = {0.0: 98.0, 0.5: 98.5, 0.75: 97.0}
    rows = [
        {**evaluated(s, t, on, agreement if on == "x60" else 1.0), **both}
        for s, t in top1.items()
        for on in ("torch", "x60")
    ]
    write_table(folder / "accuracy.csv", ACCURACY, rows)
    tables = (folder / "throughput.csv", folder / "accuracy.csv")
    write_claims(*tables, {"dense": 1000, "a": 550, "b": 300}, folder / "claims.json")
    claims = json.loads((folder / "claims.json").read_text())
    assert all(set(claim) >= CONTRACT for claim in claims)
    return {claim["id"]: claim for claim in claims}


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [(3.94, "not reproduced"), (3.96, "reproduced"), (4.04, "reproduced"), (4.06, "exceeded")],
)
def test_as_much_as_is_judged_in_the_stated_precision(ours: float, verdict: str) -> None:
    assert reaches(4.0, ours, 1) == verdict


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [(2.16, "not reproduced"), (2.1, "reproduced"), (0.3, "reproduced"), (-0.5, "exceeded")],
)
def test_bounds_are_exceeded_only_where_nothing_is_lost(ours: float, verdict: str) -> None:
    assert stays_within(2.1, ours, 1) == verdict


def test_throughput_takes_the_fastest_network_and_its_own_accuracy(tmp_path: Path) -> None:
    claims = judge(tmp_path)
    assert claims["throughput"]["our_value"] == 4.4
    assert claims["throughput"]["verdict"] == "exceeded"
    assert claims["throughput"]["evidence"] == "modelled"
    assert claims["top1-digits"]["our_value"] == pytest.approx(1.0)
    assert claims["inference-speed"]["our_value"] == pytest.approx(100)
    assert claims["model-size"]["our_value"] == pytest.approx(57.5)


def test_imagenet_claim_is_not_run_on_other_data(tmp_path: Path) -> None:
    claims = judge(tmp_path)
    assert claims["top1"]["verdict"] == "not run"
    assert claims["top1"]["our_value"] is None


def test_imagenet_claim_is_judged_on_imagenet(tmp_path: Path) -> None:
    claims = judge(tmp_path, dataset="imagenet")
    assert claims["top1"]["verdict"] == "reproduced"
    assert not any(name.startswith("top1-") for name in claims)


def test_one_wrong_prediction_refutes_the_target(tmp_path: Path) -> None:
    assert judge(tmp_path)["risc-v"]["verdict"] == "reproduced"
    assert judge(tmp_path, agreement=359 / 360)["risc-v"]["verdict"] == "not reproduced"


def test_measured_speed_on_another_machine_says_nothing_of_risc_v(tmp_path: Path) -> None:
    timed = {"target": "host", "evidence": "measured", "vlen": 0, "cycles": None}
    claims = judge(tmp_path, timed=timed)
    assert claims["risc-v"]["verdict"] == "not run"
    assert "host" in claims["risc-v"]["detail"]
    for name in ("throughput", "inference-speed"):
        assert claims[name]["evidence"] == "measured"
        assert "on target host" in claims[name]["detail"]


def test_a_slow_run_is_not_reproduced(tmp_path: Path) -> None:
    claims = judge(tmp_path, speedups=(0.8, 0.9))
    judged = {name: claims[name]["verdict"] for name in ("throughput", "inference-speed", "risc-v")}
    assert set(judged.values()) == {"not reproduced"}
