# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Evaluation in chunks: bounded, resumed behind what is finished, on an even draw of the images."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from colonnade.common import progress
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json
from colonnade.config.data import ImageNetConfig
from colonnade.config.schema import AccuracyConfig
from colonnade.config.target import TargetConfig
from colonnade.config.training import TrainingConfig
from colonnade.container import CompletedRun
from colonnade.data.dataset import draw_evenly
from colonnade.data.opening import open_data
from colonnade.evaluation import top1 as evaluate
from colonnade.package.export import export_package
from colonnade.results.records import Accuracy
from colonnade.targets.target import Target
from colonnade.training.checkpoint import read_checkpoint
from colonnade.training.hardware import Hardware
from colonnade.training.judge import predict

pytestmark = pytest.mark.slow

TEST_IMAGES = 15


class KilledError(Exception):
    """As a kill does it, nothing is cleaned up that only a normal end would."""


def report(options: Mapping[str, str], images: int) -> dict[str, Any]:
    """As the runner has it: a schedule of each source, looked up by the images that run at once."""
    batch = min(int(options["--batch"]), images)
    conv = {"op": "conv2d", "schedule": "direct:14:2:4:1"}
    key = f"n{batch}c3h224w224-o64-k7x7-s2-p3-d1|k147"
    other = {"schedule_source": "other size", "schedule_key": key, "schedule_adapted": ["lmul"]}
    layers = [
        {"name": "image", "op": "copy_to_planes"},
        {"name": "conv1", **conv, **other},
        {"name": "layer1.0.conv1", **conv, "schedule_source": "tuned"},
        {"name": "layer1.0.conv2", **conv, "schedule_source": "tuned"},
        {"name": "fc", "op": "fully_connected"},
    ]
    return {"implementation": options["--implementation"], "layers": layers}


@cache
def network_of(checkpoint: Path, _mtime_ns: int) -> torch.nn.Module:
    return read_checkpoint(checkpoint).model().eval()


@dataclass
class FakeRunner:
    """Runs the checkpoint's own network in the place of the runner, and remembers each run's images.

    Of the `wrong` first images of every run it says what the network does not. Key `hidden` is not in
    its reports.
    """

    checkpoint: Path
    killed_at: int | None = None
    wrong: int = 0
    hidden: str | None = None
    images: list[int] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    schedules: list[str] = field(default_factory=list)

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> CompletedRun:
        if len(self.images) == self.killed_at:
            raise KilledError
        values = dict(zip(command[1::2], command[2::2], strict=True))
        pixels = load_file(values["--input"])["image"]
        network = network_of(self.checkpoint, self.checkpoint.stat().st_mtime_ns)
        with torch.no_grad():
            logits = network(torch.from_numpy(pixels)).numpy()
        logits[: self.wrong] = -logits[: self.wrong]
        save_file({"logits": logits}, values["--output"])
        said = report(values, len(pixels))
        said["layers"][1].pop(self.hidden, None)
        Path(values["--report"]).write_text(json.dumps(said))
        self.schedules.append(values["--schedules"])
        self.images.append(len(pixels))
        self.batches.append(int(values["--batch"]))
        assert log is not None
        log.write_text(f"images: {len(pixels)}/{len(pixels)}\n")
        return CompletedRun("", "")


@dataclass
class Case:
    """An evaluation of the dense checkpoint on the folder's test split."""

    data: ImageNetConfig
    training: TrainingConfig
    checkpoint: Path
    package: Path
    schedules: Path
    output: Path

    def run(self, runner: FakeRunner, **accuracy: Any) -> dict[str, Any]:
        target = _Target("host", TargetConfig(kind="host"), runner)
        settings = AccuracyConfig(**{"batch": 2, **accuracy})
        inputs = (self.checkpoint, self.package, "colnm_dense", self.schedules)
        arguments = (*inputs, self.output, repr(settings))
        evaluate.evaluate_variant(target, self.data, self.training, settings, *arguments)
        found: dict[str, Any] = json.loads(self.output.read_text())
        return found

    @property
    def kept(self) -> Path:
        return self.output.with_suffix(".chunks")


class _Target(Target):
    def program_sha256(self, program: str) -> str:
        return program


