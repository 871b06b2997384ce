# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The execution graph: what it says of a network, and what it refuses."""

import pytest
from torch import Tensor, nn

from colonnade.common.errors import ColonnadeError
from colonnade.models.graph import AddTensors, Conv2d, trace
from colonnade.models.resnet import build


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_tensors_are_produced_once_and_before_use(name: str) -> None:
    graph = trace(build(name, 10))
    known = {graph.input}
    for node in graph.nodes:
        sources = node.inputs if isinstance(node, AddTensors) else (node.input,)
        assert known.issuperset(sources)
        assert node.output not in known
        known.add(node.output)
    assert graph.output == graph.nodes[-1].output == "logits"
    assert all(conv.batch_norm for conv in graph.convs)


def test_activations_of_a_block() -> None:
    nodes = {node.name: node for node in trace(build("resnet18", 10)).nodes}
    activations = {
        name: node.activation
        for name, node in nodes.items()
        if name.startswith("layer2.0") and isinstance(node, Conv2d | AddTensors)
    }
    assert activations == {
        "layer2.0.conv1": "relu",
        "layer2.0.conv2": "none",
        "layer2.0.downsample.0": "none",
        "layer2.0.add": "relu",
    }


class _Branching(nn.Module):
    """The convolution's result is used before and after its activation: it cannot be fused."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.conv(x)
        return self.relu(x), self.pool(x)


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv2d(4, 4, 3, groups=2)),
        nn.Sequential(nn.Conv2d(4, 4, 3, padding="same")),
        nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")),
        nn.Sequential(nn.MaxPool2d(2, ceil_mode=True)),
        nn.Sequential(nn.BatchNorm2d(3)),
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.BatchNorm2d(3)),
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.AdaptiveAvgPool2d(2)),
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sigmoid()),
        _Branching(),
    ],
)
def test_inexpressible_layers_are_refused(model: nn.Module) -> None:
    with pytest.raises(ColonnadeError):
        trace(model)
