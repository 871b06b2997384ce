# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the layer types of a network are in ONNX."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from onnx import NodeProto, TensorProto, helper, numpy_helper

from colonnade.models.importing.onnx_operations import PAD_MODES
from colonnade.models.layers import (
    Affine,
    AvgPool2d,
    BatchNorm,
    Binary,
    ChannelShuffle,
    Clip,
    Concat,
    Conv2d,
    Dropout,
    Elu,
    Flatten,
    GlobalPool,
    GroupNorm,
    HardSigmoid,
    LeakyRelu,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Node,
    Pad,
    Prelu,
    Slice,
    Softmax,
    Unary,
    Upsample2d,
)
from colonnade.models.shapes import FeatureShape, TensorShape

OPSET = 22
_FUNCTIONS = {
    "relu": "Relu",
    "hard_swish": "HardSwish",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "gelu": "Gelu",
    "mish": "Mish",
    "softplus": "Softplus",
    "erf": "Erf",
    "exp": "Exp",
    "abs": "Abs",
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "max": "Max",
    "min": "Min",
}


class Writer:
    """Collects the nodes and weights of a model, for the nodes of a network before fusion."""

    def __init__(
        self, state: Mapping[str, torch.Tensor], shapes: Mapping[str, TensorShape]
    ) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []
        self._state, self._shapes = state, dict(shapes)

    def planes(self, features: str) -> str:
        """Make planes of one element of an input [N, C]; return what they are called."""
        made, axes = f"{features}/input_planes", f"{features}/input_axes"
        self._weight(axes, np.array([2, 3], dtype=np.int64))
        self._op("Unsqueeze", [features, axes], made, made, {})
        self._shapes[made] = self._shapes[features]
        return made

    def write(self, node: Node) -> None:
        """Add a node of any layer type.

        Raises:
            ValueError: ONNX has no such thing.
        """
        _WRITERS[type(node)](self, node)

    def add(self, node: Node, op: str, inputs: Sequence[str], **attributes: Any) -> None:
        """Add an operation that makes what the node makes."""
        self._op(op, inputs, node.output, node.name, attributes)

    def before(
        self, node: Node, op: str, inputs: Sequence[str], part: str, **attributes: Any
    ) -> str:
        """Add an operation whose result is read by the node's own; return what that is called."""
        made = f"{node.name}/{part}"
        self._op(op, inputs, made, made, attributes)
        return made

    def _op(
        self, op: str, inputs: Sequence[str], output: str, name: str, attributes: dict[str, Any]
    ) -> None:
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=name, **attributes))

    def parameter(self, node: Node, key: str, shape: Sequence[int] | None = None) -> str:
        """Add a parameter of the node's module, in its own shape or another one."""
        values = self._state[f"{node.name}.{key}"].detach().cpu().float().numpy()
        return self._weight(
            f"{node.name}.{key}", values if shape is None else values.reshape(shape)
        )

    def constant(self, node: Node, key: str, values: Any, kind: type[np.generic]) -> str:
        """Add a constant."""
        return self._weight(f"{node.name}/{key}", np.array(values, dtype=kind))

    def _weight(self, name: str, values: Any) -> str:
        self.weights.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def is_features(self, tensor: str) -> bool:
        """Whether a tensor has no planes."""
        return isinstance(self._shapes[tensor], FeatureShape)

    def per_channel(self, node: Affine | Prelu) -> list[int]:
        """The shape of one number for each channel of what a node reads."""
        return [node.channels] if self.is_features(node.input) else [node.channels, 1, 1]

    def channels(self, tensor: str) -> int:
        """Channels of a map."""
        channels = self._shapes[tensor].c
        assert channels is not None
        return channels


def _window(node: Conv2d | MaxPool2d | AvgPool2d) -> dict[str, list[int]]:
    return {"kernel_shape": node.kernel, "strides": node.stride, "pads": node.padding}


def _conv(writer: Writer, node: Conv2d) -> None:
    parts = ["weight", "bias"] if node.bias else ["weight"]
    inputs = [node.input, *(writer.parameter(node, part) for part in parts)]
    window = {**_window(node), "dilations": node.dilation}
    writer.add(node, "Conv", inputs, group=node.groups, **window)


def _batch_norm(writer: Writer, node: BatchNorm) -> None:
    parts = ("weight", "bias", "running_mean", "running_var")
    inputs = [node.input, *(writer.parameter(node, part) for part in parts)]
    writer.add(node, "BatchNormalization", inputs, epsilon=node.eps)


