# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks of random weights: the same everywhere, and what they compute depends on their images."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from colonnade.common.files import write_json
from colonnade.config.model import ModelName
from colonnade.config.pruning import Pattern
from colonnade.models.architecture import conv_shapes, image_convs
from colonnade.models.module import build
from colonnade.package.untrained import fixed_weights, write_variants
from colonnade.pruning.plan import prunable_convs
from colonnade.tuning.choice import SCHEDULES_VERSION, schedule_key


def test_weights_do_not_depend_on_what_was_drawn_before() -> None:
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        states.append(fixed_weights(build("resnet18", 10), 1).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    weight = states[0]["layer1.0.conv1.weight"].double()
    # Whole numbers times a power of two, of He's deviation.
    unit = weight.abs().max() / 127
    assert torch.equal(weight / unit, (weight / unit).round())
    assert float(torch.log2(unit)) == round(float(torch.log2(unit)))
    assert 0.7 < float(weight.std()) / (2 / (64 * 9)) ** 0.5 < 1.42
    assert not states[0]["fc.bias"].any()


@pytest.mark.slow
@pytest.mark.parametrize("name", get_args(ModelName))
def test_outputs_depend_on_images(name: ModelName, tmp_path: Path) -> None:
    """Else they would equal PyTorch's whatever the convolutions give."""
    pattern = Pattern(m="full", sparsity=0.875)
    # VGG-16 takes no other size.
    image_px = 224 if name == "vgg16" else 64
    prunable = prunable_convs(name, image_convs(name))
    layers = [(layer, conv) for layer, conv in conv_shapes(name, image_px, 1) if layer in prunable]
    keys = {schedule_key(conv, pattern.keeps(conv.reduction)) for _, conv in layers}
    schedule = {"algorithm": "direct", "tile": 8, "lmul": 2, "panels": 4, "kc_splits": 1}
    schedules = tmp_path / "schedules.json"
    header = {"format": "colonnade-schedules", "version": SCHEDULES_VERSION, "target": "x60"}
    write_json(schedules, {**header, "convs": dict.fromkeys(keys, schedule), "stays_dense": []})
    images = np.random.default_rng(1).normal(size=(2, 3, image_px, image_px)).astype(np.float32)
    variants = write_variants(tmp_path / "made", name, [pattern], layers, schedules, 3)
    assert len(variants) == 2
    for variant in variants:
        first, second = variant.output(images)
        assert np.abs(first - second).max() > 0.01 * np.abs(first).max(), variant.label
