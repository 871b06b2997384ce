# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The execution graph of a model, derived from its module in this one place.

`trace` turns a torch module into the list of nodes that an exported package holds: batch norm is
folded into the convolution before it, ReLU becomes the activation of the convolution or addition
before it. The package's graph.json is this list.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn

from colonnade.common.errors import ColonnadeError
from colonnade.models.resnet import Add

Activation = Literal["none", "relu"]
Pair = tuple[int, int]
Folded = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass
class _Node:
    """One operation; its fields, but for those in `internal`, are what graph.json says of it."""

    op: ClassVar[str]
    internal: ClassVar[frozenset[str]] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """The node as graph.json has it; export adds pattern and tile to a convolution."""
        items = {name: value for name, value in asdict(self).items() if name not in self.internal}
        return {"op": self.op, **items}


@dataclass
class Conv2d(_Node):
    """A convolution with bias; `batch_norm` names the module folded into it, if any."""

    op = "conv2d"
    internal = frozenset({"batch_norm"})

    name: str
    input: str
    output: str
    in_channels: int
    out_channels: int
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    residual: str | None = None
    activation: Activation = "none"
    batch_norm: str | None = None


@dataclass
class MaxPool2d(_Node):
    """Maximum over a window; padding never wins."""

    op = "max_pool2d"

    name: str
    input: str
    output: str
    kernel: Pair
    stride: Pair
    padding: Pair


@dataclass
class AddTensors(_Node):
    """Element-wise sum of two tensors of one shape."""

    op = "add"

    name: str
    inputs: tuple[str, str]
    output: str
    activation: Activation = "none"


@dataclass
class GlobalAvgPool(_Node):
    """Mean of every channel's plane: [N, C, H, W] -> [N, C]."""

    op = "global_avg_pool"

    name: str
    input: str
    output: str


@dataclass
class FullyConnected(_Node):
    """The classifier: [N, in_features] -> [N, out_features]."""

    op = "fully_connected"

    name: str
    input: str
    output: str
    in_features: int
    out_features: int


Node = Conv2d | MaxPool2d | AddTensors | GlobalAvgPool | FullyConnected


@dataclass(frozen=True)
class Graph:
    """Nodes in execution order; every tensor is produced once. The output is always `logits`."""

    input: str
    output: str
    nodes: list[Node]

    @property
    def convs(self) -> list[Conv2d]:
        """The convolutions, in execution order."""
        return [node for node in self.nodes if isinstance(node, Conv2d)]


class _Tracer(fx.Tracer):
    """Stops at the modules that become nodes; everything above them is followed through."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, Add | nn.Conv2d) or super().is_leaf_module(m, module_qualified_name)


class _Builder:
    """Collects nodes while walking torch.fx's graph; `tensor` maps its values to tensor names."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.nodes: list[Node] = []
        self.tensor: dict[fx.Node, str] = {}
        self.producer: dict[str, Node] = {}

    def _new(self) -> str:
        return f"t{len(self.nodes)}"

    def _emit(self, node: Node) -> str:
        self.nodes.append(node)
        self.producer[node.output] = node
        return node.output

    def module(self, value: fx.Node) -> str:
        name = str(value.target)
        module = self.model.get_submodule(name)
        sources = [self.tensor[source] for source in value.all_input_nodes]
        source = sources[0]
        match module:
            case nn.Conv2d():
                return self._emit(_conv_node(module, name, source, self._new()))
            case nn.BatchNorm2d():
                return self._fold_batch_norm(name, value)
            case nn.ReLU():
                return self._fold_relu(name, value)
            case nn.MaxPool2d():
                return self._emit(_pool_node(module, name, source, self._new()))
            case Add():
                return self._emit(AddTensors(name, (source, sources[1]), self._new()))
            case nn.AdaptiveAvgPool2d() if module.output_size in (1, (1, 1)):
                return self._emit(GlobalAvgPool(name, source, self._new()))
            case nn.Linear():
                sizes = (module.in_features, module.out_features)
                return self._emit(FullyConnected(name, source, self._new(), *sizes))
        raise ColonnadeError(f"layer {name}: {module} has no counterpart in a package")

    def _sole_producer(self, name: str, value: fx.Node) -> Node:
        # Folding changes the producer's result, so nobody else may read the unfolded one.
        source = value.all_input_nodes[0]
        if len(source.users) > 1 or self.tensor[source] not in self.producer:
            raise ColonnadeError(f"layer {name}: its input is also used elsewhere; cannot be fused")
        return self.producer[self.tensor[source]]

    def _fold_batch_norm(self, name: str, value: fx.Node) -> str:
        conv = self._sole_producer(name, value)
        if not isinstance(conv, Conv2d) or conv.batch_norm or conv.activation != "none":
            raise ColonnadeError(f"layer {name}: batch norm must directly follow a convolution")
        conv.batch_norm = name
        return conv.output

    def _fold_relu(self, name: str, value: fx.Node) -> str:
        node = self._sole_producer(name, value)
        if not isinstance(node, Conv2d | AddTensors):
            raise ColonnadeError(f"layer {name}: ReLU must follow a convolution or an addition")
        node.activation = "relu"
        return node.output


