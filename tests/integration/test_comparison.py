# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A small network beside the engines that this environment has, in processes and turns as they are."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from colonnade.common.datatypes import TOLERANCE
from colonnade.common.files import read_json, write_json
from colonnade.comparison import worker
from colonnade.comparison.measure import Peers, compare_network
from colonnade.comparison.table import comparison_table, printed
from colonnade.config.comparison import ComparisonConfig
from colonnade.models.architecture import conv_shapes
from colonnade.models.module import build
from colonnade.results.records import Compared
from colonnade.results.tables import COMPARISON, read_table
from colonnade.targets.target import Target
from colonnade.tuning.choice import schedule_key

from .schedules import DIRECT, PACKED
from .untrained import write_networks

SETTINGS = ComparisonConfig(
    networks=("resnet18",), sparsities=(0.5,), batches=(1, 2), threads=(2,), rounds=2
)


@pytest.fixture(scope="module")
def rows(host: Target, scratch: Path) -> Sequence[dict[str, Any]]:
    layers = conv_shapes("resnet18", 32, 1)
    convs: dict[str, Any] = {}
    for _, conv in layers:
        for kept in (conv.reduction, SETTINGS.patterns[0].keeps(conv.reduction)):
            for algorithm, schedule in ((None, DIRECT), ("direct", DIRECT), ("packed", PACKED)):
                convs[schedule_key(conv, kept, algorithm)] = schedule
    schedules = scratch / "schedules.json"
    header = {"format": "colonnade-schedules", "version": 3, "target": "host"}
    write_json(schedules, {**header, "convs": convs, "stays_dense": []})
    output, table = scratch / "measured.json", scratch / "comparison.csv"
    peers = Peers(Path(sys.prefix), {"openvino": "not installed: no such wheel"})
    with pytest.MonkeyPatch.context() as patch:
        some = {name: worker.PEERS[name] for name in ("onnxruntime", "openvino", "ncnn")}
        patch.setattr(worker, "PEERS", some)
        compare_network(host, "resnet18", SETTINGS, 32, layers[1:], schedules, peers, 1, output)
    assert [each.name for each in scratch.iterdir() if each.is_dir()] == []
    read_json(output, list[Compared])
    comparison_table([output], table)
    assert "ncnn dense" in printed(table)
    return read_table(table, COMPARISON).rows(named=True)


def test_all_that_run_compute_the_same(rows: Sequence[dict[str, Any]]) -> None:
    ran = [row for row in rows if row["rounds"]]
    assert {(row["participant"], row["variant"]) for row in ran} == {
        ("onnxruntime", "dense"),
        ("xnnpack_nhwc_dense", "dense"),
        ("colnm_dense", "dense"),
        ("colnm_tuned", "full0.5"),
    }
    assert {(row["batch"], row["threads"]) for row in ran} == {(1, 2), (2, 2)}
    for row in ran:
        assert row["rounds"] == SETTINGS.rounds
        assert 0 <= row["max_relative_error"] <= TOLERANCE["f32"]
        assert row["ms"] > 0
        assert row["evidence"] == "measured"


def test_the_others_say_why(rows: Sequence[dict[str, Any]]) -> None:
    reasons = {row["participant"]: row["reason"] for row in rows if not row["rounds"]}
    assert reasons["openvino"] == "not installed: no such wheel"
    assert "exit status 1: ModuleNotFoundError: No module named 'ncnn'" in reasons["ncnn"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "stdin: asks for no run"),
        ("0\n", "stdin: 0; allowed: 1 to"),
        ("many\n", "stdin: many;"),
    ],
)
def test_the_runner_refuses_what_is_no_number_of_runs(
    host: Target, scratch: Path, asked: str, said: str
) -> None:
    package = scratch / "served"
    write_networks(package, {"": build("resnet18", 10)})
    save_file({"image": np.zeros((1, 3, 32, 32), np.float32)}, scratch / "image.safetensors")
    command, env = host.command("colonnade-run", timing=None)
    arguments = [
        *("--package", str(package), "--implementation", "xnnpack_nhwc_dense", "--serve"),
        *("--input", str(scratch / "image.safetensors"), "--output", str(scratch / "logits")),
        *("--report", str(scratch / "report.json")),
    ]
    done = subprocess.run(
        [*command, *arguments], env=env, input=asked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert not (scratch / "report.json").exists()