@pytest.fixture
def case(
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    dense_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Case:
    """Chunks of at most four images: 4, 4, 4 and 3 of the 15."""
    monkeypatch.setattr(evaluate, "CHUNK_IMAGES", 4)
    package = tmp_path / "package"
    export_package(dense_checkpoint, package)
    output = tmp_path / "accuracy/dense.json"
    schedules = tmp_path / "schedules.json"
    schedules.write_text("{}")
    return Case(folder_data, tiny_training, dense_checkpoint, package, schedules, output)


def test_chunks_add_up_to_the_whole_split(case: Case) -> None:
    runner = FakeRunner(case.checkpoint)
    found = case.run(runner)
    assert runner.images == [4, 4, 4, 3]
    assert set(runner.batches) == {2}
    test = open_data(case.data).test
    logits = predict(read_checkpoint(case.checkpoint).model(), test, Hardware())
    assert found["top1_torch"] == float((logits.argmax(1) == test.labels).double().mean())
    assert found["top1_target"] == found["top1_torch"]
    assert (found["n_images"], found["test_images"]) == (TEST_IMAGES, TEST_IMAGES)
    assert found["agreement"] == 1
    assert found["max_abs_logit_difference"] < 1e-5
    # No scratch file stays behind.
    assert [file.name for file in case.output.parent.iterdir()] == ["dense.json"]


def test_differences_of_any_chunk_count(case: Case) -> None:
    found = case.run(FakeRunner(case.checkpoint, wrong=1))
    # One wrong image in each of the four chunks.
    assert found["agreement"] == pytest.approx(1 - 4 / TEST_IMAGES)
    assert found["max_abs_logit_difference"] > 1e-3


def test_an_evaluation_says_how_far_it_is(
    case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0)
    with pytest.raises(KilledError):
        case.run(FakeRunner(case.checkpoint, 2))
    case.run(FakeRunner(case.checkpoint))
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("evaluate ")]
    counts = [line.split(": ")[1].split(",")[0] for line in said]
    # The second run does not begin from the first image.
    assert counts[:-1] == [f"{done} of 15 images" for done in (4, 8, 12)]
    assert counts[-1].startswith("15 images in ")


@pytest.mark.parametrize("killed_at", [0, 2, 3])
def test_a_killed_evaluation_goes_on_behind_its_last_chunk(case: Case, killed_at: int) -> None:
    expected = case.run(FakeRunner(case.checkpoint, wrong=1))
    case.output.unlink()
    with pytest.raises(KilledError):
        case.run(FakeRunner(case.checkpoint, killed_at, wrong=1))
    assert not case.output.exists()
    again = FakeRunner(case.checkpoint, wrong=1)
    assert case.run(again) == expected
    assert again.images == [4, 4, 4, 3][killed_at:]
    assert not case.kept.exists()


def test_the_report_says_which_schedule_every_convolution_ran(case: Case) -> None:
    runner = FakeRunner(case.checkpoint)
    found = case.run(runner)
    assert set(runner.schedules) == {str(case.schedules)}
    # The last chunk of three images has a batch of one behind the others of two.
    assert runner.images == [4, 4, 4, 3]
    plain = {"schedule": "direct:14:2:4:1", "source": "tuned", "key": None, "adapted": []}
    key = "n2c3h224w224-o64-k7x7-s2-p3-d1|k147"
    assert found["schedules"] == [
        {**plain, "layer": "conv1", "source": "other size", "key": key, "adapted": ["lmul"]},
        {**plain, "layer": "layer1.0.conv1"},
        {**plain, "layer": "layer1.0.conv2"},
    ]
    assert found["schedule_sources"] == {"tuned": 2, "other size": 1, "fixed": 0}
    read_json(case.output, Accuracy)


def test_a_layer_counts_once_for_a_source_whatever_the_batches(case: Case) -> None:
    found = case.run(FakeRunner(case.checkpoint), batch=4, n_images=5)
    keys = [each["key"] for each in found["schedules"] if each["layer"] == "conv1"]
    assert [key[:2] for key in keys] == ["n4", "n1"]
    assert found["schedule_sources"] == {"tuned": 2, "other size": 1, "fixed": 0}


