# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The two training stages of the workflow, dense and under masks; masks and repair without training."""

import copy
import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

from colonnade.common.contents import folder_digest
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file
from colonnade.config.data import DataConfig, folders_of
from colonnade.config.model import ModelConfig
from colonnade.config.pruning import OneShot, Recipe, Repair
from colonnade.config.training import PhaseConfig, TrainingConfig
from colonnade.data.dataset import ImageData, draw_evenly, evaluation_batches, training_batches
from colonnade.data.opening import open_data
from colonnade.models.module import Network, build
from colonnade.models.weights import load_weights
from colonnade.pruning.layers import Masks, importances, make_masks
from colonnade.pruning.permutation import permute, search
from colonnade.pruning.plan import Plan
from colonnade.pruning.repair import Calibration, repair
from colonnade.pruning.schedule import Sparsifier
from colonnade.pruning.weights import kept_weights
from colonnade.training.checkpoint import (
    Checkpoint,
    CheckpointInfo,
    read_checkpoint,
    write_checkpoint,
)
from colonnade.training.distillation import Teacher
from colonnade.training.hardware import Hardware, open_hardware
from colonnade.training.loop import Phase, deterministic, run_phase

# Batches on which scores that need images are measured each time.
SCORED_BATCHES = 8
# Images that repair passes through the networks at a time.
CALIBRATION_BATCH = 64


