# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks drawn at random, written as ONNX and traced by torch.export, and read back."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from colonnade.models.graph import Graph
from colonnade.models.importing.onnx_reader import import_onnx
from colonnade.models.importing.torch_reader import import_module
from colonnade.models.layers import LAYERS, AvgPool2d, LocalResponseNorm, Node
from colonnade.models.module import Network
from colonnade.package.to_onnx import to_onnx
from tests.unit.models.graphs import images, random_graph, random_network, sizes

from .computing import Array, assert_equal, outputs

SEEDS = range(60)


def _computed(network: Network, pixels: list[torch.Tensor]) -> list[Array]:
    with torch.no_grad():
        made = network(*pixels)
    return [each.numpy() for each in ([made] if isinstance(made, torch.Tensor) else made)]


def _has_even_norm(graph: Graph) -> bool:
    return any(isinstance(n, LocalResponseNorm) and n.size % 2 == 0 for n in graph.nodes)


@pytest.mark.parametrize("seed", SEEDS)
def test_onnx_files_compute_the_same_in_onnxruntime_and_when_read_back(seed: int) -> None:
    network = random_network(seed)
    pixels = images(seed, network.graph)
    expected = _computed(network, pixels)
    if _has_even_norm(network.graph):
        with pytest.raises(ValueError, match="allowed in ONNX: odd ones"):
            to_onnx(network, "random")
        return
    content = to_onnx(network, "random")
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    feeds = {
        each.name: values.numpy().astype(np.float32)
        for each, values in zip(network.graph.inputs, pixels, strict=True)
    }
    assert_equal(session.run(None, feeds), expected, 1e-4)
    model = onnx.load_from_string(content)
    n, h, w = sizes(seed)
    for given, each in zip(network.graph.inputs, model.graph.input, strict=True):
        described = onnx.helper.make_tensor_value_info(each.name, 1, (n, given.channels, h, w))
        each.CopyFrom(described)
    imported = import_onnx(model, f"seed {seed}")
    assert imported.graph.outputs == network.graph.outputs
    assert_equal(outputs(imported, list(feeds.values())), expected, 1e-4)


def _is_traced(node: Node) -> bool:
    """Whether torch has an operation for it, and not only several."""
    uneven = isinstance(node, AvgPool2d) and any(
        node.padding[axis] != node.padding[axis + 2] or node.padding[axis] > node.kernel[axis] // 2
        for axis in range(2)
    )
    return not uneven and not isinstance(node, LocalResponseNorm)


TRACED = [seed for seed in SEEDS if all(map(_is_traced, random_graph(seed).nodes))]


@pytest.mark.parametrize("seed", TRACED)
def test_modules_are_imported_with_their_parameters(seed: int) -> None:
    network = random_network(seed).float()
    pixels = [each.float() for each in images(seed, network.graph)]
    imported = import_module(network, pixels)
    expected = _computed(network, pixels)
    assert_equal(outputs(imported, [each.numpy() for each in pixels]), expected, 1e-4)


def test_the_seeds_draw_every_layer() -> None:
    graphs = [random_graph(seed) for seed in SEEDS]
    taken = [graph for graph in graphs if not _has_even_norm(graph)]
    assert {type(node) for graph in taken for node in graph.nodes} == set(LAYERS)
    assert len(taken) > 40
    assert len(TRACED) > 25
