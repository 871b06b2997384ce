# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A package of an untrained network, half of whose columns are removed."""

from collections.abc import Mapping
from pathlib import Path

import torch

from colonnade.config.model import ModelName
from colonnade.config.pruning import Pattern, Recipe
from colonnade.data.pictures import Normalisation
from colonnade.models.module import build
from colonnade.package.export import export_package
from colonnade.pruning.layers import importances, make_masks
from colonnade.pruning.plan import uniform_plan
from colonnade.pruning.weights import kept_weights
from colonnade.training.checkpoint import CheckpointInfo, write_checkpoint

HALF = Pattern(m="full", sparsity=0.5)


def export_pruned(
    package: Path, model_name: ModelName, tiles: Mapping[str, int], image_px: int
) -> None:
    """Write the folder `package`, and its checkpoint beside it; `tiles` are those of pruned layers."""
    torch.manual_seed(0)
    model = build(model_name, 10)
    plan = uniform_plan(HALF, tiles)
    masks = make_masks(importances(model, tiles, "l1"), plan)
    state = model.state_dict()
    for name, mask in masks.items():
        weight = state[f"{name}.weight"]
        weight[~kept_weights(mask, weight)] = 0
    info = CheckpointInfo(
        model=model_name,
        num_classes=10,
        dataset="imagenet",
        image_px=image_px,
        split_seed=0,
        normalisation=Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        seed=0,
        epochs=0,
        plan=plan,
        recipe=Recipe(),
        source_sha256="0" * 64,
    )
    checkpoint = package.with_suffix(".safetensors")
    write_checkpoint(checkpoint, info, state, masks)
    export_package(checkpoint, package)
