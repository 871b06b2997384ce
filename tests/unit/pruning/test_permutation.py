# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Channel orders: the network stays the same, and its masks keep more."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from colonnade.config.pruning import Pattern
from colonnade.models.module import Network, build
from colonnade.pruning import permutation
from colonnade.pruning.layers import importances, make_masks
from colonnade.pruning.mask import make_mask
from colonnade.pruning.permutation import permute, search, spaces
from colonnade.pruning.plan import prunable_convs, uniform_plan
from colonnade.pruning.weights import weight_matrix
from tests.unit.models.graphs import images, random_graph, random_network


def _network(name: str) -> Network:
    """A network in float64 whose batch norms differ from channel to channel."""
    torch.manual_seed(4)
    model = build(name, 5).double().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.bias, module.running_mean):
                assert values is not None
                nn.init.normal_(values, std=0.5)
            assert module.running_var is not None
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_any_order_of_every_space_leaves_the_logits_as_they_were(name: str) -> None:
    model = _network(name)
    permuted = copy.deepcopy(model)
    rng = np.random.default_rng(1)
    found = spaces(model.graph)
    for space in found:
        permute(permuted, space, rng.permutation(space.channels))
    image = torch.randn(2, 3, 40, 40, dtype=torch.float64)
    with torch.no_grad():
        before, after = model(image), permuted(image)
    torch.testing.assert_close(after, before, rtol=1e-9, atol=1e-9 * before.abs().max().item())
    changed = sum(
        not torch.equal(value, permuted.state_dict()[key])
        for key, value in model.state_dict().items()
        if key.endswith("conv1.weight")
    )
    assert changed == sum(key.endswith("conv1.weight") for key in model.state_dict())


def test_channels_that_meet_in_an_addition_share_a_space() -> None:
    found = spaces(build("resnet18", 5).graph)
    stem = next(space for space in found if "conv1" in space.writers)
    assert stem.writers == ["conv1", "layer1.0.conv2", "layer1.1.conv2"]
    assert stem.readers == [
        "layer1.0.conv1",
        "layer1.1.conv1",
        "layer2.0.conv1",
        "layer2.0.downsample.0",
    ]
    last = next(space for space in found if space.classifiers)
    assert last.writers == ["layer4.0.conv2", "layer4.0.downsample.0", "layer4.1.conv2"]
    assert last.classifiers == ["fc"]
    assert sum(len(space.writers) for space in found) == 20
    # 20 convolutions less the 8 that join a space which another one opened.
    assert len(found) == 12


@pytest.mark.parametrize("pattern", [Pattern(m="full", sparsity=0.75), Pattern(n=1, m=4)], ids=str)
def test_the_order_found_keeps_more_and_comes_again(pattern: Pattern) -> None:
    model = build("resnet18", 5)
    names = [name for name in prunable_convs("resnet18", ["conv1"]) if "layer1" in name]
    plan = uniform_plan(pattern, dict.fromkeys(names, 8))

    def kept(network: Network) -> float:
        importance = importances(network, plan, "l1")
        masks = make_masks(importance, plan)
        shares = (
            np.abs(importance[name])[masks[name].expand()].sum() / np.abs(importance[name]).sum()
            for name in plan
        )
        return float(sum(shares))

    before = kept(model)
    orders = search(model.graph, importances(model, plan, "l1"), plan)
    again = search(model.graph, importances(model, plan, "l1"), plan)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(orders, again, strict=True))
    for space, order in orders:
        assert sorted(order) == list(range(space.channels))
        permute(model, space, order)
    assert kept(model) > before


