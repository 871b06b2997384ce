# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""One training phase: seeded, resumable, and under masks that follow their schedule.

After every epoch the whole state goes to a file beside the checkpoint. A run that finds such a file
of the very same configuration continues from it and ends in the same weights as an uninterrupted
one; any other file is discarded with a warning.
"""

import copy
import csv
import io
import itertools
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, AdamW, Optimizer

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_bytes, write_text
from colonnade.common.progress import duration, track
from colonnade.config.training import AdamWConfig, CosineSchedule, PhaseConfig
from colonnade.data.dataset import ImageData, batch_count, training_batches
from colonnade.models.module import Network
from colonnade.pruning.schedule import Sparsifier
from colonnade.training.averaging import WeightAverage, renew_norms
from colonnade.training.distillation import Teacher
from colonnade.training.forecast import forecast, is_long
from colonnade.training.hardware import Hardware
from colonnade.training.judge import measure


@dataclass(frozen=True)
class EpochMetrics:
    """One row of the metrics file. Losses are mean cross-entropies, top-1 are shares of images.

    With a teacher `train_loss` is the loss that was minimised.
    """

    epoch: int
    lr: float
    train_loss: float
    train_top1: float
    validation_loss: float
    validation_top1: float
    seconds: float


@dataclass(frozen=True)
class Phase:
    """A phase to run on `model`, in place.

    `fingerprint` identifies everything that determines the outcome; `resume` is the file that holds
    the state between epochs, `metrics` the CSV file of `EpochMetrics`, rewritten after every epoch.
    """

    title: str
    model: Network
    data: ImageData
    config: PhaseConfig
    seed: int
    hardware: Hardware
    fingerprint: str
    resume: Path
    metrics: Path
    sparsifier: Sparsifier
    teacher: Teacher | None = None

    def loss(self, forward: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and logits of a batch, run by `forward`: the model, or what shares it."""
        smoothing = self.config.label_smoothing
        if self.teacher is not None:
            return self.teacher.loss(self.model, forward, images, labels, smoothing)
        logits = forward(images).float()
        return cross_entropy(logits, labels, label_smoothing=smoothing), logits


@contextmanager
def deterministic(seed: int, threads: int) -> Iterator[None]:
    """Seed torch, fix its threads and its choice of algorithms; the settings are restored after."""
    before = (
        torch.get_num_threads(),
        torch.get_deterministic_debug_mode(),
        torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
    )
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    # The same as use_deterministic_algorithms, which takes a second to import PyTorch's compiler.
    torch.set_deterministic_debug_mode("error")
    # Costs a tenth of the time, and only guards against reading what nobody wrote.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_deterministic_debug_mode(before[1])
        torch.utils.deterministic.fill_uninitialized_memory = before[2]  # type: ignore[attr-defined]


