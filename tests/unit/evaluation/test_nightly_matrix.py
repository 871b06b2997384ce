# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks of nightly runs: the same on every machine, scheduled by the cost model, and judged."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, sha256_file, write_json
from colonnade.config.reading import read_config
from colonnade.config.sources import read_yaml
from colonnade.config.target import TargetConfig
from colonnade.evaluation import nightly_matrix
from colonnade.evaluation.nightly_matrix import EXPECTED, make_network
from colonnade.targets.target import Target
from colonnade.workflow.workflow import CHECKS

ROOT = Path(__file__).resolve().parents[3]
PROFILE = {
    **{"algorithms": ["direct"], "tiles": [8], "lmuls": [2], "panels": [4], "kc_splits": 1},
    **{"trials": 1, "margin_percent": 1, "audit": 1, "seed": 1},
}
LAYER = {
    **{"name": "conv1", "op": "conv2d", "cycles": 10, "seconds": 1.0},
    "counters": {
        **{"instructions": 1, "classes": {}, "stalls": {}, "l1_misses": 0, "l2_misses": 0},
        **{"functions": {}, "threads": 1},
    },
}


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "settings.json"
    matrix = {"networks": ["resnet18"], "targets": ["x60"], "dtypes": ["f32"], "threads": [1]}
    nightly = {"matrix": {**matrix, "image_px": 32, "sparsity": 0.5}}
    profile = {**PROFILE, "minutes": 1, "cache": str(tmp_path / "profile.sqlite")}
    write_json(file, {"nightly": nightly, "profile": profile})
    return file


def step(*arguments: str | Path) -> None:
    cli.main(["step", *map(str, arguments)], standalone_mode=False)


def test_a_network_is_made_and_its_run_judged(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    package, where = tmp_path / "package", ("--target", "x60", "--threads", "1")
    step("nightly-network", *where, settings, "resnet18", package)
    graph = read_json(package / "graph.json", dict[str, Any])
    schedules = read_json(package / "schedules.json", dict[str, Any])
    convs = {node["name"]: node for node in graph["nodes"] if node["op"] == "conv2d"}
    assert convs["conv1"]["tile"] is None
    pruned = [node for node in convs.values() if node["tile"] is not None]
    assert len(pruned) >= 10
    assert {node["tile"] for node in pruned} == {8}
    assert all(each["algorithm"] == "direct" for each in schedules["convs"].values())
    again = tmp_path / "again"
    step("nightly-network", *where, settings, "resnet18", again)
    files = ("graph.json", "weights.safetensors", "schedules.json")
    assert all(sha256_file(package / name) == sha256_file(again / name) for name in files)

    expected = load_file(package / EXPECTED)["output"]
    assert np.isfinite(expected).all()
    report = {
        **{"implementation": "colnm_tuned", "threads": 1, "dtype": "f32", "vlen": 256, "batch": 1},
        **{"layers": [LAYER], "total": {"cycles": 10, "seconds": 1.0}},
    }
    output = tmp_path / "runs/run.json"
    for factor, agrees in ((1.0, True), (1 + 5e-5, True), (1 + 5e-4, False), (-1.0, False)):
        made = {"output": (expected * factor).astype(np.float32)}
        monkeypatch.setattr(nightly_matrix, "execute", lambda *_, made=made: (made, report))
        step("nightly-run", *where, "--dtype", "f32", settings, package, output)
        run = read_json(output, dict[str, Any])
        assert run["agrees"] == agrees
        assert run["relative_error"] == pytest.approx(abs(factor - 1), abs=1e-6)
        assert run["package_bytes"] > 1_000_000
        assert (run["model"], run["target"], run["image_px"]) == ("resnet18", "x60", 32)


def test_measured_time_is_refused(tmp_path: Path) -> None:
    host = Target("host", TargetConfig(kind="host"), None)  # type: ignore[arg-type]
    with pytest.raises(ColonnadeError, match="nightly cycles: time on target host is measured"):
        make_network(host, "resnet18", None, 1, None, tmp_path / "package")  # type: ignore[arg-type]
    assert not (tmp_path / "package").exists()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("targets", ["host"], "nightly.matrix.targets: 'host': of kind host; allowed: emulated"),
        ("targets", ["x61"], "nightly.matrix.targets: target: 'x61'; allowed: "),
        (
            "threads",
            [1, 9],
            "nightly.matrix.threads: 9; allowed for the emulated target x60: 1 to 8",
        ),
        ("networks", ["resnet19"], "nightly.matrix.networks"),
        ("sparsity", 1, "nightly.matrix.sparsity: 1; allowed: less than 1"),
    ],
)
def test_a_matrix_that_cannot_run_is_refused(
    key: str, value: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    values = read_yaml(Path("config/default.yaml"))
    values["nightly"]["matrix"] = {key: value}
    with pytest.raises(ColonnadeError) as refused:
        read_config(values, [], Path("config/targets"), CHECKS)
    assert said in str(refused.value)


def test_the_matrix_has_both_vector_lengths_and_all_cores() -> None:
    values = read_yaml(ROOT / "config/default.yaml")
    config, _ = read_config(values, [], ROOT / "config/targets")
    matrix = config.nightly.matrix
    assert (matrix.networks, matrix.targets) == (("resnet50", "mobilenet_v2"), ("x60", "x280"))
    assert (matrix.dtypes, matrix.threads) == (("f32", "f16"), (1, 8))