@pytest.mark.parametrize("key", ["schedule", "schedule_source", "schedule_key"])
def test_a_report_that_hides_a_schedule_is_refused(case: Case, key: str) -> None:
    with pytest.raises(ColonnadeError, match=rf"dense\.report: layer.*{key}"):
        case.run(FakeRunner(case.checkpoint, hidden=key))
    assert not case.output.exists()


@pytest.mark.parametrize("change", ["weights", "draw", "batch", "damage", "schedules"])
def test_chunks_of_another_evaluation_are_not_taken(case: Case, change: str) -> None:
    with pytest.raises(KilledError):
        case.run(FakeRunner(case.checkpoint, 2))
    assert len(json.loads(case.kept.read_text())["chunks"]) == 2
    accuracy: dict[str, Any] = {}
    if change == "weights":
        weights = bytearray((case.package / "weights.safetensors").read_bytes())
        weights[-1] ^= 1
        (case.package / "weights.safetensors").write_bytes(weights)
    elif change == "schedules":
        case.schedules.write_text("{ }")
    elif change == "draw":
        accuracy = {"n_images": 14}
    elif change == "batch":
        accuracy = {"batch": 4}
    else:
        case.kept.write_text(case.kept.read_text()[:-20])
    again = FakeRunner(case.checkpoint)
    case.run(again, **accuracy)
    assert sum(again.images) == accuracy.get("n_images", TEST_IMAGES)


def test_a_cap_takes_as_many_of_each_class(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    original = evaluate.Counts.of

    def spy(ours: Any, reference: Any, labels: Any) -> evaluate.Counts:
        seen.extend(labels.tolist())
        return original(ours, reference, labels)

    monkeypatch.setattr(evaluate.Counts, "of", spy)
    found = case.run(FakeRunner(case.checkpoint), n_images=6)
    assert Counter(seen) == {0: 2, 1: 2, 2: 2}
    assert (found["n_images"], found["test_images"]) == (6, TEST_IMAGES)
    assert case.run(FakeRunner(case.checkpoint), n_images=1000)["n_images"] == TEST_IMAGES


def test_a_draw_is_even_distinct_and_repeats() -> None:
    labels = torch.tensor([0] * 50 + [1] * 3 + [2] * 20)
    for count in (1, 2, 7, 9, 10, 30, 73, 100):
        drawn = draw_evenly(labels, count, seed=1)
        assert drawn == sorted(set(drawn))
        assert len(drawn) == min(count, len(labels))
        assert drawn == draw_evenly(labels, count, seed=1)
        sizes = Counter(labels[drawn].tolist())
        if count <= 9:
            assert max(sizes.values()) - min(sizes[label] for label in (0, 1, 2)) <= 1
        elif count <= 43:
            assert sizes[1] == 3
            assert abs(sizes[0] - sizes[2]) <= 1
    draws = {tuple(draw_evenly(labels, 9, seed)) for seed in range(5)}
    assert len(draws) == 5


@pytest.mark.parametrize(("image_px", "batch"), [(32, 16), (224, 16), (1024, 64), (32, 4096)])
def test_chunks_are_whole_batches_within_the_limits(image_px: int, batch: int) -> None:
    chunks = evaluate.cut_into_chunks(range(10_000), image_px, batch)
    assert [index for chunk in chunks for index in chunk] == list(range(10_000))
    image = 3 * image_px**2 * 4
    for chunk in chunks[:-1]:
        assert len(chunk) % batch == 0
        assert len(chunk) == batch or len(chunk) <= evaluate.CHUNK_IMAGES
        assert len(chunk) == batch or len(chunk) * image <= evaluate.CHUNK_BYTES


@pytest.mark.parametrize("fault", ["missing", "infinite"])
def test_a_run_that_gives_no_logits_is_refused(
    case: Case, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = FakeRunner(case.checkpoint)
    ran = runner.run

    def damaged(command: Sequence[str], **keywords: Any) -> CompletedRun:
        finished = ran(command, **keywords)
        output = Path(dict(zip(command[1::2], command[2::2], strict=True))["--output"])
        if fault == "missing":
            output.unlink()
        else:
            save_file({"logits": np.full((4, 3), np.inf, np.float32)}, output)
        return finished

    monkeypatch.setattr(runner, "run", damaged)
    with pytest.raises(ColonnadeError, match="no such file" if fault == "missing" else "finite"):
        case.run(runner)
    assert not case.output.exists()