def train_dense(
    model: ModelConfig,
    data: DataConfig,
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
    with open_hardware(training) as hardware, deterministic(seed, training.threads):
        network = build(model.name, len(images.classes))
        if model.weights is not None:
            load_weights(
                network,
                model.name,
                model.weights,
                key=model.weights_key,
                replace_fc=model.replace_fc,
            )
        start = None if model.weights is None else sha256_file(model.weights)
        fingerprint = _fingerprint(info, data, training.dense, training, start)
        phase = Phase(
            title=f"{model.name} dense",
            model=network,
            data=images,
            config=training.dense,
            seed=seed,
            hardware=hardware,
            fingerprint=fingerprint,
            resume=_resume_file(output),
            metrics=metrics,
            sparsifier=Sparsifier(network, {}, OneShot(), lambda _share: {}),
        )
        run_phase(phase)
        _finish(network, info, phase, output)


def prune_and_finetune(
    dense: Path,
    plan: Plan,
    recipe: Recipe,
    data: DataConfig,
    training: TrainingConfig,
    seed: int,
    output: Path,
    metrics: Path,
) -> None:
    """Prune a dense checkpoint as `recipe` says, and fine-tune it under its masks.

    `plan` names the convolutions to be pruned (see `pruning.prunable_convs`); an empty one
    fine-tunes the dense network. The masks at the end are those of the checkpoint.

    Raises:
        ColonnadeError: a damaged or pruned checkpoint, another data set or split than it was
            trained on, a plan for layers it does not have, or a training that diverges.
    """
    source = read_checkpoint(dense)
    if source.masks:
        raise ColonnadeError(f"{dense}: is pruned already; a dense checkpoint is needed")
    images = open_data(data, source.info.input_channels)
    check_same_data(source, data, images)
    info = source.info.model_copy(
        update={
            "plan": dict(plan),
            "recipe": recipe if plan else None,
            "seed": seed,
            "epochs": training.finetune.epochs if recipe.train else 0,
            "source_sha256": source.sha256,
        }
    )
    config = training.finetune.model_copy(update={"epochs": info.epochs})
    with open_hardware(training) as hardware, deterministic(seed, training.threads):
        network = source.model().to(hardware.device)
        chooser = _Chooser(network, plan, recipe, images, config, seed, hardware)
        if recipe.permute:
            chooser.permute()
        # Masks take over where weights are, and their order in memory.
        hardware.place(network)
        dense_network = copy.deepcopy(network)
        sparsifier = Sparsifier(network, plan, recipe.schedule, chooser.choose)
        if recipe.repair is not None:
            sparsifier.advance(0.0)
            _repair(network, dense_network, sparsifier.masks, recipe.repair, images, seed, hardware)
        teacher = None
        if recipe.distillation is not None:
            teacher = Teacher(dense_network, recipe.distillation, hardware)
        fingerprint = _fingerprint(info, data, config, training, source.sha256)
        phase = Phase(
            title=f"{info.model} {_name(plan)}",
            model=network,
            data=images,
            config=config,
            seed=seed,
            hardware=hardware,
            fingerprint=fingerprint,
            resume=_resume_file(output),
            metrics=metrics,
            sparsifier=sparsifier,
            teacher=teacher,
        )
        run_phase(phase)
        _finish(network, info, phase, output)


def mask_by_magnitude(dense: Path, plan: Plan, output: Path) -> None:
    """Write a dense checkpoint with masks by the L1 norm; the weights that stay are as they were.

    Raises:
        ColonnadeError: a damaged checkpoint, or a file that cannot be written.
    """
    _mask(dense, plan, output, Recipe(), ())


def mask_and_repair(
    dense: Path, plan: Plan, images: Calibration, output: Path, damping: float = Repair().damping
) -> None:
    """The same, but the weights that stay are solved anew on `images`; nothing is trained.

    `images` are batches [N, C, H, W] of what the network is fed; see `pruning.repair`.

    Raises:
        ColonnadeError: a damaged checkpoint, no image, a plan with a grouped convolution, or a file
            that cannot be written.
    """
    count = sum(map(len, images))
    if not count:
        raise ColonnadeError("repair: no images; needed: at least one")
    recipe = Recipe(repair=Repair(images=count, damping=damping), train=False)
    _mask(dense, plan, output, recipe, images)


def _mask(dense: Path, plan: Plan, output: Path, recipe: Recipe, images: Calibration) -> None:
    read = read_checkpoint(dense)
    model = read.model()
    masks = make_masks(importances(model, list(plan), "l1"), plan)
    state = model.state_dict()
    for name, mask in masks.items():
        weight = state[f"{name}.weight"]
        weight[~kept_weights(mask, weight)] = 0
    if recipe.repair is not None:
        repair(model, read.model(), masks, images, recipe.repair.damping)
    update = {"plan": plan, "recipe": recipe if plan else None, "source_sha256": read.sha256}
    write_checkpoint(output, read.info.model_copy(update=update), state, masks)


def check_same_data(checkpoint: Checkpoint, data: DataConfig, images: ImageData) -> None:
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


class _Chooser:
    """Chooses masks from the network as it is; the first process decides for all."""

    def __init__(
        self,
        network: Network,
        plan: Plan,
        recipe: Recipe,
        images: ImageData,
        config: PhaseConfig,
        seed: int,
        hardware: Hardware,
    ) -> None:
        self.network = network
        self.plan = plan
        self.recipe = recipe
        self.images = images
        self.config = config
        self.seed = seed
        self.hardware = hardware

    def choose(self, share: float) -> Masks:
        masks = None
        if self.hardware.is_first:
            masks = make_masks(self._importances(), self.plan, share)
        chosen = self.hardware.from_first(masks)
        assert chosen is not None
        return chosen

    def permute(self) -> None:
        """Reorder the network's channels for the final masks; see `pruning.permutation`."""
        orders = None
        if self.hardware.is_first:
            importance = self._importances()
            orders = search(self.network.graph, importance, self.plan)
        for space, order in self.hardware.from_first(orders) or []:
            permute(self.network, space, order)

    def _importances(self) -> Any:
        batches = itertools.islice(
            training_batches(self.images.train, self.config.batch_size, self.seed, 0),
            SCORED_BATCHES,
        )
        device = next(self.network.parameters()).device
        placed = ((images.to(device), labels.to(device)) for images, labels in batches)
        return importances(self.network, self.plan, self.recipe.score, placed)


def _repair(
    network: Network,
    dense: Network,
    masks: Masks,
    config: Repair,
    images: ImageData,
    seed: int,
    hardware: Hardware,
) -> None:
    """Repair `network`, in place; its calibration images are not augmented, and of all classes."""
    chosen = draw_evenly(images.train.labels, config.images, seed)
    batches = evaluation_batches(images.train, CALIBRATION_BATCH, indices=chosen)
    placed = [hardware.images(pictures) for pictures, _ in batches]
    repair(network, dense, masks, placed, config.damping)


def _name(plan: Plan) -> str:
    labels = sorted({layer.pattern.label for layer in plan.values()})
    return "+".join(labels) or "dense"


def _resume_file(output: Path) -> Path:
    return output.with_name(f"{output.name}.resume")


def _fingerprint(
    info: CheckpointInfo,
    data: DataConfig,
    config: PhaseConfig,
    training: TrainingConfig,
    start_sha256: str | None,
) -> str:
    everything = {
        "info": info.model_dump(mode="json"),
        "data": data.model_dump(mode="json"),
        "images": _images_digest(data),
        "phase": config.model_dump(mode="json"),
        "hardware": training.model_dump(mode="json", exclude={"dense", "finetune"}),
        "start": start_sha256,
    }
    text = json.dumps(everything, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _images_digest(data: DataConfig) -> list[str]:
    """Of the files that a configuration only names."""
    return [folder_digest(folder) for folder in folders_of(data)]


def _finish(network: Network, info: CheckpointInfo, phase: Phase, output: Path) -> None:
    if phase.hardware.is_first:
        write_checkpoint(output, info, network.state_dict(), phase.sparsifier.masks)
        phase.resume.unlink(missing_ok=True)