def _pair(value: int | tuple[int, ...] | str) -> Pair:
    if isinstance(value, int):
        return (value, value)
    if isinstance(value, tuple) and len(value) == 2:
        return (value[0], value[1])
    raise ColonnadeError(f"{value!r}: expected one or two whole numbers")


def _conv_node(module: nn.Conv2d, name: str, source: str, output: str) -> Conv2d:
    if module.groups != 1 or module.padding_mode != "zeros":
        raise ColonnadeError(f"layer {name}: {module}: only ungrouped, zero-padded convolutions")
    return Conv2d(
        name=name,
        input=source,
        output=output,
        in_channels=module.in_channels,
        out_channels=module.out_channels,
        kernel=_pair(module.kernel_size),
        stride=_pair(module.stride),
        padding=_pair(module.padding),
        dilation=_pair(module.dilation),
    )


def _pool_node(module: nn.MaxPool2d, name: str, source: str, output: str) -> MaxPool2d:
    if _pair(module.dilation) != (1, 1) or module.ceil_mode:
        raise ColonnadeError(f"layer {name}: {module}: dilation and ceil_mode are not supported")
    pairs = (_pair(module.kernel_size), _pair(module.stride), _pair(module.padding))
    return MaxPool2d(name, source, output, *pairs)


def trace(model: nn.Module) -> Graph:
    """Derive the execution graph of `model` (its weights are not read).

    Raises:
        ColonnadeError: the model has a layer that a package cannot express.
    """
    builder = _Builder(model)
    image = ""
    for value in _Tracer().trace(model).nodes:
        if value.op == "placeholder":
            image = builder.tensor[value] = str(value.target)
        elif value.op == "call_module":
            builder.tensor[value] = builder.module(value)
        elif value.op == "call_function" and value.target is torch.flatten:
            # A package's global average pool already yields [N, C].
            builder.tensor[value] = builder.tensor[value.all_input_nodes[0]]
        elif value.op != "output":
            raise ColonnadeError(f"operation {value}: has no counterpart in a package")
    last = builder.nodes[-1]
    last.output = "logits"
    return Graph(input=image, output=last.output, nodes=_fuse_residuals(builder.nodes))


def _fuse_residuals(nodes: list[Node]) -> list[Node]:
    reads = Counter(
        source
        for node in nodes
        for source in (node.inputs if isinstance(node, AddTensors) else [node.input])
    )
    found: dict[str, Node] = {}
    for node in nodes:
        first = found.get(node.inputs[0]) if isinstance(node, AddTensors) else None
        if (
            isinstance(node, AddTensors)
            and isinstance(first, Conv2d)
            and first.activation == "none"
            and first.residual is None
            and reads[first.output] == 1
        ):
            del found[first.output]
            first.residual, first.activation = node.inputs[1], node.activation
            first.output = node.output
            found[node.output] = first
        else:
            found[node.output] = node
    return list(found.values())


def fold(model: nn.Module, conv: Conv2d) -> Folded:
    """Weight [Cout, KH, KW, Cin] and bias [Cout] of a convolution with its batch norm folded in.

    In float64: w' = w * gamma / sqrt(var + eps), b' = beta + (b - mean) * gamma / sqrt(var + eps).
    """
    module = model.get_submodule(conv.name)
    assert isinstance(module, nn.Conv2d)
    weight = _float64(module.weight).transpose(0, 2, 3, 1)
    bias = np.zeros(conv.out_channels) if module.bias is None else _float64(module.bias)
    if conv.batch_norm is None:
        return weight, bias
    norm = model.get_submodule(conv.batch_norm)
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = _float64(norm.weight) / np.sqrt(_float64(norm.running_var) + norm.eps)
    shift = _float64(norm.bias) + (bias - _float64(norm.running_mean)) * factor
    return weight * factor[:, None, None, None], shift


def _float64(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.detach().numpy().astype(np.float64)
