# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Judging a checkpoint: top-1 in PyTorch, and whether an execution elsewhere agrees with it.

The reference is the trained module itself in evaluation mode, batch norm not folded: an error of
folding or export shows as a difference.

Images are judged chunk by chunk, so that memory does not grow with their number, and what was found
of finished chunks outlives a kill.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from safetensors.numpy import save
from torch import Tensor

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, read_record, sha256_file, write_json, write_text
from colonnade.common.paths import RUNNER
from colonnade.common.progress import Progress, followed
from colonnade.common.tensors import load_tensors
from colonnade.config.data import DataConfig
from colonnade.config.schema import AccuracyConfig
from colonnade.config.training import TrainingConfig
from colonnade.data.dataset import Example, ImageData, Split, draw_evenly, evaluation_batches
from colonnade.data.opening import open_data
from colonnade.models.module import Network
from colonnade.results.records import LayerSchedule, RunnerReport, ScheduleSource
from colonnade.targets.target import Target
from colonnade.training.checkpoint import Checkpoint, read_checkpoint
from colonnade.training.hardware import Hardware, open_hardware
from colonnade.training.judge import logits_of
from colonnade.training.loop import deterministic
from colonnade.training.stages import check_same_data

Logits = NDArray[np.float32]

# Of a chunk: its images lie in memory and in a file at once, and are lost with a kill.
CHUNK_BYTES = 32 << 20
CHUNK_IMAGES = 256


class Counts(BaseModel):
    """What two executions say about some images: right answers, equal ones, largest difference of a
    logit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: int = 0
    right_in_torch: int = 0
    right_on_target: int = 0
    equal: int = 0
    max_abs_difference: float = 0.0

    @classmethod
    def of(cls, ours: Logits, reference: Logits, labels: NDArray[np.int64]) -> Self:
        """Compare two executions of one network on the same images, logits [N, classes] each.

        Raises:
            ColonnadeError: different shapes, or values that are not finite.
        """
        if ours.shape != reference.shape or len(labels) != len(ours) or not ours.size:
            raise ColonnadeError(
                f"logits of shapes {ours.shape} and {reference.shape} to compare for {len(labels)} labels"
            )
        if not (np.isfinite(ours).all() and np.isfinite(reference).all()):
            raise ColonnadeError("logits to compare are not all finite")
        answers, expected = ours.argmax(axis=1), reference.argmax(axis=1)
        return cls(
            images=len(labels),
            right_in_torch=int((expected == labels).sum()),
            right_on_target=int((answers == labels).sum()),
            equal=int((answers == expected).sum()),
            max_abs_difference=float(np.abs(ours.astype(np.float64) - reference).max()),
        )

    def __add__(self, other: "Counts") -> "Counts":
        """Of the images of both."""
        return Counts(
            images=self.images + other.images,
            right_in_torch=self.right_in_torch + other.right_in_torch,
            right_on_target=self.right_on_target + other.right_on_target,
            equal=self.equal + other.equal,
            max_abs_difference=max(self.max_abs_difference, other.max_abs_difference),
        )


class Finished(BaseModel):
    """The file of finished chunks: `key` identifies all that decides what they say.

    `schedules` are the distinct ones that they ran.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    chunks: tuple[Counts, ...] = ()
    schedules: tuple[LayerSchedule, ...] = ()

    def __add__(self, other: tuple[Counts, Sequence[LayerSchedule]]) -> "Finished":
        """With another chunk: what it came to, and the schedules that it ran."""
        counts, schedules = other
        fresh = [each for each in schedules if each not in self.schedules]
        return Finished(
            key=self.key,
            chunks=(*self.chunks, counts),
            schedules=(*self.schedules, *fresh),
        )


