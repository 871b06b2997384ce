# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Calibration, the second-order score and least-squares repair, against numpy in float64."""

import copy

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern
from colonnade.models.module import Network, build
from colonnade.models.torch_layers import PlaneConv2d
from colonnade.pruning.calibration import DAMPING, input_products, input_rows
from colonnade.pruning.layers import importances, make_masks
from colonnade.pruning.mask import ColumnMask, make_mask
from colonnade.pruning.plan import uniform_plan
from colonnade.pruning.repair import repair, solve
from colonnade.pruning.weights import kept_weights, weight_matrix

SEEDS = pytest.mark.parametrize("seed", range(6))
Matrix = NDArray[np.float64]
LAYERS = ("layer1.0.conv1", "layer2.0.conv1", "layer2.0.downsample.0", "layer3.1.conv2")


def _conv(rng: np.random.Generator) -> tuple[PlaneConv2d, Tensor]:
    """A convolution of random shape, each side padded on its own, with an input for it."""
    height, width = rng.integers(1, 4, 2).tolist()
    conv = PlaneConv2d(
        int(rng.integers(1, 7)),
        int(rng.integers(1, 9)),
        (height, width),
        stride=tuple(rng.integers(1, 3, 2).tolist()),
        padding=rng.integers(0, 3, 4).tolist(),
        dilation=tuple(rng.integers(1, 3, 2).tolist()),
        bias=bool(rng.integers(2)),
    ).double()
    images = torch.from_numpy(rng.standard_normal((3, conv.in_channels, 9, 8)))
    return conv, images


@SEEDS
def test_rows_times_weights_are_the_convolution(seed: int) -> None:
    conv, images = _conv(np.random.default_rng(seed))
    rows = input_rows(conv, images).numpy()
    expected = conv(images).detach()
    if conv.bias is not None:
        expected -= conv.bias.detach().reshape(-1, 1, 1)
    weight = conv.weight.detach().permute(0, 2, 3, 1).flatten(1).numpy()
    found = rows @ weight.T
    np.testing.assert_allclose(found, expected.permute(0, 2, 3, 1).flatten(0, 2), atol=1e-12)


def test_grouped_convolutions_are_refused_by_name() -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3, groups=2))
    batch = (torch.zeros(1, 4, 8, 8), torch.zeros(1, dtype=torch.int64))
    with pytest.raises(ColonnadeError, match="layer 1: has 2 groups; repair and second-order"):
        importances(model, ["0", "1"], "second-order", [batch])
    network, dense = build("resnet18", 5), build("resnet18", 5)
    conv = network.get_submodule("conv1")
    conv.groups = 3
    mask = ColumnMask(8, np.ones((8, 49), dtype=np.bool_), 64)
    with pytest.raises(ColonnadeError, match="layer conv1: has 3 groups"):
        repair(network, dense, {"conv1": mask}, [], 0.01)


@SEEDS
def test_second_order_is_the_error_that_the_others_cannot_make_up_for(seed: int) -> None:
    """Every weight is removed in turn and the rest of its row is fitted anew, by least squares."""
    rng = np.random.default_rng(seed)
    conv, images = _conv(rng)
    model = nn.Sequential(conv)
    labels = torch.zeros(3, dtype=torch.int64)
    found = importances(model, ["0"], "second-order", [(images[:2], labels), (images[2:], labels)])
    rows = input_rows(conv, images).numpy()
    size = rows.shape[1]
    damping = DAMPING * np.square(rows).sum() / size
    # Damping is a row of its own for every weight, which wants it to stay as it is.
    stacked = np.vstack([rows, np.sqrt(damping) * np.eye(size)])
    weight = conv.weight.detach().permute(0, 2, 3, 1).flatten(1).numpy()
    checked = 0
    for row, column in zip(
        rng.integers(0, len(weight), 12), rng.integers(0, size, 12), strict=True
    ):
        others = np.arange(size) != column
        if not others.any():
            continue
        wanted = stacked @ weight[row]
        fitted, *_ = np.linalg.lstsq(stacked[:, others], wanted, rcond=None)
        error = np.square(stacked[:, others] @ fitted - wanted).sum()
        # float32 holds a weight as the importances see it.
        assert found["0"][row, column] == pytest.approx(error, rel=1e-5, abs=1e-10)
        checked += 1
    assert checked or size == 1


def test_scores_that_need_images_say_so() -> None:
    with pytest.raises(ColonnadeError, match="needs at least one batch"):
        importances(nn.Sequential(nn.Conv2d(3, 4, 3)), ["0"], "second-order")


