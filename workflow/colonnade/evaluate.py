"""Judging a checkpoint: top-1 and logits in PyTorch, and whether an execution elsewhere agrees.

The reference is the trained module itself in evaluation mode, batch norm not folded: an error of
folding or export shows as a difference.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from colonnade.data import DataConfig
from colonnade.data.dataset import ImageData, Split, evaluation_batches
from colonnade.data.opening import open_data
from colonnade.errors import ColonnadeError
from colonnade.files import atomic_path, write_json
from colonnade.models.resnet import ResNet
from colonnade.targets import Target
from colonnade.training import TrainingConfig
from colonnade.training.checkpoint import Checkpoint, read_checkpoint
from colonnade.training.hardware import Hardware, open_hardware
from colonnade.training.judge import predict
from colonnade.training.loop import deterministic
from colonnade.training.stages import check_same_data

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Evaluation:
    """Of a whole test split: `logits` [N, classes], `labels` int64 [N], and their top-1 share."""

    checkpoint_sha256: str
    logits: Logits
    labels: NDArray[np.int64]

    @property
    def top1(self) -> float:
        """Share of images whose highest logit is their label's, 0 to 1."""
        return top1(self.logits, self.labels)


@dataclass(frozen=True)
class Agreement:
    """Two executions compared: share of equal predictions, largest difference of a logit."""

    top1_agreement: float
    max_abs_difference: float


def evaluate_variant(
    target: Target,
    data: DataConfig,
    training: TrainingConfig,
    checkpoint: Path,
    package: Path,
    implementation: str,
    output: Path,
) -> None:
    """Evaluate a checkpoint in PyTorch and its package on the target, and compare the two.

    Args:
        target: where the package runs; no time is taken.
        data: the data set whose test split is used.
        training: device and threads of PyTorch.
        checkpoint: the trained network.
        package: its export.
        implementation: the runner's implementation for the package.
        output: JSON file with top-1 of both as shares, the share of equal predictions, the largest
            difference of a logit, and what was compared.

    Raises:
        ColonnadeError: a damaged input, or a run that failed.
    """
    reference = evaluate(checkpoint, data, training)
    output.parent.mkdir(parents=True, exist_ok=True)
    images, logits, report = scratch = [
        output.with_suffix(suffix) for suffix in (".images", ".logits", ".report")
    ]
    try:
        write_images(open_data(data).test, images)
        arguments = [
            *("--package", str(package)),
            *("--implementation", implementation),
            *("--input", str(images)),
            *("--output", str(logits)),
            *("--report", str(report)),
        ]
        target.run("colonnade-run", arguments, timing=None)
        ours = read_logits(logits)
    finally:
        for file in scratch:
            file.unlink(missing_ok=True)
    agreement = compare(ours, reference.logits)
    write_json(
        output,
        {
            "checkpoint_sha256": reference.checkpoint_sha256,
            "n_images": len(reference.labels),
            "target": target.name,
            "top1_torch": reference.top1,
            "top1_target": top1(ours, reference.labels),
            "agreement": agreement.top1_agreement,
            "max_abs_logit_difference": agreement.max_abs_difference,
        },
    )


def evaluate(checkpoint: Path, data: DataConfig, training: TrainingConfig) -> Evaluation:
    """Run the checkpoint's module over the whole test split, in float32.

    Raises:
        ColonnadeError: damaged checkpoint, or other data than it was trained on.
    """
    source, images = open_checkpoint(checkpoint, data)
    with judged(source, training) as (network, hardware):
        logits = predict(network, images.test, hardware)
    return Evaluation(source.sha256, logits.numpy(), images.test.labels.numpy())


def open_checkpoint(path: Path, data: DataConfig) -> tuple[Checkpoint, ImageData]:
    """A checkpoint and the images to judge it on.

    Raises:
        ColonnadeError: damaged checkpoint, or other data than it was trained on.
    """
    source, images = read_checkpoint(path), open_data(data)
    check_same_data(source, data, images)
    return source, images


@contextmanager
def judged(source: Checkpoint, training: TrainingConfig) -> Iterator[tuple[ResNet, Hardware]]:
    """The checkpoint's network where it is to be judged: one process, float32, reproducible."""
    network = source.model()
    with (
        open_hardware(training.alone) as hardware,
        deterministic(source.info.seed, training.threads),
    ):
        hardware.place(network)
        yield network, hardware.in_full()


def write_images(split: Split, path: Path) -> None:
    """Write a split as the runner reads it: `image` F32 [N, 3, px, px], normalised, in order."""
    images = torch.cat([batch for batch, _ in evaluation_batches(split, 256)])
    with atomic_path(path) as temporary:
        temporary.write_bytes(save({"image": np.ascontiguousarray(images.numpy())}))


def write_logits(logits: Logits, path: Path) -> None:
    """Write logits as the runner does: `logits` F32 [N, classes]."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(save({"logits": logits}))


def read_logits(path: Path) -> Logits:
    """Read logits [N, classes] that `write_logits` or the runner wrote.

    Raises:
        ColonnadeError: missing or damaged file, or one without logits.
    """
    if not path.is_file():
        raise ColonnadeError(f"{path}: no such file")
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
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


def compare(ours: Logits, reference: Logits) -> Agreement:
    """Compare two executions of one network on the same images, logits [N, classes] each.

    Raises:
        ColonnadeError: different shapes, or values that are not finite.
    """
    if ours.shape != reference.shape or not ours.size:
        raise ColonnadeError(f"logits of shapes {ours.shape} and {reference.shape} to compare")
    if not (np.isfinite(ours).all() and np.isfinite(reference).all()):
        raise ColonnadeError("logits to compare are not all finite")
    equal = ours.argmax(axis=1) == reference.argmax(axis=1)
    difference = np.abs(ours.astype(np.float64) - reference)
    return Agreement(float(equal.mean()), float(difference.max()))