@dataclass(frozen=True)
class Execution:
    """How the package runs: `folder` takes scratch files, which are named like `name`."""

    target: Target
    package: Path
    implementation: str
    schedules: Path
    batch: int
    folder: Path
    name: str

    def run(
        self, images: NDArray[np.float32], progress: Progress
    ) -> tuple[Logits, list[LayerSchedule]]:
        """Logits [N, classes] of images [N, 3, px, px], normalised; and the schedules that ran.

        Raises:
            ColonnadeError: the run failed, or does not tell which schedules ran.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        scratch = [
            self.folder / f"{self.name}.{each}" for each in ("images", "logits", "report", "out")
        ]
        source, found, report, printed = scratch
        arguments = [
            *("--package", str(self.package)),
            *("--implementation", self.implementation),
            *("--schedules", str(self.schedules)),
            *("--input", str(source)),
            *("--output", str(found)),
            *("--report", str(report)),
            *("--batch", str(self.batch)),
        ]
        before = progress.done

        def count(line: str) -> None:
            # The runner says `images: 32/256`.
            name, _, rest = line.partition(": ")
            if name == "images":
                progress.reach(before + int(rest.split("/")[0]))

        try:
            _write_images(images, source)
            with followed(printed, count):
                self.target.run(RUNNER, arguments, timing=None, log=printed)
            return read_logits(found), read_schedules(report)
        finally:
            for file in scratch:
                file.unlink(missing_ok=True)


def evaluate_variant(
    target: Target,
    data: DataConfig,
    training: TrainingConfig,
    accuracy: AccuracyConfig,
    checkpoint: Path,
    package: Path,
    implementation: str,
    schedules: Path,
    output: Path,
    basis: str,
) -> None:
    """Evaluate a checkpoint in PyTorch and its package on the target, and compare the two.

    A run that finds finished chunks of the same evaluation beside `output` continues behind them.

    Args:
        target: where the package runs; no time is taken.
        data: the data set whose test split is used.
        training: device and threads of PyTorch.
        accuracy: how many of its images, and how many at a time.
        checkpoint: the trained network.
        package: its export.
        implementation: the runner's implementation for the package.
        schedules: those that tuning chose; the network runs them.
        output: JSON file with top-1 of both as shares, the share of equal predictions, the largest
            difference of a logit, what was compared, and which schedule every convolution ran.
        basis: identifies all the settings, and the images: chunks of another one are not taken.

    Raises:
        ColonnadeError: a damaged input, or a run that failed.
    """
    source, images = open_checkpoint(checkpoint, data)
    execution = Execution(
        target, package, implementation, schedules, accuracy.batch, output.parent, output.stem
    )
    chosen = _chosen(images.test, accuracy)
    chunks = cut_into_chunks(chosen, data.image_px, accuracy.batch)
    key = _key(execution, source.sha256, basis, chunks)
    resume = output.with_suffix(".chunks")
    finished = _read_finished(resume, key)
    done = sum(each.images for each in finished.chunks)
    with (
        judged(source, training) as (network, hardware),
        Progress(f"evaluate {output.stem}", len(chosen), "image", done=done) as progress,
    ):
        for chunk in chunks[len(finished.chunks) :]:
            pixels, labels, reference = _in_torch(network, hardware, images.test, chunk, accuracy)
            ours, ran = execution.run(pixels, progress)
            finished += (Counts.of(ours, reference, labels), ran)
            write_text(resume, finished.model_dump_json() + "\n")
    found = reduce(Counts.__add__, finished.chunks)
    write_json(
        output,
        {
            "checkpoint_sha256": source.sha256,
            "n_images": found.images,
            "test_images": len(images.test),
            "target": target.name,
            "top1_torch": found.right_in_torch / found.images,
            "top1_target": found.right_on_target / found.images,
            "agreement": found.equal / found.images,
            "max_abs_logit_difference": found.max_abs_difference,
            "schedule_sources": _layers_by_source(finished.schedules),
            "schedules": list(finished.schedules),
        },
    )
    resume.unlink(missing_ok=True)


def read_schedules(report: Path) -> list[LayerSchedule]:
    """The schedule of every convolution in a runner's report, and where it came from.

    Raises:
        ColonnadeError: missing or damaged report, or one without them.
    """
    layers = read_json(report, RunnerReport)["layers"]
    found: list[LayerSchedule] = [
        {
            "layer": layer["name"],
            "schedule": layer["schedule"],
            "source": layer["schedule_source"],
            "key": layer.get("schedule_key"),
            "adapted": layer.get("schedule_adapted", []),
        }
        for layer in layers
        if layer["op"] == "conv2d"
    ]
    for each in found:
        if each["source"] == "other size" and each["key"] is None:
            raise ColonnadeError(
                f"{report}: layer {each['layer']}: schedule_key is missing; its schedule is of another"
                " size"
            )
    return found


def _layers_by_source(schedules: Sequence[LayerSchedule]) -> dict[str, int]:
    """How many layers ran a schedule of each source; a last, smaller batch may add another one."""
    pairs = {(each["layer"], each["source"]) for each in schedules}
    return {source: sum(each == source for _, each in pairs) for source in get_args(ScheduleSource)}


def _chosen(split: Split, accuracy: AccuracyConfig) -> Sequence[int]:
    """The images to judge, as indices of the split."""
    if accuracy.n_images is None or accuracy.n_images >= len(split):
        return range(len(split))
    return draw_evenly(split.labels, accuracy.n_images, accuracy.seed)


def cut_into_chunks(chosen: Sequence[int], image_px: int, batch: int) -> list[Sequence[int]]:
    """Cut the images into chunks of whole batches, at least one, that stay within the limits."""
    image_bytes = 3 * image_px**2 * np.dtype(np.float32).itemsize
    size = max(1, min(CHUNK_IMAGES, CHUNK_BYTES // image_bytes) // batch) * batch
    return [chosen[start : start + size] for start in range(0, len(chosen), size)]


def _in_torch(
    network: Network,
    hardware: Hardware,
    split: Split,
    chunk: Sequence[int],
    accuracy: AccuracyConfig,
) -> tuple[NDArray[np.float32], NDArray[np.int64], Logits]:
    """Images of a chunk [N, 3, px, px], their labels [N], and PyTorch's logits [N, classes]."""
    pixels = torch.empty(len(chunk), *split.image(Example(chunk[0], None)).shape)
    logits: list[Tensor] = []
    done = 0
    for batch, _ in evaluation_batches(split, accuracy.batch, indices=chunk):
        # In place: to put them together at the end would take all of it twice.
        pixels[done : done + len(batch)] = batch
        done += len(batch)
        logits.append(logits_of(network, batch, hardware))
    labels = split.labels[torch.tensor(chunk)]
    return pixels.numpy(), labels.numpy(), torch.cat(logits).numpy()


