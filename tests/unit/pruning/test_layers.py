# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Masks of whole models, the scores that rank columns, and their storage."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn.functional import cross_entropy

from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern, PruningConfig
from colonnade.models.module import build
from colonnade.pruning.layers import importances, make_masks, sparsity_of
from colonnade.pruning.mask import make_mask
from colonnade.pruning.plan import LayerPlan, prunable_convs, uniform_plan
from colonnade.pruning.serial import masks_from_tensors, masks_to_tensors
from colonnade.pruning.weights import weight_matrix

PATTERN = Pattern(n=1, m=4)
METHODS = [
    PATTERN,
    Pattern(method="row-wise", n=2, m=4),
    Pattern(method="unstructured", m="full", sparsity=0.75),
    Pattern(method="filters", m="full", sparsity=0.5),
]


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
    masks = make_masks(importances(model, tiles, "l1"), uniform_plan(PATTERN, tiles))
    assert list(masks) == list(tiles)
    for name, tile in tiles.items():
        weight = model.get_submodule(name).weight
        assert isinstance(weight, torch.Tensor)
        expected = make_mask(weight_matrix(weight), PATTERN, tile)
        assert np.array_equal(masks[name].columns, expected.columns)
        assert masks[name].tile == tile


@pytest.mark.parametrize("name", ["layer7", "bn1"])
def test_layers_that_are_no_convolutions_are_named(name: str) -> None:
    with pytest.raises(ColonnadeError, match=f"layer {name}"):
        importances(build("resnet18", 3), [name], "l1")


def test_impossible_tiles_are_named_with_their_layer() -> None:
    plan = {"0": LayerPlan(pattern=PATTERN, tile=0)}
    with pytest.raises(ColonnadeError, match="layer 0: tile: 0"):
        make_masks(importances(_model(), plan, "l1"), plan)


def test_profiled_tiles_are_taken_only_where_the_pattern_leaves_them_open() -> None:
    tiles = {"0": 4, "2": 2}
    fixed = Pattern(n=1, m=4, tile=8)
    assert {name: layer.tile for name, layer in uniform_plan(PATTERN, tiles).items()} == tiles
    assert {layer.tile for layer in uniform_plan(fixed, tiles).values()} == {8}
    assert {layer.tile for layer in uniform_plan(METHODS[2], tiles).values()} == {1}


def test_scores_are_those_of_their_definitions() -> None:
    model = _model()
    weight = weight_matrix(model[0].weight)
    assert np.array_equal(importances(model, ["0"], "l1")["0"], weight)
    assert np.array_equal(importances(model, ["0"], "l2")["0"], weight.astype(np.float64) ** 2)


def test_taylor_is_the_mean_square_of_weight_times_gradient() -> None:
    model = nn.Sequential(_model(), nn.Linear(45, 3))
    generator = torch.Generator().manual_seed(2)
    batches = [
        (torch.randn(4, 3, 6, 6, generator=generator), torch.tensor([0, 1, 2, 0])) for _ in range(3)
    ]
    seen = importances(model, ["0.0"], "taylor", batches)["0.0"]
    expected = torch.zeros_like(model[0][0].weight)
    for images, labels in batches:
        model.zero_grad()
        cross_entropy(model(images), labels).backward()
        expected += (model[0][0].weight * model[0][0].weight.grad).square() / 3
    np.testing.assert_allclose(seen, weight_matrix(expected), rtol=1e-5)
    assert model.training


def test_taylor_needs_images() -> None:
    with pytest.raises(ColonnadeError, match="taylor: needs at least one batch"):
        importances(_model(), ["0"], "taylor")


@pytest.mark.parametrize("pattern", METHODS, ids=str)
def test_masks_survive_storage(pattern: Pattern) -> None:
    model, tiles = _model(), {"0": 4, "2": 2}
    plan = uniform_plan(pattern, tiles)
    masks = make_masks(importances(model, plan, "l1"), plan)
    tensors = masks_to_tensors(masks) | dict(model.state_dict())
    back = masks_from_tensors(tensors, {name: layer.tile for name, layer in plan.items()})
    assert set(back) == set(masks) == set(tiles)
    for name, mask in masks.items():
        assert np.array_equal(back[name].keep, mask.keep)
        assert (back[name].k, back[name].out_channels) == (mask.k, mask.out_channels)


@pytest.mark.parametrize(
    "tiles", [{}, {"0": 4}, {"0": 4, "2": 9}, {"0": 4, "2": 2, "9": 1}], ids=str
)
def test_contradictory_storage_is_refused(tiles: dict[str, int]) -> None:
    model = _model()
    plan = uniform_plan(PATTERN, {"0": 4, "2": 2})
    tensors = masks_to_tensors(make_masks(importances(model, plan, "l1"), plan))
    with pytest.raises(ColonnadeError):
        masks_from_tensors(tensors | dict(model.state_dict()), tiles)


def test_masks_of_another_width_are_refused() -> None:
    model = _model()
    plan = uniform_plan(PATTERN, {"0": 4})
    tensors = masks_to_tensors(make_masks(importances(model, plan, "l1"), plan))
    tensors["mask.0"] = tensors["mask.0"][:, :-1]
    with pytest.raises(ColonnadeError, match=r"layer 0: mask: .* expected uint8 \[tiles, 4\]"):
        masks_from_tensors(tensors | dict(model.state_dict()), {"0": 4})


def test_sparsity_of_a_network_counts_weights() -> None:
    model, tiles = _model(), {"0": 4, "2": 2}
    plan = {
        "0": LayerPlan(pattern=Pattern(m="full", sparsity=0.5), tile=4),
        "2": LayerPlan(pattern=Pattern(n=1, m=4), tile=2),
    }
    masks = make_masks(importances(model, tiles, "l1"), plan)
    # Of 6 * 27 weights 6 * 14 are left, of 5 * 24 a quarter.
    assert sparsity_of(masks) == pytest.approx(1 - (84 + 30) / (162 + 120))


def test_one_pattern_is_compared_once() -> None:
    with pytest.raises(ValidationError, match="given twice: 1of4"):
        PruningConfig(patterns=(PATTERN, PATTERN))
