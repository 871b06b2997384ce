# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Packages run by hand: what the runner is asked, what comes back, and what is told of its times."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import SafetensorError

from colonnade.common.errors import ColonnadeError
from colonnade.config.target import TargetConfig
from colonnade.evaluation import packages
from colonnade.evaluation.packages import Run, execute, this_machine, timing
from colonnade.package.description import SCHEDULES
from colonnade.targets.target import Target

from .packaged import EMULATED, RecordedRunner, arguments_of, write_program, write_runner

SHARED = {"dtype": "f32", "threads": 2, "batch": 4}
MEASURED: dict[str, Any] = {
    **SHARED,
    "total": {"cycles": None, "seconds": 0.004, "samples": [0.004, 0.002, 0.003, 0.006, 0.005]},
    "layers": [
        {
            **{"name": "conv", "op": "conv2d", "cycles": None, "seconds": 0.003},
            **{"macs": 100, "useful_macs": 50, "schedule": "direct:14:2:4:1"},
        },
        {
            "name": "relu",
            "op": "unary",
            "cycles": None,
            "seconds": 1e-3,
            "macs": 0,
            "useful_macs": 0,
        },
    ],
}
MODELLED: dict[str, Any] = {
    **SHARED,
    "total": {"cycles": 3_200_000, "seconds": 9.0},
    "layers": [
        {
            **{"name": "conv", "op": "conv2d", "cycles": 1_600_000, "seconds": 9.0},
            **{"macs": 100, "useful_macs": 50, "schedule": "direct:14:2:4:1"},
        }
    ],
}
X60 = Target("x60", EMULATED, RecordedRunner({}))


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a program in the place of this machine's runner."""
    folder = tmp_path / "runner"
    folder.mkdir()
    write_runner(folder, MEASURED)
    monkeypatch.setattr(packages, "native", lambda name: folder / name)
    return folder


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def images() -> dict[str, Any]:
    """One that lies otherwise in memory."""
    values = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 5, 4, 3)
    return {"image": values.transpose(0, 3, 2, 1)}


def test_this_machine_runs_a_package_without_a_checkout(
    runner: Path, package: Path, scratch: Path
) -> None:
    how = Run("f16", threads=3, repetitions=7, warmup=2)
    outputs, report = execute(this_machine(), package, images(), how, scratch)
    assert arguments_of(runner) == {
        **{"--package": str(scratch / "package"), "--dtype": "f16", "--threads": "3"},
        **{"--implementation": "colnm_untuned", "--repetitions": "7", "--warmup": "2"},
        "--input": str(scratch / "input.safetensors"),
        "--output": str(scratch / "output.safetensors"),
        "--report": str(scratch / "report.json"),
    }
    assert (runner / "packaged").read_text().split() == ["graph.json", "weights.safetensors"]
    np.testing.assert_array_equal(outputs["image"], images()["image"])
    assert report == MEASURED


def test_a_package_that_was_tuned_runs_with_its_schedules(
    runner: Path, package: Path, scratch: Path
) -> None:
    tuned = scratch.with_name("tuned")
    tuned.mkdir()
    for file in package.iterdir():
        (tuned / file.name).write_bytes(file.read_bytes())
    (tuned / SCHEDULES).write_text("{}")
    execute(this_machine(), tuned, images(), Run(), scratch)
    asked = arguments_of(runner)
    assert asked["--implementation"] == "colnm_tuned"
    assert asked["--schedules"] == str(scratch / "package" / SCHEDULES)
    assert (asked["--repetitions"], asked["--warmup"], asked["--dtype"]) == ("1", "0", "f32")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo 'warning: hm' >&2; echo 'error: graph.json: damaged' >&2; exit 2",
            "graph.json: damaged",
        ),
        (
            "echo 'error: no room' >&2; echo 'images: 1/2' >&2; exit 1",
            "no room",
        ),
        ("exit 3", "colonnade-run: exit status 3"),
        ("echo 'images: 1/1' >&2; exit 4", "colonnade-run: exit status 4"),
        ("kill -9 $$", "colonnade-run: signal 9 (SIGKILL)"),
        (
            "echo 'terminate called' >&2; echo 'images: 3/40' >&2; kill -6 $$",
            "colonnade-run: signal 6 (SIGABRT): terminate called",
        ),
        (
            "echo \"error: $2/graph.json: node 'a': $PWD/x\" >&2; exit 2",
            "{package}/graph.json: node 'a': {here}/x",
        ),
        (
            'while [ $1 != --input ]; do shift; done; echo "error: $2: holds nan" >&2; exit 2',
            "the input: holds nan",
        ),
    ],
)
def test_a_runner_that_fails_is_told_in_its_own_words(
    runner: Path, package: Path, scratch: Path, script: str, said: str
) -> None:
    write_program(runner / "colonnade-run", f"#!/bin/sh\n{script}\n")
    with pytest.raises(ColonnadeError) as told:
        execute(this_machine(), package, images(), Run(), scratch)
    assert str(told.value) == said.format(package=package, here=Path.cwd())