def _random_mask(rng: np.random.Generator, out_channels: int, k: int) -> ColumnMask:
    tile = int(rng.integers(1, out_channels + 1))
    keep = rng.random((-(-out_channels // tile), k)) < 0.5
    keep[0, 0] = True
    return ColumnMask(tile, keep, out_channels)


@SEEDS
def test_solved_weights_are_the_least_squares_of_each_row(seed: int) -> None:
    """Masks of any tile, tiles that keep nothing, and inputs of which some are always zero."""
    rng = np.random.default_rng(seed)
    k, out_channels, positions = (int(rng.integers(low, low + 20)) for low in (2, 1, 50))
    inputs = rng.standard_normal((positions, k)) * (rng.random(k) < 0.9)
    outputs = rng.standard_normal((positions, out_channels))
    trained = rng.standard_normal((out_channels, k))
    mask, damping = _random_mask(rng, out_channels, k), float(rng.uniform(0.001, 0.1))
    found = solve(
        torch.from_numpy(inputs.T @ inputs),
        torch.from_numpy(inputs.T @ outputs),
        torch.from_numpy(trained),
        mask,
        damping,
    ).numpy()
    keep = mask.expand()
    assert not found[~keep].any()
    pull = np.sqrt(damping * (np.square(inputs).sum() / k or 1.0))
    for row in range(out_channels):
        columns = keep[row].nonzero()[0]
        stacked = np.vstack([inputs[:, columns], pull * np.eye(len(columns))])
        wanted = np.concatenate([outputs[:, row], pull * trained[row, columns]])
        expected, *_ = np.linalg.lstsq(stacked, wanted, rcond=None)
        np.testing.assert_allclose(found[row, columns], expected, rtol=1e-7, atol=1e-9)


def _networks(names: tuple[str, ...]) -> tuple[Network, Network, dict[str, ColumnMask]]:
    torch.manual_seed(3)
    dense = build("resnet18", 5)
    plan = uniform_plan(Pattern(m="full", sparsity=0.75), dict.fromkeys(names, 7))
    return dense, copy.deepcopy(dense), make_masks(importances(dense, plan, "l1"), plan)


def test_one_layer_gives_the_best_output_that_its_mask_allows() -> None:
    """Against numpy on the layer's own inputs, which no pruned layer comes before."""
    (name, *_) = LAYERS
    dense, network, masks = _networks((name,))
    images = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    conv = dense.get_submodule(name)
    assert isinstance(conv, nn.Conv2d)
    seen: list[Tensor] = []
    handle = conv.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    dense.eval()(images)
    handle.remove()
    repair(network.train(), dense, masks, [images[:4], images[4:]], 1e-9)
    assert network.training
    rows = input_rows(conv, seen[0]).detach().double().numpy()
    trained = weight_matrix(conv.weight).astype(np.float64)
    found = weight_matrix(network.get_submodule(name).weight).astype(np.float64)
    keep = masks[name].expand()
    assert not found[~keep].any()
    target = rows @ trained.T
    best = np.zeros_like(trained)
    for start in range(0, len(trained), masks[name].tile):
        tile = slice(start, start + masks[name].tile)
        (columns,) = keep[start].nonzero()
        fitted, *_ = np.linalg.lstsq(rows[:, columns], target[:, tile], rcond=None)
        best[tile, columns] = fitted.T
    masked, repaired, least = (
        np.square(rows @ each.T - target).sum() for each in (trained * keep, found, best)
    )
    assert least <= repaired <= 1.001 * least
    assert least < 0.9 * masked
    untouched = [key for key in dense.state_dict() if key != f"{name}.weight"]
    assert all(torch.equal(dense.state_dict()[k], network.state_dict()[k]) for k in untouched)


def test_later_layers_make_up_for_earlier_ones() -> None:
    """The logits come nearer to the dense network's, and nearer than layers repaired alone."""
    dense, network, masks = _networks(LAYERS)
    images = torch.randn(48, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    masked = copy.deepcopy(dense)
    for name, mask in masks.items():
        conv = masked.get_submodule(name)
        assert isinstance(conv, nn.Conv2d)
        with torch.no_grad():
            conv.weight.mul_(kept_weights(mask, conv.weight))
    alone = copy.deepcopy(masked)
    products = input_products(dense, list(masks), [(images, torch.zeros(48))])
    for name, mask in masks.items():
        own = copy.deepcopy(dense)
        repair(own, dense, {name: mask}, [images], 0.01)
        alone.get_submodule(name).load_state_dict(own.get_submodule(name).state_dict())
    assert set(products) == set(LAYERS)
    repair(network, dense, masks, [images], 0.01)
    with torch.no_grad():
        wanted = dense.eval()(images)
        errors = [
            float((each.eval()(images) - wanted).square().mean())
            for each in (network, alone, masked)
        ]
    assert errors[0] < errors[1] < errors[2]
    for name, mask in masks.items():
        conv = network.get_submodule(name)
        assert isinstance(conv, nn.Conv2d)
        assert not conv.weight[~kept_weights(mask, conv.weight)].any()


def test_repair_of_unpruned_columns_changes_nothing() -> None:
    """A mask that keeps all leaves the trained weights, which fit already."""
    dense, network, _ = _networks(LAYERS[:1])
    matrix = weight_matrix(dense.get_submodule(LAYERS[0]).weight)
    everything = make_mask(matrix, Pattern(m=2, n=2), 7)
    assert everything.sparsity == 0
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    repair(network, dense, {LAYERS[0]: everything}, [images], 0.01)
    found = weight_matrix(network.get_submodule(LAYERS[0]).weight)
    # The inputs' products are float32.
    np.testing.assert_allclose(found, matrix, rtol=1e-3, atol=1e-3 * np.abs(matrix).max())


def test_every_layer_runs_once_and_parts_of_the_images_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dense, network, masks = _networks(LAYERS)
    again = copy.deepcopy(network)
    images = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    ran: list[str] = []
    for each in (network, dense):
        for name in ("conv1", "layer2.0.conv1"):
            module = each.get_submodule(name)
            module.register_forward_hook(lambda *_, name=name: ran.append(name))
    # Damped enough that rounding does not grow.
    repair(network, dense, masks, [images[:4], images[4:]], 1)
    # Two batches in two networks.
    assert sorted(ran) == ["conv1"] * 4 + ["layer2.0.conv1"] * 4
    # One image at a time.
    monkeypatch.setattr("colonnade.pruning.repair._ROWS", 1)
    repair(again, dense, masks, [images], 1)
    for name in LAYERS:
        one, other = (weight_matrix(each.get_submodule(name).weight) for each in (network, again))
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * np.abs(one).max())