def _key(
    execution: Execution,
    checkpoint: str,
    basis: str,
    chunks: Sequence[Sequence[int]],
) -> str:
    """Identifies an evaluation: what it compares, on which images, and how these are cut."""
    parts: list[Any] = [
        checkpoint,
        {file.name: sha256_file(file) for file in sorted(execution.package.iterdir())},
        execution.target.program_sha256(RUNNER),
        execution.implementation,
        sha256_file(execution.schedules),
        basis,
        [list(chunk) for chunk in chunks],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _read_finished(path: Path, key: str) -> Finished:
    """The chunks that an interrupted run of the same evaluation finished; none of any other."""
    if not path.exists():
        return Finished(key=key)
    try:
        found = read_record(path, Finished)
    except ColonnadeError:
        # Damaged: nothing of it is worth more than running again.
        return Finished(key=key)
    return found if found.key == key else Finished(key=key)


def open_checkpoint(path: Path, data: DataConfig) -> tuple[Checkpoint, ImageData]:
    """A checkpoint and the images to judge it on.

    Raises:
        ColonnadeError: damaged checkpoint, or other data than it was trained on.
    """
    source = read_checkpoint(path)
    images = open_data(data, source.info.input_channels)
    check_same_data(source, data, images)
    return source, images


@contextmanager
def judged(source: Checkpoint, training: TrainingConfig) -> Iterator[tuple[Network, Hardware]]:
    """The checkpoint's network where it is to be judged: one process, float32, reproducible."""
    network = source.model()
    with (
        open_hardware(training.alone) as hardware,
        deterministic(source.info.seed, training.threads),
    ):
        hardware.place(network)
        yield network, hardware.in_full()


def _write_images(images: NDArray[np.float32], path: Path) -> None:
    """Write a scratch file as the runner reads it; a killed run's is overwritten by the next one."""
    try:
        path.write_bytes(save({"image": images}))
    except OSError as error:
        raise ColonnadeError(f"{path}: cannot be written: {error.strerror}") from error


def read_logits(path: Path) -> Logits:
    """Read logits [N, classes] that the runner wrote.

    Raises:
        ColonnadeError: missing or damaged file, or one without logits.
    """
    if not path.is_file():
        raise ColonnadeError(f"{path}: no such file")
    try:
        tensors = load_tensors(path)
    except (OSError, ValueError) as error:
        raise ColonnadeError(f"{path}: damaged: {error}") from error
    logits = tensors.get("logits")
    if logits is None or logits.ndim != 2 or logits.dtype != np.float32:
        raise ColonnadeError(f"{path}: expected a tensor `logits`, float32 [images, classes]")
    return logits


def top1(logits: Logits, labels: NDArray[np.int64]) -> float:
    """Share of rows of `logits` [N, classes] whose maximum is at `labels` [N], 0 to 1.

    Raises:
        ColonnadeError: not one row of logits per label.
    """
    if len(logits) != len(labels):
        raise ColonnadeError(f"{len(logits)} rows of logits for {len(labels)} labels")
    return float((logits.argmax(axis=1) == labels).mean())
