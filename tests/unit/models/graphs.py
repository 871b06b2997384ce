# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks drawn at random, and what they compute, written down with torch's functions."""

import random
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from colonnade.models.builder import Builder
from colonnade.models.graph import Graph, Input
from colonnade.models.layers import (
    Add,
    BatchNorm,
    Conv2d,
    FullyConnected,
    GlobalAvgPool,
    MaxPool2d,
    Node,
    Relu,
)
from colonnade.models.module import Network
from colonnade.models.shapes import MapShape

INPUT = Input(name="image", channels=3)
IMAGE_PX = 19
BATCH = 2
# What is drawn behind a layer: more often what is fused with it.
FOLLOWERS = {
    "": ["conv"],
    "conv2d": ["norm", "norm", "norm", "relu", "add", "add", "conv"],
    "batch_norm": ["relu", "relu", "add", "add", "conv", "norm"],
    "relu": ["conv", "conv", "conv", "pool", "add", "norm", "relu"],
    "add": ["relu", "relu", "conv", "conv", "add"],
    "max_pool2d": ["conv", "conv", "norm", "relu", "add"],
}


def random_graph(seed: int) -> Graph:
    """Up to 40 nodes; most read the tensor before them, others any that they fit."""
    rng = random.Random(seed)
    net = Builder(INPUT)
    maps = [INPUT.name]
    for index in range(rng.randint(5, 36)):
        name = f"{rng.choice('ab')}.{index}"
        source = maps[-1] if rng.random() < 0.8 else rng.choice(maps)
        maps.append(_random_node(net, rng, name, source, maps))
    x = net.global_avg_pool("pool", maps[-1])
    return net.graph(net.fully_connected("head.fc", x, 4, output="logits"), *_extra(rng, maps))


def _extra(rng: random.Random, maps: list[str]) -> list[str]:
    """Another output now and then: what makes it cannot be fused with what reads it."""
    return [rng.choice(maps[1:-1])] if rng.random() < 0.5 else []


def _random_node(net: Builder, rng: random.Random, name: str, source: str, maps: list[str]) -> str:
    shapes = net.graph(source).shapes(BATCH, IMAGE_PX)
    shape = shapes[source]
    assert isinstance(shape, MapShape)
    assert shape.h is not None
    makers = {node.output: node.op for node in net.graph().nodes}
    kind = rng.choice(FOLLOWERS[makers.get(source, "")])
    if kind == "norm":
        return net.batch_norm(name, source)
    if kind == "relu":
        return net.relu(name, source)
    if kind == "pool" and shape.h > 6:
        kernel = rng.randint(1, 3)
        return net.max_pool2d(
            name, source, kernel, rng.randint(1, 2), kernel // 2 and rng.randint(0, 1)
        )
    if kind == "add":
        others = [each for each in maps if shapes[each] == shape and each != source]
        operands = [source, rng.choice(others or [source])]
        return net.add(name, *(operands if rng.random() < 0.7 else reversed(operands)))
    kernel, dilation = rng.choice([1, 2, 3]), rng.choice([1, 1, 2])
    stride = rng.choice([1, 1, 2]) if shape.h > 6 else 1
    padding = dilation * (kernel - 1) // 2 + (kernel == 2)
    channels, bias = rng.randint(1, 5), rng.random() < 0.5
    # Often as many as before, so that additions find partners.
    channels = shape.c if rng.random() < 0.7 else channels
    return net.conv2d(name, source, channels, kernel, stride, padding, dilation, bias=bias)


def random_network(seed: int) -> Network:
    """The module of a random graph in float64, its batch norms not the initial ones."""
    torch.manual_seed(seed)
    network = Network(random_graph(seed)).double()
    for key, value in network.state_dict().items():
        if key.endswith(("running_var", "weight", "bias", "running_mean")):
            value.uniform_(0.5, 1.5) if "var" in key else value.normal_()
    return network.eval()


def image(seed: int) -> Tensor:
    """Images for a random network."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(BATCH, 3, IMAGE_PX, IMAGE_PX, generator=generator, dtype=torch.float64)


def computed(nodes: Iterable[Node], model: nn.Module, pixels: Tensor) -> dict[str, Tensor]:
    """Every tensor that nodes make, before or after fusion, by the definition of each operation."""
    known = {INPUT.name: pixels}
    for node in nodes:
        known[node.output] = _computed(node, dict(model.state_dict()), model, known)
    return known


def _computed(
    node: Node, state: Mapping[str, Tensor], model: nn.Module, known: Mapping[str, Tensor]
) -> Tensor:
    x = known[node.sources[0]]
    match node:
        case Conv2d():
            weight, bias = (torch.from_numpy(each) for each in node.folded(model))
            window = (node.stride, node.padding, node.dilation)
            made = functional.conv2d(x, weight.permute(0, 3, 1, 2), bias, *window)
            made = made if node.residual is None else made + known[node.residual]
            return made.relu() if node.activation == "relu" else made
        case BatchNorm():
            mean, var, weight, bias = (
                state[f"{node.name}.{key}"][:, None, None]
                for key in ("running_mean", "running_var", "weight", "bias")
            )
            return (x - mean) / (var + 1e-5).sqrt() * weight + bias
        case Relu():
            return x.clamp(min=0)
        case MaxPool2d():
            return functional.max_pool2d(x, node.kernel, node.stride, node.padding)
        case Add():
            made = x + known[node.sources[1]]
            return made.relu() if node.activation == "relu" else made
        case GlobalAvgPool():
            return x.mean((2, 3))
        case FullyConnected():
            return x @ state[f"{node.name}.weight"].T + state[f"{node.name}.bias"]
    raise AssertionError(node)
