# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The workflow on this machine: everything is measured, and what needs the timing model is refused."""

import csv
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import SMALL, Checkout
from .test_refusals import refuse

RESULTS = "results/on-host"
TABLES = ("layers", "throughput", "decomposition", "refinement", "tuner_quality")


class OnHost:
    """A checkout whose results on this machine have a folder of their own."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        values: dict[str, Any] = {
            **SMALL,
            **{"target": "host", "results": RESULTS, "accuracy": {"n_images": 6, "batch": 4}},
            "pruning": {"patterns": [{"m": "full", "sparsity": 0.5}]},
            "throughput": {"image_px": 32, "repetitions": 3, "warmup": 1},
            # It is trained the same on every target.
            "small_study": None,
        }
        (checkout / "host.yaml").write_text(yaml.safe_dump(values))

    def run(self, *targets: str) -> subprocess.CompletedProcess[str]:
        return self._checkout.workflow(*targets, "--configfile", "host.yaml")

    def read(self, name: str) -> str:
        return (self._checkout / f"{RESULTS}/{name}").read_text()

    def table(self, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(self.read(f"tables/{name}.csv").splitlines()))


@pytest.fixture(scope="module")
def host(fresh: Checkout, host_programs: Path) -> OnHost:
    """After what of the workflow runs on a host."""
    shutil.copytree(host_programs, fresh / "results/build/host")
    on_host = OnHost(fresh)
    run = on_host.run("full-run", "kernel-figures", "tuner-quality")
    assert run.returncode == 0, run.stdout[-6000:]
    # What is expected of the claims is not of such small inputs, measured on a machine that does more.
    judged = on_host.run("artifact-evaluation")
    assert (judged.returncode == 0) != ("[FAILS]" in judged.stdout), judged.stdout[-6000:]
    return on_host


def test_every_time_is_measured(host: OnHost) -> None:
    for name in TABLES:
        rows = host.table(name)
        assert rows, name
        assert {row["evidence"] for row in rows} == {"measured"}
        assert all(row.get("cycles", "") == "" for row in rows)
    runs = host.table("throughput")
    assert [row["implementation"] for row in runs] == [
        *("xnnpack_nhwc_dense", "colnm_dense", "colnm_packed", "colnm_direct", "colnm_tuned")
    ]
    assert {row["target"] for row in runs} == {"host"}
    assert all(float(row["images_per_s"]) > 0 for row in runs)
    assert any(row["conv"].endswith("-r") for row in host.table("layers"))


def test_top1_is_checked_on_emulated_risc_v(host: OnHost) -> None:
    rows = host.table("accuracy")
    assert [row["executed_on"] for row in rows] == ["torch", "x60"] * 2
    # The cap is what the table says.
    assert {row["n_images"] for row in rows} == {"6"}
    assert {float(row["agreement_with_torch"]) for row in rows} == {1.0}


def test_claims_of_risc_v_are_not_made_from_measured_time(host: OnHost) -> None:
    claims = {claim["id"]: claim for claim in json.loads(host.read("claims.json"))}
    assert claims["risc-v"]["verdict"] == "not run"
    assert claims["throughput"]["evidence"] == "measured"


def test_the_report_and_the_nightly_run_do_without_the_model(host: OnHost) -> None:
    html = host.read("report.html")
    assert "milliseconds, measured" in html
    for title in ("Trust in the model", "What the cycles went to", "What packing costs"):
        assert title not in html
    assert "nothing compared" in host.read("nightly.txt")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("tables/bounds.csv", "bounds.csv: time on target host is measured"),
        ("tables/packing.csv", "packing.csv: time on target host is measured"),
        ("tables/sensitivity.csv", "this target has no band of core variants"),
        ("sensitivity/dense/colnm_dense-f32-1.json", "this target has no band of core variants"),
    ],
)
def test_what_needs_the_model_is_refused_by_name(host: OnHost, file: str, said: str) -> None:
    refuse(host.run(f"{RESULTS}/{file}"), said)
