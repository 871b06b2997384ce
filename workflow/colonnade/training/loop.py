"""One training phase: seeded, resumable, and with pruned weights held at zero throughout.

After every epoch the whole state goes to a file beside the checkpoint. A run that finds such a file
of the very same configuration continues from it and ends in the same weights as an uninterrupted
one; any other file is discarded with a warning.
"""

import csv
import io
import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, AdamW, Optimizer
from tqdm import tqdm

from colonnade.data import ImageData, Split, batch_count, evaluation_batches, training_batches
from colonnade.errors import ColonnadeError
from colonnade.files import atomic_path, write_text
from colonnade.pruning import ColumnMask, HeldMasks
from colonnade.training.settings import AdamWConfig, CosineSchedule, PhaseConfig

EVALUATION_BATCH = 256


@dataclass(frozen=True)
class EpochMetrics:
    """One row of the metrics file. Losses are mean cross-entropies, top-1 are shares of images."""

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
    config: PhaseConfig
    seed: int
    fingerprint: str
    resume: Path
    metrics: Path
    masks: Mapping[str, ColumnMask] = field(default_factory=dict)


@contextmanager
def deterministic(seed: int, threads: int) -> Iterator[None]:
    """Seed torch, fix its threads and its choice of algorithms; the settings are restored after."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


def learning_rate(config: PhaseConfig, progress: float) -> float:
    """The learning rate after `progress` epochs (0 to `config.epochs`, with fractions)."""
    base, schedule = config.optimizer.lr, config.schedule
    if not isinstance(schedule, CosineSchedule):
        return base * schedule.factor ** (int(progress) // schedule.every)
    if progress < schedule.warmup_epochs:
        return base * progress / schedule.warmup_epochs
    done = (progress - schedule.warmup_epochs) / (config.epochs - schedule.warmup_epochs)
    return base * (1 + math.cos(math.pi * done)) / 2


def measure(model: nn.Module, split: Split) -> tuple[float, float]:
    """Mean cross-entropy and top-1 share of `model` over `split`, in evaluation mode."""
    logits = predict(model, split)
    loss = cross_entropy(logits, split.labels)
    right = (logits.argmax(1) == split.labels).double().mean()
    return float(loss), float(right)


@torch.no_grad()
def predict(model: nn.Module, split: Split) -> Tensor:
    """Logits float32 [N, classes] of the whole split, in its order, in evaluation mode."""
    model.eval()
    batches = tqdm(
        evaluation_batches(split, EVALUATION_BATCH),
        total=batch_count(split, EVALUATION_BATCH),
        desc="evaluate",
        unit="batch",
        leave=False,
    )
    return torch.cat([model(images) for images, _ in batches])


def run_phase(model: nn.Module, data: ImageData, phase: Phase) -> None:
    """Train `model` in place for the phase's epochs, from the last completed one if interrupted.

    Raises:
        ColonnadeError: the loss is no longer finite.
    """
    held = HeldMasks(model, phase.masks)
    held.apply()
    optimizer = _optimizer(model, phase.config)
    rows = _resume(model, optimizer, phase)
    for epoch in range(len(rows), phase.config.epochs):
        start = time.monotonic()
        rate = learning_rate(phase.config, epoch)
        loss, top1 = _train_epoch(model, data.train, optimizer, held, phase, epoch)
        judged = measure(model, data.validation)
        rows.append(EpochMetrics(epoch, rate, loss, top1, *judged, time.monotonic() - start))
        _save(model, optimizer, phase, rows)


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
    model: nn.Module,
    split: Split,
    optimizer: Optimizer,
    held: HeldMasks,
    phase: Phase,
    epoch: int,
) -> tuple[float, float]:
    """One pass over `split`; mean loss and top-1 share of the images as they were trained on."""
    config = phase.config
    model.train()
    total = batch_count(split, config.batch_size)
    batches = training_batches(split, config.batch_size, phase.seed, epoch)
    title = f"{phase.title}, epoch {epoch + 1} of {config.epochs}"
    loss_sum, right = 0.0, 0
    for index, (images, labels) in enumerate(tqdm(batches, title, total, unit="batch")):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, epoch + index / total)
        optimizer.zero_grad()
        logits = model(images)
        loss = cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
        if not math.isfinite(loss.item()):
            raise ColonnadeError(
                f"{title}: the loss is {loss.item()};"
                f" optimizer.lr: {config.optimizer.lr:g}: try a lower one, or a clip_norm"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        held.apply_to_gradients()
        if config.clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        optimizer.step()
        held.apply()
        loss_sum += loss.item() * len(labels)
        right += int((logits.argmax(1) == labels).sum())
    return loss_sum / len(split), right / len(split)


def _save(model: nn.Module, optimizer: Optimizer, phase: Phase, rows: list[EpochMetrics]) -> None:
    state = {
        "fingerprint": phase.fingerprint,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "rows": [asdict(row) for row in rows],
    }
    with atomic_path(phase.resume) as temporary:
        torch.save(state, temporary)
    _write_metrics(phase.metrics, rows)


def _resume(model: nn.Module, optimizer: Optimizer, phase: Phase) -> list[EpochMetrics]:
    state = _read_resume(phase)
    rows = [] if state is None else [EpochMetrics(**row) for row in state["rows"]]
    if state is not None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        print(f"{phase.title}: continuing after epoch {len(rows)}", file=sys.stderr)
    _write_metrics(phase.metrics, rows)
    return rows


def _read_resume(phase: Phase) -> dict[str, Any] | None:
    if not phase.resume.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(phase.resume, weights_only=True)
        if state["fingerprint"] == phase.fingerprint:
            return state
        reason = "of another configuration"
    # torch.load raises whatever the damaged place in the file provokes.
    except Exception:
        reason = "damaged"
    print(f"{phase.resume}: {reason}; starting from the first epoch", file=sys.stderr)
    return None


def _write_metrics(path: Path, rows: list[EpochMetrics]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(EpochMetrics)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_text(path, text.getvalue())