def _affine(writer: Writer, node: Affine) -> None:
    shape = writer.per_channel(node)
    scale, shift = (writer.parameter(node, key, shape) for key in ("scale", "shift"))
    scaled = writer.before(node, "Mul", [node.input, scale], "scaled")
    writer.add(node, "Add", [scaled, shift])


def _unary(writer: Writer, node: Unary) -> None:
    if node.function == "relu6":
        _limit(writer, node, 0.0, 6.0)
    elif node.function == "silu":
        gate = writer.before(node, "Sigmoid", [node.input], "gate")
        writer.add(node, "Mul", [node.input, gate])
    elif node.function == "gelu_tanh":
        writer.add(node, "Gelu", [node.input], approximate="tanh")
    else:
        writer.add(node, _FUNCTIONS[node.function], [node.input])


def _clip(writer: Writer, node: Clip) -> None:
    _limit(writer, node, node.min, node.max)


def _limit(writer: Writer, node: Unary | Clip, low: float | None, high: float | None) -> None:
    limits = [
        "" if value is None else writer.constant(node, key, value, np.float32)
        for key, value in (("min", low), ("max", high))
    ]
    writer.add(node, "Clip", [node.input, *limits])


def _elu(writer: Writer, node: Elu) -> None:
    writer.add(node, "Elu", [node.input], alpha=node.alpha)


def _hard_sigmoid(writer: Writer, node: HardSigmoid) -> None:
    writer.add(node, "HardSigmoid", [node.input], alpha=node.alpha, beta=node.beta)


def _leaky_relu(writer: Writer, node: LeakyRelu) -> None:
    writer.add(node, "LeakyRelu", [node.input], alpha=node.slope)


def _prelu(writer: Writer, node: Prelu) -> None:
    slope = writer.parameter(node, "weight", writer.per_channel(node))
    writer.add(node, "PRelu", [node.input, slope])


def _max_pool(writer: Writer, node: MaxPool2d) -> None:
    window = {**_window(node), "dilations": node.dilation}
    writer.add(node, "MaxPool", [node.input], ceil_mode=int(node.ceil_mode), **window)


def _avg_pool(writer: Writer, node: AvgPool2d) -> None:
    modes = {"ceil_mode": int(node.ceil_mode), "count_include_pad": int(node.count_include_pad)}
    writer.add(node, "AveragePool", [node.input], **modes, **_window(node))


def _global_pool(writer: Writer, node: GlobalPool) -> None:
    axes = writer.constant(node, "axes", [2, 3], np.int64)
    op = "ReduceMean" if node.function == "avg" else "ReduceMax"
    writer.add(node, op, [node.input, axes], keepdims=0)


def _group_norm(writer: Writer, node: GroupNorm) -> None:
    if node.per_pixel:
        _pixel_norm(writer, node)
        return
    inputs = [node.input, *(writer.parameter(node, part) for part in ("weight", "bias"))]
    keys = {"num_groups": node.groups, "epsilon": node.eps}
    if not writer.is_features(node.input):
        writer.add(node, "GroupNormalization", inputs, **keys)
        return
    axes = writer.constant(node, "axes", [2], np.int64)
    inputs[0] = writer.before(node, "Unsqueeze", [node.input, axes], "pixel")
    made = writer.before(node, "GroupNormalization", inputs, "normalised", **keys)
    writer.add(node, "Squeeze", [made, axes])


def _pixel_norm(writer: Writer, node: GroupNorm) -> None:
    parts = [writer.parameter(node, part) for part in ("weight", "bias")]
    keys = {"axis": -1, "epsilon": node.eps}
    if writer.is_features(node.input):
        writer.add(node, "LayerNormalization", [node.input, *parts], **keys)
        return
    last = writer.before(node, "Transpose", [node.input], "last", perm=[0, 2, 3, 1])
    made = writer.before(node, "LayerNormalization", [last, *parts], "normalised", **keys)
    writer.add(node, "Transpose", [made], perm=[0, 3, 1, 2])


def _linear(writer: Writer, node: Linear) -> None:
    parts = ["weight", "bias"] if node.bias else ["weight"]
    inputs = [node.input, *(writer.parameter(node, part) for part in parts)]
    writer.add(node, "Gemm", inputs, transB=1)