def test_a_package_that_cannot_be_copied_is_told_by_its_file(
    package: Path, scratch: Path, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(package, tmp_path / "broken"))
    (broken / "notes").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ColonnadeError) as told:
        execute(this_machine(), broken, images(), Run(), scratch)
    assert str(told.value).startswith(f"{broken}/notes: cannot be copied to ")
    assert "No such file" in str(told.value)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), SafetensorError("full")])
def test_an_input_that_cannot_be_written_is_told(
    package: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_: Any) -> None:
        raise error

    monkeypatch.setattr(packages, "save_file", full)
    with pytest.raises(ColonnadeError) as told:
        execute(this_machine(), package, images(), Run(), scratch)
    assert str(told.value).startswith(f"{package}: its input cannot be written to {scratch}: ")


def test_a_report_that_is_none_is_refused_by_name(
    runner: Path, package: Path, scratch: Path
) -> None:
    (runner / "report").write_text("[]")
    with pytest.raises(ColonnadeError, match=r"report\.json: all of it: "):
        execute(this_machine(), package, images(), Run(), scratch)


def test_a_target_of_a_checkout_must_be_built_and_models_one_run(
    package: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(scratch)
    container = RecordedRunner(MODELLED)
    target, how = Target("x60", EMULATED, container), Run(repetitions=9, warmup=4)
    with pytest.raises(
        ColonnadeError, match=r"riscv64/colonnade-run, .*: not built yet; `snakemake"
    ):
        execute(target, package, images(), how, Path("own"))
    assert container.commands == []
    assert list(scratch.iterdir()) == []
    for name in ("riscv64/colonnade-run", "timing/libcolonnade-timing.so"):
        Path("results/build", name).parent.mkdir(parents=True)
        Path("results/build", name).touch()
    Path("own").mkdir()
    outputs, report = execute(target, package, images(), how, Path("own"))
    asked = container.options
    assert (asked["--repetitions"], asked["--warmup"]) == ("1", "0")
    assert asked["--package"] == "own/package"
    assert any("out=own/regions.jsonl" in part for part in container.commands[0])
    np.testing.assert_array_equal(outputs["image"], images()["image"])
    assert report == MODELLED


def test_measured_times_have_a_spread() -> None:
    told = timing(MEASURED, this_machine())
    layers = told.pop("layers")
    assert told == {
        **SHARED,
        **{"target": "host", "evidence": "measured", "runs": 5, "cycles": None},
        **{"fastest_ms": pytest.approx(2), "slowest_ms": pytest.approx(6)},
        # Of five times they are the second, third and fourth.
        **{"lower_quartile_ms": pytest.approx(3), "median_ms": pytest.approx(4)},
        **{"upper_quartile_ms": pytest.approx(5), "images_per_s": pytest.approx(1000)},
    }
    assert layers[0] == {
        **{"name": "conv", "op": "conv2d", "cycles": None, "macs": 100, "useful_macs": 50},
        **{"ms": pytest.approx(3), "schedule": "direct:14:2:4:1"},
    }
    assert (layers[1]["name"], layers[1]["schedule"]) == ("relu", None)


def test_a_single_run_has_no_spread() -> None:
    told = timing({**MEASURED, "total": {**MEASURED["total"], "samples": [0.008]}}, this_machine())
    keys = ("fastest", "lower_quartile", "median", "upper_quartile", "slowest")
    assert [told[f"{key}_ms"] for key in keys] == [8.0] * 5
    assert (told["runs"], told["images_per_s"]) == (1, 500)


def test_modelled_times_are_those_of_the_cycles() -> None:
    told = timing(MODELLED, X60)
    assert (told["evidence"], told["target"], told["runs"]) == ("modelled", "x60", 1)
    assert told["cycles"] == 3_200_000
    # At 1.6 GHz.
    assert told["median_ms"] == told["fastest_ms"] == told["slowest_ms"] == pytest.approx(2)
    assert told["images_per_s"] == pytest.approx(2000)
    assert [layer["ms"] for layer in told["layers"]] == pytest.approx([1])


def test_this_machine_is_a_measured_target() -> None:
    target = this_machine()
    assert (target.name, target.evidence) == ("host", "measured")
    assert target.config == TargetConfig(kind="host")
