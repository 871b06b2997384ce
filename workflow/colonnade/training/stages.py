"""The two training stages of the workflow: dense training, and fine-tuning under masks."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from colonnade.data import DigitsConfig, ImageData, ImageNetConfig, open_data
from colonnade.errors import ColonnadeError
from colonnade.files import sha256_file
from colonnade.models import ModelConfig, ResNet, build, load_weights
from colonnade.pruning import ColumnMask, Pattern, make_masks
from colonnade.training.checkpoint import (
    Checkpoint,
    CheckpointInfo,
    read_checkpoint,
    write_checkpoint,
)
from colonnade.training.loop import Phase, deterministic, run_phase
from colonnade.training.settings import PhaseConfig, TrainingConfig


def train_dense(
    model: ModelConfig,
    data: DigitsConfig | ImageNetConfig,
    training: TrainingConfig,
    seed: int,
    output: Path,
    metrics: Path,
) -> None:
    """Train a dense network; its checkpoint goes to `output`, metrics per epoch to `metrics` (CSV).

    Raises:
        ColonnadeError: bad weights or data, or a training that diverges.
    """
    images = open_data(data)
    info = CheckpointInfo(
        model=model.name,
        num_classes=len(images.classes),
        dataset=data.name,
        image_px=data.image_px,
        split_seed=data.split_seed,
        normalisation=images.normalisation,
        seed=seed,
        epochs=training.dense.epochs,
    )
    with deterministic(seed, training.threads):
        network = build(model.name, len(images.classes))
        if model.weights is not None:
            load_weights(network, model.weights, replace_fc=model.replace_fc)
        start = None if model.weights is None else sha256_file(model.weights)
        phase = _phase(info, data, training.dense, training.threads, start, output, metrics)
        run_phase(network, images, phase)
    _finish(network, info, {}, phase, output)


def prune_and_finetune(
    dense: Path,
    tiles: Mapping[str, int],
    pattern: Pattern,
    data: DigitsConfig | ImageNetConfig,
    training: TrainingConfig,
    seed: int,
    output: Path,
    metrics: Path,
) -> None:
    """Prune a dense checkpoint and fine-tune it under its masks, which do not change any more.

    `tiles` gives the tile of every convolution to be pruned (see `pruning.prunable_convs`).

    Raises:
        ColonnadeError: a damaged or pruned checkpoint, another data set or split than it was
            trained on, tiles for layers it does not have, or a training that diverges.
    """
    source = read_checkpoint(dense)
    if source.masks:
        raise ColonnadeError(f"{dense}: is pruned already; a dense checkpoint is needed")
    images = open_data(data)
    check_same_data(source, data, images)
    info = source.info.model_copy(
        update={
            "pattern": pattern,
            "tiles": dict(tiles),
            "seed": seed,
            "epochs": training.finetune.epochs,
            "source_sha256": source.sha256,
        }
    )
    network = source.model()
    masks = make_masks(network, pattern, tiles)
    phase = _phase(
        info, data, training.finetune, training.threads, source.sha256, output, metrics, masks
    )
    with deterministic(seed, training.threads):
        run_phase(network, images, phase)
    _finish(network, info, masks, phase, output)


def check_same_data(
    checkpoint: Checkpoint, data: DigitsConfig | ImageNetConfig, images: ImageData
) -> None:
    """Refuse data other than the checkpoint was trained on: another split would leak test images.

    Raises:
        ColonnadeError: the configuration and the checkpoint disagree; every difference is named.
    """
    info = checkpoint.info
    pairs = {
        "data.name": (data.name, info.dataset),
        "data.image_px": (data.image_px, info.image_px),
        "data.split_seed": (data.split_seed, info.split_seed),
        "number of classes": (len(images.classes), info.num_classes),
    }
    wrong = [
        f"{key}: {seen}, trained with {own}" for key, (seen, own) in pairs.items() if seen != own
    ]
    if wrong:
        raise ColonnadeError(f"{checkpoint.path}: {'; '.join(wrong)}")


def _phase(
    info: CheckpointInfo,
    data: DigitsConfig | ImageNetConfig,
    config: PhaseConfig,
    threads: int,
    start_sha256: str | None,
    output: Path,
    metrics: Path,
    masks: Mapping[str, ColumnMask] | None = None,
) -> Phase:
    everything = {
        "info": info.model_dump(mode="json"),
        "data": data.model_dump(mode="json"),
        "phase": config.model_dump(mode="json"),
        "threads": threads,
        "start": start_sha256,
    }
    text = json.dumps(everything, sort_keys=True)
    return Phase(
        title=f"{info.model} {'dense' if info.pattern is None else info.pattern.label}",
        config=config,
        seed=info.seed,
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        resume=output.with_name(f"{output.name}.resume"),
        metrics=metrics,
        masks=masks or {},
    )


def _finish(
    network: ResNet,
    info: CheckpointInfo,
    masks: Mapping[str, ColumnMask],
    phase: Phase,
    output: Path,
) -> None:
    write_checkpoint(output, info, network.state_dict(), masks)
    phase.resume.unlink(missing_ok=True)
