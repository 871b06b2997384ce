# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks drawn at random: shapes, the module, its gradient and fusion, against torch's functions."""

import copy

import pytest
import torch
from torch import Tensor

from colonnade.models.fusion import fused
from colonnade.models.graph import Graph
from colonnade.models.layers import LAYERS, Add, BatchNorm, Conv2d, Relu
from tests.unit.models.graphs import BATCH, IMAGE_PX, computed, image, random_graph, random_network

SEEDS = range(25)


def _together(outputs: Tensor | tuple[Tensor, ...]) -> list[Tensor]:
    return [outputs] if isinstance(outputs, Tensor) else list(outputs)


@pytest.mark.parametrize("seed", SEEDS)
def test_shapes_are_those_of_the_computed_tensors(seed: int) -> None:
    network = random_network(seed)
    known = computed(network.graph.nodes, network, image(seed))
    shapes = network.graph.shapes(BATCH, IMAGE_PX)
    assert set(shapes) == set(known)
    for name, shape in shapes.items():
        sizes = tuple(vars(shape).values())
        assert sizes == known[name].shape, name


@pytest.mark.parametrize("seed", SEEDS)
def test_the_module_computes_the_outputs_and_their_gradient(seed: int) -> None:
    network = random_network(seed)
    pixels = image(seed).requires_grad_()
    names = network.graph.outputs
    known = computed(network.graph.nodes, network, pixels)
    expected = [known[name] for name in names]
    seen = _together(network(pixels))
    assert len(seen) == len(expected) > 0
    for own, other in zip(seen, expected, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-9, atol=1e-9)
    gradients = [
        torch.autograd.grad(sum(each.square().sum() for each in outputs), pixels)[0]
        for outputs in (seen, expected)
    ]
    scale = gradients[1].abs().max().item()
    torch.testing.assert_close(*gradients, rtol=1e-8, atol=1e-8 * max(scale, 1))


@pytest.mark.parametrize("seed", SEEDS)
def test_training_gives_every_parameter_a_gradient(seed: int) -> None:
    """What is overwritten in place is not needed any more: torch refuses the gradient otherwise."""
    network = random_network(seed).train()
    sum(each.square().sum() for each in _together(network(image(seed)))).backward()
    assert all(each.grad is not None for each in network.head.parameters())


@pytest.mark.parametrize("seed", SEEDS)
def test_fusion_leaves_the_outputs_as_they_are(seed: int) -> None:
    network = random_network(seed)
    graph = fused(network.graph)
    pixels = image(seed)
    with torch.no_grad():
        known = computed(graph.nodes, network, pixels)
        expected = computed(network.graph.nodes, network, pixels)
    for name in graph.outputs:
        scale = expected[name].abs().max().item()
        torch.testing.assert_close(known[name], expected[name], rtol=1e-9, atol=1e-9 * scale)
    _check_order(graph)
    assert graph.shapes(BATCH, IMAGE_PX).keys() <= network.graph.shapes(BATCH, IMAGE_PX).keys()


def _fusable(graph: Graph) -> list[str]:
    """Nodes that their only source could do too."""
    found = []
    makers = {node.output: node for node in graph.nodes}
    for node in graph.nodes:
        first = makers.get(node.sources[0])
        if first is None or graph.reads[first.output] != 1:
            continue
        plain = isinstance(first, Conv2d) and first.activation == "none" and not first.residual
        if (
            (isinstance(node, BatchNorm) and plain and first.batch_norm is None)
            or (isinstance(node, Relu) and isinstance(first, Conv2d | Add))
            or (isinstance(node, Add) and plain)
        ):
            found.append(node.name)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_left_that_can_be_fused(seed: int) -> None:
    assert not _fusable(fused(random_graph(seed)))


def test_the_seeds_draw_every_layer_and_every_fusion() -> None:
    graphs = [random_graph(seed) for seed in SEEDS]
    assert {type(node) for graph in graphs for node in graph.nodes} == set(LAYERS)
    assert sum(bool(_fusable(graph)) for graph in graphs) > 20
    convs = [conv for graph in graphs for conv in fused(graph).convs]
    for key, plain in (("batch_norm", None), ("activation", "none"), ("residual", None)):
        assert sum(getattr(conv, key) != plain for conv in convs) > 5
    left = {type(node) for graph in graphs for node in fused(graph).nodes}
    assert left == set(LAYERS)


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