def test_swaps_keep_more_than_taking_turns_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one layer, whose order no other layer has a say in."""
    model = build("resnet18", 5)
    name = "layer1.0.conv1"
    plan = uniform_plan(Pattern(m="full", sparsity=0.75), {name: 8})
    importance = importances(model, plan, "l2")

    def kept() -> float:
        ((space, order),) = [
            each for each in search(model.graph, importance, plan) if name in each[0].writers
        ]
        assert space.writers == [name]
        ordered = {name: importance[name][order]}
        return float(ordered[name][make_masks(ordered, plan)[name].expand()].sum())

    refined = kept()
    monkeypatch.setattr(permutation, "refine", lambda _layers, order: order)
    assert refined > kept()


def test_rows_that_belong_together_are_found() -> None:
    """Two kinds of rows, interleaved: tiles of one kind each keep all that is not zero."""
    model = build("resnet18", 5)
    conv = model.get_submodule("layer1.0.conv1")
    assert isinstance(conv, nn.Conv2d)
    with torch.no_grad():
        conv.weight[0::2, :32] = 0
        conv.weight[1::2, 32:] = 0
    pattern = Pattern(m="full", sparsity=0.5)
    plan = uniform_plan(pattern, {"layer1.0.conv1": 8})
    for space, order in search(model.graph, importances(model, plan, "l1"), plan):
        permute(model, space, order)
    matrix = weight_matrix(conv.weight)
    assert np.array_equal(np.where(make_mask(matrix, pattern, 8).expand(), matrix, 0), matrix)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("tile", "sparsity", "noise"), [(8, 0.75, 0.3), (4, 0.75, 0.3), (7, 0.875, 0.4)]
)
def test_tiles_that_were_hidden_in_noise_are_found(
    seed: int, tile: int, sparsity: float, noise: float
) -> None:
    """Rows of a tile share their large columns; shuffled, they are put together again."""
    rng = np.random.default_rng(seed)
    name, channels, k = "layer1.0.conv1", 64, 576
    pattern = Pattern(m="full", sparsity=sparsity)
    hidden = noise * rng.exponential(size=(channels, k))
    for start in range(0, channels, tile):
        columns = rng.choice(k, pattern.keeps(k), replace=False)
        rows = hidden[start : start + tile]
        rows[:, columns] += rng.exponential(size=(len(rows), len(columns)))
    importance = hidden[rng.permutation(channels)]

    def kept(ordered: np.ndarray) -> float:
        return float(ordered[make_mask(ordered, pattern, tile).expand()].sum())

    plan = uniform_plan(pattern, {name: tile})
    ((_, order),) = [
        each
        for each in search(build("resnet18", 5).graph, {name: importance}, plan)
        if name in each[0].writers
    ]
    assert kept(importance) < 0.9 * kept(hidden)
    assert kept(importance[order]) >= (1 - 1e-3) * kept(hidden)


@pytest.mark.parametrize(
    "pattern",
    [
        Pattern(m="full", sparsity=0.5, tile=1),
        Pattern(method="unstructured", m="full", sparsity=0.5),
    ],
    ids=str,
)
def test_patterns_that_cannot_gain_keep_their_order(pattern: Pattern) -> None:
    model = build("resnet18", 5)
    plan = uniform_plan(pattern, {"layer1.0.conv1": 8})
    found = list(search(model.graph, importances(model, plan, "l1"), plan))
    assert found
    for space, order in found:
        assert np.array_equal(order, np.arange(space.channels))


@pytest.mark.parametrize("seed", range(45))
def test_any_network_computes_the_same_in_another_order_of_its_channels(seed: int) -> None:
    network = random_network(seed)
    pixels = images(seed, network.graph)
    before = network(*pixels)
    rng = np.random.default_rng(seed)
    for space in spaces(network.graph):
        permute(network, space, rng.permutation(space.channels))
    after = network(*pixels)
    pairs = [(before, after)] if isinstance(before, Tensor) else zip(before, after, strict=True)
    for one, other in pairs:
        scale = one.abs().max().item()
        torch.testing.assert_close(other, one, rtol=1e-9, atol=1e-9 * max(scale, 1e-3))


def test_random_networks_have_channels_in_any_order() -> None:
    found = [space for seed in range(45) for space in spaces(random_graph(seed))]
    assert len(found) > 20
    assert sum(len(space.norms) for space in found) > 5
