# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks drawn at random: shapes, the module, its gradient and fusion, against torch's functions."""

import copy

import pytest
import torch
from torch import Tensor

from colonnade.models.fusion import fused
from colonnade.models.graph import Graph
from colonnade.models.layers import (
    LAYERS,
    Affine,
    AvgPool2d,
    BatchNorm,
    Binary,
    Clip,
    Conv2d,
    Dropout,
    LocalResponseNorm,
    Node,
    Pad,
    Unary,
)
from colonnade.models.shapes import FeatureShape
from tests.unit.models.definitions import computed
from tests.unit.models.graphs import images, random_graph, random_network, sizes

SEEDS = range(60)


def _together(outputs: Tensor | tuple[Tensor, ...]) -> list[Tensor]:
    return [outputs] if isinstance(outputs, Tensor) else list(outputs)


@pytest.mark.parametrize("seed", SEEDS)
def test_shapes_are_those_of_the_computed_tensors(seed: int) -> None:
    network = random_network(seed)
    known = computed(network.graph, network, images(seed, network.graph))
    shapes = network.graph.shapes(*sizes(seed))
    assert set(shapes) == set(known)
    for name, shape in shapes.items():
        assert tuple(vars(shape).values()) == known[name].shape, name


@pytest.mark.parametrize("seed", SEEDS)
def test_the_module_computes_the_outputs_and_their_gradient(seed: int) -> None:
    network = random_network(seed)
    pixels = [each.requires_grad_() for each in images(seed, network.graph)]
    names = network.graph.outputs
    known = computed(network.graph, network, pixels)
    expected = [known[name] for name in names]
    seen = _together(network(*pixels))
    assert len(seen) == len(expected) > 0
    for own, other in zip(seen, expected, strict=True):
        scale = max(other.abs().max().item(), 1e-3)
        torch.testing.assert_close(own, other, rtol=1e-9, atol=1e-9 * scale)
    gradients = [
        torch.autograd.grad(sum(each.square().sum() for each in outputs), pixels, allow_unused=True)
        for outputs in (seen, expected)
    ]
    for own, other in zip(*gradients, strict=True):
        assert (own is None) == (other is None)
        if own is not None:
            scale = other.abs().max().item()
            torch.testing.assert_close(own, other, rtol=1e-7, atol=1e-7 * max(scale, 1))


@pytest.mark.parametrize("seed", SEEDS)
def test_training_gives_every_parameter_a_gradient(seed: int) -> None:
    """What is overwritten in place is not needed any more: torch refuses the gradient otherwise."""
    network = random_network(seed).train()
    # Batch norms of features refuse to train on a single image.
    pixels = [torch.cat([each, each + 1]) for each in images(seed, network.graph)]
    sum(each.square().sum() for each in _together(network(*pixels))).backward()
    assert all(each.grad is not None for each in network.head.parameters())


@pytest.mark.parametrize("seed", SEEDS)
def test_fusion_leaves_the_outputs_as_they_are(seed: int) -> None:
    network = random_network(seed)
    graph = fused(network.graph)
    pixels = images(seed, graph)
    with torch.no_grad():
        known = computed(graph, network, pixels)
        expected = computed(network.graph, network, pixels)
    for name, before in zip(graph.outputs, network.graph.outputs, strict=True):
        scale = expected[before].abs().max().item()
        torch.testing.assert_close(known[name], expected[before], rtol=1e-9, atol=1e-9 * scale)
    _check_order(graph)
    shapes = [each.shapes(*sizes(seed)) for each in (graph, network.graph)]
    assert shapes[0].keys() <= shapes[1].keys()
    assert all(shapes[0][name] == shapes[1][name] for name in shapes[0])


def _fusable(graph: Graph, seed: int) -> list[str]:
    """Nodes that go with others, or that another node could do too."""
    shapes = graph.shapes(*sizes(seed))
    makers = {node.output: node for node in graph.nodes}
    found = []
    for node in graph.nodes:
        gone = isinstance(node, BatchNorm | Dropout)
        clipped = isinstance(node, Clip) and node.min == 0 and node.max in (None, 6)
        read = [shapes[each] for each in node.sources]
        firsts = [
            makers[each] for each in node.sources if each in makers and graph.reads[each] == 1
        ]
        if gone or clipped or any(_could_be_one(first, node, read) for first in firsts):
            found.append(node.name)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_left_that_can_be_fused(seed: int) -> None:
    assert not _fusable(fused(random_graph(seed)), seed)


def _could_be_one(first: Node, node: Node, shapes: list[object]) -> bool:
    plain = isinstance(first, Conv2d) and first.activation == "none" and not first.residual
    if isinstance(node, Affine):
        return plain and first.batch_norm is None
    if isinstance(node, Unary) and node.function in ("relu", "relu6"):
        return isinstance(first, Conv2d | Binary | Affine)
    if isinstance(node, Binary) and node.function == "add":
        return plain and not any(isinstance(each, FeatureShape) for each in shapes)
    is_zeros = isinstance(first, Pad) and first.value == 0 and first.mode == "constant"
    return is_zeros and isinstance(node, Conv2d)


def test_the_seeds_draw_every_layer_and_every_fusion() -> None:
    graphs = [random_graph(seed) for seed in SEEDS]
    assert {type(node) for graph in graphs for node in graph.nodes} == set(LAYERS)
    assert sum(bool(_fusable(graph, seed)) for seed, graph in enumerate(graphs)) > 20
    executed = [fused(graph) for graph in graphs]
    convs = [conv for graph in executed for conv in graph.convs]
    for key, plain in (("batch_norm", None), ("activation", "none"), ("residual", None)):
        assert sum(getattr(conv, key) != plain for conv in convs) > 5
    left = {type(node) for graph in executed for node in graph.nodes}
    assert left == {layer for layer in LAYERS if layer.is_packaged}
    activations = {
        (type(node), node.activation)
        for graph in executed
        for node in graph.nodes
        if isinstance(node, Conv2d | Binary | Affine)
    }
    assert len(activations) == 9
    pads = [
        sum(isinstance(node, Pad) and any(node.padding) for graph in of for node in graph.nodes)
        for of in (graphs, executed)
    ]
    assert pads[0] > pads[1] + 5
    assert sum(conv.groups > 1 for conv in convs) > 20
    assert sum(conv.is_depthwise for conv in convs) > 10
    nodes = [node for graph in graphs for node in graph.nodes]
    averages = {(n.ceil_mode, n.count_include_pad) for n in nodes if isinstance(n, AvgPool2d)}
    assert len(averages) == 4
    assert {n.size % 2 for n in nodes if isinstance(n, LocalResponseNorm)} == {0, 1}
    assert {len(graph.inputs) for graph in graphs} == {1, 2}
    assert {len(graph.outputs) for graph in graphs} >= {1, 2, 3}


def test_the_seeds_draw_batches_and_odd_sizes() -> None:
    drawn = [sizes(seed) for seed in SEEDS]
    assert {n for n, _, _ in drawn} == {1, 2, 3}
    assert all(h % 2 == w % 2 == 1 for _, h, w in drawn)
    assert sum(h != w for _, h, w in drawn) > 40


def test_graphs_of_one_seed_are_equal_and_their_copies_too() -> None:
    assert random_graph(3) == random_graph(3) == copy.deepcopy(random_graph(3))
    assert random_graph(3) != random_graph(4)


def _check_order(graph: Graph) -> None:
    known = {each.name for each in graph.inputs}
    for node in graph.nodes:
        assert known.issuperset(node.sources)
        assert node.output not in known
        known.add(node.output)
    assert known.issuperset(graph.outputs)
