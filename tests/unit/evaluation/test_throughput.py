# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A network's run: what the runner is asked, what its report gets beside it, and what is left."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, sha256_file
from colonnade.config.schema import ThroughputConfig
from colonnade.config.target import TargetConfig
from colonnade.evaluation.throughput import run_network, write_random_images
from colonnade.targets.target import Target

from .packaged import EMULATED, RecordedRunner

TIMED = ThroughputConfig(image_px=32, batch=2, threads=3, repetitions=5, warmup=2)
REPORT = {"implementation": "colnm_tuned", "total": {"cycles": 7, "seconds": 0.1}}


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder; measurements of this machine do not wait for others'."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Path("schedules.json").touch()
    write_random_images(Path("images.safetensors"), 2, 32, 1)
    return tmp_path


def run(
    config: TargetConfig, container: RecordedRunner, package: Path, output: Path, **keywords: Any
) -> None:
    target = Target("mine", config, container)
    files = Path("schedules.json"), Path("images.safetensors")
    run_network(target, package, "colnm_tuned", *files, TIMED, output, **keywords)


def test_random_images_are_normal_and_of_their_seed() -> None:
    (image,) = load_file("images.safetensors").values()
    assert list(load_file("images.safetensors")) == ["image"]
    assert (image.shape, str(image.dtype)) == ((2, 3, 32, 32), "float32")
    assert abs(image.mean()) < 0.05 and abs(image.std() - 1) < 0.05
    write_random_images(Path("again.safetensors"), 2, 32, 1)
    write_random_images(Path("other.safetensors"), 2, 32, 2)
    assert sha256_file(Path("again.safetensors")) == sha256_file(Path("images.safetensors"))
    assert not np.array_equal(load_file("other.safetensors")["image"], image)


def test_a_measured_run_counts_repetitions_and_tells_the_conditions(package: Path) -> None:
    container, output = RecordedRunner(REPORT), Path("runs/found.json")
    run(TargetConfig(kind="host"), container, package, output, dtype="f16")
    assert container.options == {
        **{"--package": str(package), "--implementation": "colnm_tuned", "--dtype": "f16"},
        **{"--schedules": "schedules.json", "--input": "images.safetensors"},
        **{"--output": "runs/found.logits", "--report": "runs/found.report", "--threads": "3"},
        **{"--repetitions": "5", "--warmup": "2"},
    }
    found = json.loads(output.read_text())
    conditions = found.pop("conditions")
    assert set(conditions) == {"mhz", "others_percent", "steal_percent", "under_load"}
    graph = read_json(package / "graph.json")
    checkpoint = sha256_file(package.with_name("dense.safetensors"))
    assert graph["checkpoint_sha256"] == checkpoint
    assert found == {"model": "small", "checkpoint_sha256": checkpoint, **REPORT}
    assert list(Path("runs").iterdir()) == [output]


def test_a_modelled_run_is_one_on_as_many_cores_as_are_asked_for(package: Path) -> None:
    container, output = RecordedRunner(REPORT), Path("found.json")
    beside = [(Path("other.json"), Path("other.timing"))]
    run(EMULATED, container, package, output, beside=beside)
    asked = container.options
    assert (asked["--repetitions"], asked["--warmup"], asked["--dtype"]) == ("1", "0", "f32")
    (model,) = [part for part in container.commands[0] if "core=core.json" in part]
    assert "out=found.timing" in model
    assert "other.json" in model and "other.timing" in model
    found = json.loads(output.read_text())
    # That time does not depend on what else runs.
    assert set(found) == {"model", "checkpoint_sha256", *REPORT}


@pytest.mark.parametrize("config", [TargetConfig(kind="host"), EMULATED], ids=["host", "x60"])
def test_a_run_that_fails_leaves_nothing_new(package: Path, config: TargetConfig) -> None:
    container, output = RecordedRunner(REPORT, fails="out of memory"), Path("runs/found.json")
    output.parent.mkdir()
    output.write_text("of before")
    with pytest.raises(ColonnadeError, match=r"^out of memory$"):
        run(config, container, package, output)
    assert len(container.commands) == 1
    assert list(Path("runs").iterdir()) == [output]
    assert output.read_text() == "of before"


def test_nothing_runs_of_a_damaged_package(package: Path, checkout: Path) -> None:
    damaged = checkout / "damaged"
    damaged.mkdir()
    (damaged / "graph.json").write_text("{}")
    container = RecordedRunner(REPORT)
    with pytest.raises(ColonnadeError, match=r"damaged/graph\.json: "):
        run(EMULATED, container, damaged, Path("runs/found.json"))
    assert container.commands == []
    assert not Path("runs").exists()