def _binary(writer: Writer, node: Binary) -> None:
    flat = [writer.is_features(each) for each in node.inputs]
    inputs = list(node.inputs)
    if any(flat) and not all(flat):
        index = flat.index(True)
        axes = writer.constant(node, "axes", [2, 3], np.int64)
        inputs[index] = writer.before(node, "Unsqueeze", [inputs[index], axes], "planes")
    writer.add(node, _FUNCTIONS[node.function], inputs)


def _concat(writer: Writer, node: Concat) -> None:
    writer.add(node, "Concat", node.inputs, axis=1)


def _pad(writer: Writer, node: Pad) -> None:
    top, left, bottom, right = node.padding
    pads = writer.constant(node, "pads", [0, 0, top, left, 0, 0, bottom, right], np.int64)
    value = writer.constant(node, "value", node.value, np.float32)
    (mode,) = (word for word, mode in PAD_MODES.items() if mode == node.mode)
    writer.add(node, "Pad", [node.input, pads, value], mode=mode)


def _shuffle(writer: Writer, node: ChannelShuffle) -> None:
    shape = writer.before(node, "Shape", [node.input], "shape")
    sizes = [0, node.groups, writer.channels(node.input) // node.groups, -1]
    grouped = writer.constant(node, "groups", sizes, np.int64)
    split = writer.before(node, "Reshape", [node.input, grouped], "split")
    turned = writer.before(node, "Transpose", [split], "turned", perm=[0, 2, 1, 3])
    writer.add(node, "Reshape", [turned, shape])


def _flatten(writer: Writer, node: Flatten) -> None:
    writer.add(node, "Flatten", [node.input], axis=1)


def _slice(writer: Writer, node: Slice) -> None:
    last = np.iinfo(np.int64).max
    axes = [axis for axis in range(3) if not node.is_whole(axis)] or [0]
    bounds = {
        "starts": [node.begin[axis] for axis in axes],
        "ends": [last if (end := node.end[axis]) is None else end for axis in axes],
        "axes": [axis + 1 for axis in axes],
        "steps": [node.step[axis] for axis in axes],
    }
    inputs = [writer.constant(node, key, values, np.int64) for key, values in bounds.items()]
    writer.add(node, "Slice", [node.input, *inputs])


def _softmax(writer: Writer, node: Softmax) -> None:
    writer.add(node, "Softmax", [node.input], axis=1)


def _dropout(writer: Writer, node: Dropout) -> None:
    ratio = writer.constant(node, "ratio", node.p, np.float32)
    writer.add(node, "Dropout", [node.input, ratio])


def _lrn(writer: Writer, node: LocalResponseNorm) -> None:
    if node.size % 2 == 0:
        raise ValueError(f"layer {node.name}: size: {node.size}; allowed in ONNX: odd ones")
    keys = {"alpha": node.alpha, "beta": node.beta, "bias": node.k}
    writer.add(node, "LRN", [node.input], size=node.size, **keys)


def _upsample(writer: Writer, node: Upsample2d) -> None:
    keys: dict[str, Any] = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
    keys["nearest_mode"] = "floor"
    if node.mode == "bilinear":
        where = "align_corners" if node.align_corners else "half_pixel"
        keys = {"mode": "linear", "coordinate_transformation_mode": where}
    if node.size is not None:
        given = ["", "", writer.constant(node, "sizes", node.size, np.int64)]
    else:
        given = ["", writer.constant(node, "scales", node.scale, np.float32)]
    writer.add(node, "Resize", [node.input, *given], axes=[2, 3], **keys)


_WRITERS: dict[type[Node], Callable[[Writer, Any], None]] = {
    Affine: _affine,
    AvgPool2d: _avg_pool,
    BatchNorm: _batch_norm,
    Binary: _binary,
    ChannelShuffle: _shuffle,
    Clip: _clip,
    Concat: _concat,
    Conv2d: _conv,
    Dropout: _dropout,
    Elu: _elu,
    Flatten: _flatten,
    GlobalPool: _global_pool,
    GroupNorm: _group_norm,
    HardSigmoid: _hard_sigmoid,
    LeakyRelu: _leaky_relu,
    Linear: _linear,
    LocalResponseNorm: _lrn,
    MaxPool2d: _max_pool,
    Pad: _pad,
    Prelu: _prelu,
    Slice: _slice,
    Softmax: _softmax,
    Unary: _unary,
    Upsample2d: _upsample,
}
