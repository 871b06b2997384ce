# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks as data: what they say of a ResNet, what fusion makes of it, and what does not fit."""

from typing import Any

import pytest
from pydantic import ValidationError

from colonnade.models.builder import IMAGE, Builder
from colonnade.models.fusion import fuse_residuals, fused
from colonnade.models.graph import Graph
from colonnade.models.layers import Binary, Clip, Concat, Conv2d, FullyConnected, Node, Unary
from colonnade.models.networks import NAMES, network


@pytest.mark.parametrize("name", NAMES)
def test_executed_tensors_are_made_once_and_before_use(name: str) -> None:
    graph = fused(network(name, 10))
    known = {each.name for each in graph.inputs}
    for node in graph.nodes:
        assert node.is_packaged
        assert known.issuperset(node.sources)
        assert node.output not in known
        known.add(node.output)
    assert graph.outputs == (graph.nodes[-1].output,) == ("logits",)
    if name.startswith(("resnet", "mobilenet")):
        assert all(conv.batch_norm for conv in graph.convs)
    (classifier,) = graph.classifiers
    assert classifier.name in ("fc", "classifier", "classifier.1", "classifier.6")
    # Every addition of a residual network is a convolution's.
    assert not [node for node in graph.nodes if isinstance(node, Binary)]


def test_what_a_block_executes() -> None:
    nodes = [node for node in fused(network("resnet18", 10)).nodes if "layer2.0" in node.name]
    found = {
        node.name: (node.activation, node.residual) for node in nodes if isinstance(node, Conv2d)
    }
    # The projection first: the convolution that adds it stands where the addition stood.
    assert list(found) == ["layer2.0.conv1", "layer2.0.downsample.0", "layer2.0.conv2"]
    assert len(nodes) == 3
    assert found == {
        "layer2.0.conv1": ("relu", None),
        "layer2.0.downsample.0": ("none", None),
        "layer2.0.conv2": ("relu", "layer2.0.downsample.1"),
    }


def _graph(build: Any) -> Graph:
    net = Builder(IMAGE)
    x = net.conv2d("conv", IMAGE.name, 3, 1)
    return net.graph(*build(net, x))


KEPT = {
    "batch norm alone": lambda net, x: [net.batch_norm("kept", net.max_pool2d("p", x, 2, 2, 0))],
    "features added": lambda net, x: [net.add("kept", x, net.global_avg_pool("g", IMAGE.name))],
    "batch norm behind a ReLU": lambda net, x: [net.batch_norm("kept", net.relu("r", x))],
    "two batch norms": lambda net, x: [net.batch_norm("kept", net.batch_norm("b", x))],
    "ReLU of a pool": lambda net, x: [net.relu("kept", net.max_pool2d("p", x, 2, 2, 0))],
    "read elsewhere": lambda net, x: [net.relu("kept", x), net.max_pool2d("p", x, 2, 2, 0)],
    "an output itself": lambda net, x: [x, net.relu("kept", x)],
    "sum of the activated": lambda net, x: [net.add("kept", net.relu("r", x), IMAGE.name)],
    "sum with itself": lambda net, x: [net.add("kept", x, x)],
    "third operand": lambda net, x: [net.add("kept", net.add("a", x, IMAGE.name), IMAGE.name)],
}


@pytest.mark.parametrize("build", KEPT.values(), ids=KEPT)
def test_what_cannot_be_fused_stays(build: Any) -> None:
    graph = fused(_graph(build))
    assert "kept" in {node.name for node in graph.nodes}


def test_the_second_operand_may_be_the_convolution_that_adds() -> None:
    (conv,) = fused(_graph(lambda net, x: [net.add("sum", IMAGE.name, x)])).nodes
    assert isinstance(conv, Conv2d)
    assert (conv.name, conv.output, conv.residual) == ("conv", "sum", IMAGE.name)


def test_dropouts_go_and_outputs_are_what_they_read() -> None:
    graph = _graph(lambda net, x: [net.dropout("e", net.dropout("d", net.relu("r", x), 0.5), 0.1)])
    assert fused(graph).outputs == ("r",)
    assert [node.name for node in fused(graph).nodes] == ["conv"]


