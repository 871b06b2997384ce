"""Masks of whole models, their storage, and the hold on weights while optimizers work."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from colonnade.errors import ColonnadeError
from colonnade.models import build
from colonnade.pruning import (
    HeldMasks,
    Pattern,
    PruningConfig,
    make_mask,
    make_masks,
    masks_from_tensors,
    masks_to_tensors,
    prunable_convs,
    weight_matrix,
)

PATTERN = Pattern(n=1, m=4)


def _model(seed: int = 5) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 5, 2), nn.Flatten())


def test_prunable_convs_are_all_but_the_skipped() -> None:
    names = prunable_convs("resnet18", ["conv1", "layer1.0.conv2"])
    assert len(names) == 18
    assert names[:2] == ["layer1.0.conv1", "layer1.1.conv1"]
    assert "layer2.0.downsample.0" in names
    assert len(prunable_convs("resnet18", [])) == 20


def test_skipping_what_does_not_exist_is_refused() -> None:
    with pytest.raises(ColonnadeError, match=r"pruning.skip: bn1, fc: no such convolution"):
        prunable_convs("resnet18", ["fc", "conv1", "bn1"])


def test_masks_come_from_each_layers_own_weights_and_tile() -> None:
    model = build("resnet18", 3)
    tiles = {"layer1.0.conv1": 7, "layer2.0.downsample.0": 16}
    masks = make_masks(model, PATTERN, tiles)
    assert list(masks) == list(tiles)
    for name, tile in tiles.items():
        weight = model.get_submodule(name).weight
        assert isinstance(weight, torch.Tensor)
        expected = make_mask(weight_matrix(weight), PATTERN, tile)
        assert np.array_equal(masks[name].columns, expected.columns)
        assert masks[name].tile == tile


@pytest.mark.parametrize("tiles", [{"layer7": 8}, {"bn1": 8}, {"layer1.0.conv1": 0}], ids=str)
def test_bad_layers_and_tiles_are_named(tiles: dict[str, int]) -> None:
    with pytest.raises(ColonnadeError, match=f"layer {next(iter(tiles))}"):
        make_masks(build("resnet18", 3), PATTERN, tiles)


def test_masks_survive_storage() -> None:
    model = _model()
    masks = make_masks(model, PATTERN, {"0": 4, "2": 2})
    tensors = masks_to_tensors(masks) | dict(model.state_dict())
    back = masks_from_tensors(tensors, {"0": 4, "2": 2})
    for name, mask in masks.items():
        assert np.array_equal(back[name].columns, mask.columns)
        assert back[name].columns.dtype == np.int64
        assert (back[name].k, back[name].out_channels) == (mask.k, mask.out_channels)


@pytest.mark.parametrize(
    "tiles", [{}, {"0": 4}, {"0": 4, "2": 9}, {"0": 4, "2": 2, "9": 1}], ids=str
)
def test_contradictory_storage_is_refused(tiles: dict[str, int]) -> None:
    model = _model()
    tensors = masks_to_tensors(make_masks(model, PATTERN, {"0": 4, "2": 2}))
    with pytest.raises(ColonnadeError):
        masks_from_tensors(tensors | dict(model.state_dict()), tiles)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda p: SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda p: AdamW(p, 0.01, weight_decay=0.1),
    ],
    ids=["sgd", "adamw"],
)
def test_pruned_weights_stay_zero_and_the_others_move(
    optimizer: Callable[..., Optimizer],
) -> None:
    model = _model()
    masks = make_masks(model, PATTERN, {"0": 4, "2": 2})
    steps = optimizer(model.parameters())
    image = torch.randn(8, 3, 6, 6, generator=torch.Generator().manual_seed(1))

    def step(held: HeldMasks | None) -> None:
        steps.zero_grad()
        model(image).square().sum().backward()
        if held is not None:
            held.apply_to_gradients()
        steps.step()
        if held is not None:
            held.apply()

    # Momentum from before pruning must not revive a weight either.
    step(None)
    held = HeldMasks(model, masks)
    held.apply()
    before = {name: model.get_submodule(name).weight.detach().clone() for name in masks}
    for _ in range(3):
        step(held)
        for name, mask in masks.items():
            weight = model.get_submodule(name).weight
            kept = mask.for_conv(weight)
            assert not weight[~kept].any()
            assert not weight.grad[~kept].any()
    for name, mask in masks.items():
        weight = model.get_submodule(name).weight
        kept = mask.for_conv(weight)
        assert (weight != before[name])[kept].all()


def test_one_pattern_is_compared_once() -> None:
    with pytest.raises(ValidationError, match="given twice: 1of4"):
        PruningConfig(patterns=(PATTERN, PATTERN))