def learning_rate(config: PhaseConfig, progress: float) -> float:
    """The learning rate after `progress` epochs (0 to `config.epochs`, with fractions)."""
    base, schedule = config.optimizer.lr, config.schedule
    if not isinstance(schedule, CosineSchedule):
        return base * schedule.factor ** (int(progress) // schedule.every)
    if progress < schedule.warmup_epochs:
        return base * progress / schedule.warmup_epochs
    done = (progress - schedule.warmup_epochs) / (config.epochs - schedule.warmup_epochs)
    return base * (1 + math.cos(math.pi * done)) / 2


def run_phase(phase: Phase) -> None:
    """Train the phase's model for its epochs, from the last completed one if interrupted.

    Raises:
        ColonnadeError: the loss is no longer finite, or batches are too small for the processes.
    """
    _check_parts(phase)
    phase.hardware.place(phase.model)
    forward = phase.hardware.shared(phase.model)
    optimizer = _optimizer(phase.model, phase.config)
    average = WeightAverage(phase.model, phase.config.average)
    rows = _resume(optimizer, average, phase)
    epochs = phase.config.epochs
    if not rows and is_long(phase.data, phase.config):
        _tell_forecast(phase)
    for epoch in range(len(rows), epochs):
        start = time.monotonic()
        rate = learning_rate(phase.config, epoch)
        loss, top1 = _train_epoch(forward, optimizer, average, phase, epoch)
        if epoch == epochs - 1:
            _settle(average, phase)
        judged = _judge(average, phase)
        rows.append(EpochMetrics(epoch, rate, loss, top1, *judged, time.monotonic() - start))
        _save(optimizer, average, phase, rows)
        if phase.hardware.is_first:
            print(epoch_line(phase.title, rows, epochs), file=sys.stderr, flush=True)
    if epochs == 0:
        _settle(average, phase)
    phase.model.to(device="cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def _tell_forecast(phase: Phase) -> None:
    trial = replace(phase, model=copy.deepcopy(phase.model).train())
    said = forecast(
        phase.title,
        lambda images, labels: trial.loss(trial.model, images, labels)[0],
        phase.data,
        phase.config,
        phase.seed,
        phase.hardware,
    )
    if phase.hardware.is_first:
        print(said, file=sys.stderr, flush=True)


def _settle(average: WeightAverage, phase: Phase) -> None:
    """Leave in the model what the phase ends in: averaged, under the final masks, norms renewed."""
    average.adopt()
    phase.sparsifier.finish()
    config = phase.config
    if config.norm_batches:
        # The order that an epoch more would have.
        batches = training_batches(phase.data.train, config.batch_size, phase.seed, config.epochs)
        renew_norms(phase.model, itertools.islice(batches, config.norm_batches), phase.hardware)


def _judge(average: WeightAverage, phase: Phase) -> tuple[float, float]:
    """Validation loss and top-1 of what the phase would end in, but for the renewal of norms."""
    with average.applied(), phase.sparsifier.applied():
        # An average has parts of weights that were pruned meanwhile.
        phase.sparsifier.hold()
        return measure(phase.model, phase.data.validation, phase.hardware)


def epoch_line(title: str, rows: Sequence[EpochMetrics], epochs: int) -> str:
    """What the last epoch of `rows` came to, and the time that the others will take of `epochs` in all.

    An epoch is taken to last as long as the mean of those so far.
    """
    last = rows[-1]
    left = sum(row.seconds for row in rows) / len(rows) * (epochs - len(rows))
    return (
        f"{title}, epoch {last.epoch + 1} of {epochs}:"
        f" loss {last.train_loss:.4f}, top-1 {100 * last.train_top1:.2f}%;"
        f" validation loss {last.validation_loss:.4f}, top-1 {100 * last.validation_top1:.2f}%;"
        f" {duration(last.seconds)}" + (f", about {duration(left)} left" if left else "")
    )


def _check_parts(phase: Phase) -> None:
    images, world_size = len(phase.data.train), phase.hardware.world_size
    smallest = images // batch_count(phase.data.train, phase.config.batch_size) // world_size
    if smallest < 2:
        raise ColonnadeError(
            f"training: batches of {phase.config.batch_size} from {images} images, shared by"
            f" {world_size} processes, leave {smallest} images for one; allowed: at least 2"
        )


def _optimizer(model: nn.Module, config: PhaseConfig) -> Optimizer:
    settings = config.optimizer
    if isinstance(settings, AdamWConfig):
        return AdamW(
            model.parameters(), settings.lr, weight_decay=settings.weight_decay, fused=True
        )
    return SGD(
        model.parameters(),
        settings.lr,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def _train_epoch(
    forward: nn.Module, optimizer: Optimizer, average: WeightAverage, phase: Phase, epoch: int
) -> tuple[float, float]:
    """One pass over the training images; mean loss and top-1 share as they were trained on."""
    config, hardware, split = phase.config, phase.hardware, phase.data.train
    total = batch_count(split, config.batch_size)
    batches = training_batches(
        split, config.batch_size, phase.seed, epoch, hardware.rank, hardware.world_size
    )
    title = f"{phase.title}, epoch {epoch + 1} of {config.epochs}"
    bar = track(batches, title, total, "batch", shown=hardware.is_first)
    loss_sum, right, seen = 0.0, 0, 0
    for index, (images, labels) in enumerate(bar):
        progress = epoch + index / total
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, progress)
        phase.sparsifier.advance(progress / config.epochs)
        forward.train()
        loss, hits = _step(forward, optimizer, phase, images, labels.to(hardware.device))
        average.after_step()
        if not math.isfinite(loss):
            raise ColonnadeError(
                f"{title}: the loss is {loss};"
                f" optimizer.lr: {config.optimizer.lr:g}: try a lower one, or a clip_norm"
            )
        loss_sum += loss * len(labels)
        right += hits
        seen += len(labels)
    sums = hardware.gathered((loss_sum, right, seen))
    loss_sum, right, seen = (sum(each) for each in zip(*sums, strict=True))
    return loss_sum / seen, right / seen


def _step(
    forward: nn.Module, optimizer: Optimizer, phase: Phase, images: Tensor, labels: Tensor
) -> tuple[float, int]:
    """One step of the optimizer; the loss, and how many images were classified rightly."""
    optimizer.zero_grad()
    with phase.sparsifier.applied():
        with phase.hardware.precision():
            loss, logits = phase.loss(forward, phase.hardware.images(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
    phase.sparsifier.treat_gradients()
    if phase.config.clip_norm is not None:
        nn.utils.clip_grad_norm_(phase.model.parameters(), phase.config.clip_norm)
    optimizer.step()
    phase.sparsifier.after_step()
    return loss.item(), int((logits.argmax(1) == labels).sum())


def _save(
    optimizer: Optimizer, average: WeightAverage, phase: Phase, rows: list[EpochMetrics]
) -> None:
    if not phase.hardware.is_first:
        return
    state = {
        "fingerprint": phase.fingerprint,
        "model": phase.model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "average": average.state_dict(),
        "sparsifier": phase.sparsifier.state_dict(),
        "rows": [asdict(row) for row in rows],
    }
    # Given a file, torch tells of a full disk as if it had a mistake itself.
    content = io.BytesIO()
    torch.save(state, content)
    write_bytes(phase.resume, content.getbuffer())
    _write_metrics(phase.metrics, rows)


def _resume(optimizer: Optimizer, average: WeightAverage, phase: Phase) -> list[EpochMetrics]:
    # The first process decides for all: it alone writes the file.
    state = phase.hardware.from_first(_read_resume(phase) if phase.hardware.is_first else None)
    rows = [] if state is None else [EpochMetrics(**row) for row in state["rows"]]
    if state is not None:
        phase.model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average.load_state_dict(state["average"])
        phase.sparsifier.load_state_dict(state["sparsifier"])
    if phase.hardware.is_first:
        if rows:
            print(f"{phase.title}: continuing after epoch {len(rows)}", file=sys.stderr)
        _write_metrics(phase.metrics, rows)
    return rows


def _read_resume(phase: Phase) -> dict[str, Any] | None:
    if not phase.resume.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(phase.resume, map_location="cpu", weights_only=True)
        if state["fingerprint"] == phase.fingerprint:
            _check_state(state, phase)
            return state
        reason = "of another configuration"
    # torch.load raises whatever the damaged place in the file provokes.
    except Exception:
        reason = "damaged"
    print(f"{phase.resume}: {reason}; starting from the first epoch", file=sys.stderr)
    return None


def _check_state(state: Mapping[str, Any], phase: Phase) -> None:
    """Raise whatever a state provokes that cannot be continued from, before any of it is used."""
    [EpochMetrics(**row) for row in state["rows"]]
    own = {name: value.shape for name, value in phase.model.state_dict().items()}
    if own != {name: value.shape for name, value in state["model"].items()}:
        raise ValueError("parameters of another network")
    if not (isinstance(state["optimizer"], dict) and isinstance(state["sparsifier"], dict)):
        raise TypeError("no state of an optimizer")


def _write_metrics(path: Path, rows: list[EpochMetrics]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(EpochMetrics)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_text(path, text.getvalue())