def test_outputs_that_a_dropout_doubles_are_copies() -> None:
    net = Builder(IMAGE)
    x = net.relu("r", IMAGE.name)
    y = net.global_avg_pool("g", x)
    drops = [net.dropout(f"{each}_drop", each, 0.5) for each in (IMAGE.name, x, y)]
    graph = fused(net.graph(x, y, *drops))
    assert graph.outputs == ("r", "g", *drops)
    assert [node.op for node in graph.nodes] == ["unary", "global_pool", "pad", "pad", "flatten"]


def test_layers_of_a_dense_block_share_the_channels_before_them() -> None:
    concats = [n for n in fused(network("densenet121", 10)).nodes if isinstance(n, Concat)]
    # The first layer of a block has a single tensor to read.
    assert len(concats) == sum((6, 12, 24, 16))
    assert all(len(each.inputs) == 2 for each in concats)
    before = [each.output for each in concats]
    assert sum(each.inputs[0] in before for each in concats) == len(concats) - 4


def test_names_of_limits_are_those_of_their_functions() -> None:
    def clip(low: float | None, high: float | None) -> Node:
        net = Builder(IMAGE)
        net.node(Clip(name="c", output="c", input=IMAGE.name, min=low, max=high))
        return fused(net.graph("c")).nodes[0]

    limits = [clip(0, 6), clip(0, None), clip(0, 5), clip(None, 6)]
    functions = [each.function for each in limits if isinstance(each, Unary | Clip)]
    assert functions == ["relu6", "relu", "clip", "clip"]


def test_a_residual_joins_with_its_activation_and_reads_the_other_operand() -> None:
    graph = _graph(lambda net, x: [net.relu("relu", net.add("sum", x, IMAGE.name))])
    (conv,) = fused(graph).nodes
    assert isinstance(conv, Conv2d)
    assert (conv.name, conv.output, conv.residual) == ("conv", "relu", IMAGE.name)
    assert conv.activation == "relu"
    assert conv.sources == (IMAGE.name, IMAGE.name)
    # Without the pass for ReLUs the sum's own activation is none.
    first, second = fuse_residuals(graph).nodes
    assert isinstance(first, Conv2d)
    assert (first.activation, second.name) == ("none", "relu")


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda net: net.relu("r", "nothing"), "node 'r': input 'nothing' does not exist"),
        (lambda net: net.relu("image", "image"), "output 'image' exists already"),
        (
            lambda net: net.max_pool2d("p", "image", 2, 2, 2),
            r"padding: \[2, 2, 2, 2\]; allowed: less",
        ),
        (
            lambda net: net.add("a", "image", net.conv2d("c", "image", 4, 1)),
            r"'a': its inputs are a map \[N, 3, H, W\] and a map \[N, 4, H, W\]; needed: two of one",
        ),
        (
            lambda net: net.node(
                FullyConnected(name="f", output="f", input="image", in_features=3, out_features=2)
            ),
            r"'f': its input 'image' is a map .*; needed: features \[N, 3\]",
        ),
        (
            lambda net: net.relu("r", net.global_avg_pool("g", net.global_avg_pool("h", "image"))),
            r"its input 'h' is features \[N, 3\]; needed: a map",
        ),
        (lambda net: net.conv2d("c", "image", 65536, 255), "'c': out_channels: 65536 by 195075"),
    ],
)
def test_nodes_that_do_not_fit_are_refused_where_they_are_written(build: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build(Builder(IMAGE))


@pytest.mark.parametrize(("key", "value"), [("kernel", 0), ("out_channels", 0), ("stride", 256)])
def test_sizes_out_of_range_are_refused(key: str, value: int) -> None:
    values = {"name": "c", "source": "image", "out_channels": 3, "kernel": 3, key: value}
    with pytest.raises(ValidationError, match=key):
        Builder(IMAGE).conv2d(**values)


def test_a_residual_of_another_shape_is_refused() -> None:
    graph = _graph(lambda net, x: [net.add("sum", net.conv2d("c", x, 3, 1), x)])
    (first, second) = fused(graph).nodes
    assert isinstance(second, Conv2d)
    for change in ({"stride": [2, 2]}, {"residual": "image", "out_channels": 4}):
        nodes = (first, second.model_copy(update=change))
        with pytest.raises(
            ValueError, match=r"node 'c': residual: .*; needed: .*, the shape of its"
        ):
            Graph(graph.inputs, graph.outputs, nodes).shapes(1, 8)
