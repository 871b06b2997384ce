# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the operations of PyTorch, as torch.export writes them down, are in a network."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from colonnade.models.importing.arithmetic import combine, identity, negative
from colonnade.models.importing.grouping import reduced, selected, softmax, stacked
from colonnade.models.importing.normalizing import instance_norm, layer_norm
from colonnade.models.importing.reading import Handler, Operation
from colonnade.models.importing.recorder import Recorder
from colonnade.models.importing.slicing import even, part, parts, space_to_depth, with_border
from colonnade.models.importing.torch_functions import FUNCTIONS
from colonnade.models.importing.values import (
    OF_THE_BATCH,
    Constant,
    Tensor,
    UnsupportedError,
    Value,
    counted,
)
from colonnade.models.layers import Unary
from colonnade.models.layers.pad import PadMode

# An operation's inputs are its arguments in the order of its schema, defaults filled in.


def _pair(value: Any) -> list[int]:
    values = list(value) if isinstance(value, Sequence) else [value]
    if len(values) not in (1, 2) or not all(isinstance(each, int) for each in values):
        raise UnsupportedError(f"sizes {values}; allowed: two whole numbers")
    return values * (3 - len(values))


def _around(value: Any) -> list[int]:
    return _pair(value) * 2


def _conv(net: Recorder, op: Operation) -> Value:
    _, _, _, stride, padding, dilation, groups = op.inputs[:7]
    return _convolved(net, op, stride, padding, dilation, groups)


def _convolution(net: Recorder, op: Operation) -> Value:
    _, _, _, stride, padding, dilation, transposed, _, groups = op.inputs[:9]
    if transposed:
        raise UnsupportedError("transposed")
    return _convolved(net, op, stride, padding, dilation, groups)


def _convolved(
    net: Recorder, op: Operation, stride: Any, padding: Any, dilation: Any, groups: int
) -> Value:
    weight = op.constant(1, "weight")
    dilations = _pair(dilation)
    if padding == "same":
        kernel = weight.values.shape[2:]
        whole = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
        around = [each // 2 for each in whole] + [each - each // 2 for each in whole]
    else:
        around = _around(0 if padding == "valid" else padding)
    window = {"stride": _pair(stride), "padding": around, "dilation": dilations}
    bias = op.optional(2, "bias")
    return net.conv2d(op.name, op.tensor, weight, bias, groups=groups, **window)


def _linear(net: Recorder, op: Operation) -> Value:
    weight, bias = op.constant(1, "weight"), op.optional(2, "bias")
    return net.linear_behind(op.name, op.tensor, weight, bias)


def _addmm(net: Recorder, op: Operation) -> Value:
    if any(op.attributes.get(key, 1) != 1 for key in ("alpha", "beta")):
        raise UnsupportedError("alpha or beta other than 1")
    weight = op.constant(2, "weight")
    turned = Constant(weight.values.T, weight.name)
    return net.linear(op.name, op.tensor_at(1), turned, op.optional(0, "bias"))


def _batch_norm(eps: int, training: int | None = None) -> Handler:
    """The places of epsilon and, where it is one, of `training` among the arguments."""

    def batch_norm(net: Recorder, op: Operation) -> Value:
        names = ("weight", "bias", "running_mean", "running_var")
        parts = {key: op.optional(index, key) for index, key in enumerate(names, start=1)}
        if parts["running_mean"] is None or parts["running_var"] is None:
            raise UnsupportedError("without running statistics")
        if training is not None and op.inputs[training]:
            raise UnsupportedError(f"{OF_THE_BATCH}; allowed: of running ones")
        return net.batch_norm(op.name, op.tensor, parts, op.inputs[eps])

    return batch_norm


def _layer_norm(net: Recorder, op: Operation) -> Value:
    weight, bias = (op.optional(2 + index, key) for index, key in enumerate(("weight", "bias")))
    count = len(op.inputs[1])
    return layer_norm(net, op.name, op.tensor, count, weight, bias, op.inputs[4])


def _group_norm(groups: int, weight: int, eps: int) -> Handler:
    """The places of these arguments; the bias is behind the weight."""

    def group_norm(net: Recorder, op: Operation) -> Value:
        parts = (op.optional(weight, "weight"), op.optional(weight + 1, "bias"))
        return net.group_norm(op.name, op.tensor, op.inputs[groups], *parts, eps=op.inputs[eps])

    return group_norm


def _instance_norm(net: Recorder, op: Operation) -> Value | Sequence[Value]:
    if not op.inputs[5]:
        return _batch_norm(7)(net, op)
    parts = (op.optional(1, "weight"), op.optional(2, "bias"))
    return instance_norm(net, op.name, op.tensor, *parts, op.inputs[7])


def _glu(net: Recorder, op: Operation) -> Value:
    axis = _index(op.inputs[1])
    half = op.tensor.shape[axis] // 2
    first, second = parts(net, op.name, op.tensor, axis, [half, half])
    gate = net.add(Unary, f"{op.name}_gate", second, function="sigmoid")
    return net.two(op.name, "mul", first, gate)


def _max_pool(net: Recorder, op: Operation) -> Value:
    _, kernel, stride, padding, dilation, ceil_mode = op.inputs[:6]
    window = {"kernel": _pair(kernel), "stride": _pair(stride or kernel)}
    window |= {"padding": _around(padding), "dilation": _pair(dilation)}
    return net.max_pool2d(op.name, op.tensor, ceil_mode=bool(ceil_mode), **window)


def _avg_pool(net: Recorder, op: Operation) -> Value:
    _, kernel, stride, padding, ceil_mode, include, divisor = op.inputs[:7]
    if divisor is not None:
        raise UnsupportedError("divisor_override")
    window = {"kernel": _pair(kernel), "stride": _pair(stride or kernel)}
    modes = {"ceil_mode": bool(ceil_mode), "count_include_pad": bool(include)}
    return net.avg_pool2d(op.name, op.tensor, padding=_around(padding), **window, **modes)


def _adaptive(function: str) -> Handler:
    def pool(net: Recorder, op: Operation) -> Value:
        x, wanted = op.tensor, _pair(op.inputs[1])
        if wanted == [1, 1]:
            return net.reduced(op.name, x, (2, 3), keep=True, function=function)
        net.of_one_size(f"a window that makes {wanted} follows")
        planes = x.shape[2:]
        if list(planes) == wanted:
            return x
        if len(x.shape) != 4 or any(size % out for size, out in zip(planes, wanted, strict=True)):
            raise UnsupportedError(
                f"to {wanted} of {list(planes)}; allowed: to 1 by 1, or to what divides the size"
            )
        kernel = [size // out for size, out in zip(planes, wanted, strict=True)]
        window: dict[str, Any] = {"kernel": kernel, "stride": kernel, "padding": [0] * 4}
        if function == "max":
            return net.max_pool2d(op.name, x, **window, dilation=[1, 1], ceil_mode=False)
        return net.avg_pool2d(op.name, x, **window, ceil_mode=False, count_include_pad=True)

    return pool


def _reduce(function: str) -> Handler:
    def reduce(net: Recorder, op: Operation) -> Value:
        # mean() of all elements has neither.
        given, keep = (*op.inputs[1:3], None, False)[:2]
        axes = [given] if isinstance(given, int) else given
        if not axes:
            raise UnsupportedError("over all axes; allowed: whole planes")
        return reduced(net, op.name, op.tensor, axes, keep=bool(keep), function=function)

    return reduce


def _arithmetic(function: str, *, turned: bool = False) -> Handler:
    """A function of two values; `turned` if the second one comes first."""

    def arithmetic(net: Recorder, op: Operation) -> Value:
        values = [
            each if isinstance(each, Tensor | Constant) else Constant(np.array(each), op.name)
            for each in op.inputs[:2]
        ]
        rounding = op.attributes.get("rounding_mode")
        if rounding is not None:
            raise UnsupportedError(f"rounding_mode {rounding!r}; allowed: none")
        # The third argument of a scalar's, a keyword of a tensor's.
        alpha = (*op.inputs, op.attributes.get("alpha", 1))[2]
        if alpha != 1:
            raise UnsupportedError("alpha other than 1")
        return combine(net, op.name, function, values[::-1] if turned else values)

    return arithmetic


def _converted(_: Recorder, op: Operation) -> Value:
    for each in (*op.inputs, *op.attributes.values()):
        if isinstance(each, torch.dtype) and not each.is_floating_point:
            raise UnsupportedError("to another type than a floating-point one")
    return op.tensor


def _cat(net: Recorder, op: Operation) -> Value:
    parts = op.inputs[0]
    if not all(isinstance(each, Tensor) for each in parts):
        raise UnsupportedError("of constants")
    return net.concat(op.name, parts, op.inputs[1])


# What torch takes apart into operations of their own.
_OWN_PADS: dict[str, PadMode] = {"reflection_pad2d": "reflect", "replication_pad2d": "replicate"}


def _pad(net: Recorder, op: Operation) -> Value:
    pads, value = list(op.inputs[1]), op.inputs[-1]
    mode: PadMode = "constant"
    if op.kind == "aten.pad":
        mode, value = op.inputs[2:4]
    elif op.kind != "aten.constant_pad_nd":
        mode, value = _OWN_PADS[op.kind.removeprefix("aten.")], 0
    if len(pads) > 4 or len(op.tensor.shape) != 4:
        raise UnsupportedError(
            f"pads {pads} of {len(op.tensor.shape)} axes; allowed: four, of planes"
        )
    left, right, top, bottom = (*pads, 0, 0)[:4]
    around = [top, left, bottom, right]
    return with_border(net, op.name, op.tensor, around, float(value or 0), mode)


def _flatten(net: Recorder, op: Operation) -> Value:
    x = op.tensor
    start, end = (counted(axis, len(x.shape)) for axis in op.inputs[1:3])
    joined = math.prod(x.shape[start : end + 1])
    return net.reshape(x, (*x.shape[:start], joined, *x.shape[end + 1 :]))


def _view(net: Recorder, op: Operation) -> Value:
    x = op.tensor
    # A size that varies is that of the example, as it is of the tensor.
    sizes = [each.whole()[0] if isinstance(each, Constant) else each for each in op.inputs[1]]
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = math.prod(x.shape) // -math.prod(sizes)
    return net.reshape(x, sizes)


def _size(_: Recorder, op: Operation) -> Value:
    return Constant(np.array(op.tensor.shape[op.inputs[1]]), op.outputs[0], sized=True)


def _squeeze(net: Recorder, op: Operation) -> Value:
    x, given = op.tensor, op.inputs[1] if len(op.inputs) > 1 else range(len(op.tensor.shape))
    axes = {
        counted(axis, len(x.shape)) for axis in (given if not isinstance(given, int) else [given])
    }
    return net.reshape(x, [s for axis, s in enumerate(x.shape) if s != 1 or axis not in axes])


def _unsqueeze(net: Recorder, op: Operation) -> Value:
    x = op.tensor
    axis = counted(op.inputs[1], len(x.shape) + 1)
    return net.reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))


def _permute(net: Recorder, op: Operation) -> Value:
    return net.transpose(op.tensor, [counted(axis, len(op.tensor.shape)) for axis in op.inputs[1]])


def _movedim(net: Recorder, op: Operation) -> Value:
    x, size = op.tensor, len(op.tensor.shape)
    sources, places = ([each] if isinstance(each, int) else each for each in op.inputs[1:3])
    moved = {
        counted(to, size): counted(axis, size) for axis, to in zip(sources, places, strict=True)
    }
    left = iter(axis for axis in range(size) if axis not in moved.values())
    return net.transpose(x, [moved[at] if at in moved else next(left) for at in range(size)])


def _pixel_unshuffle(net: Recorder, op: Operation) -> Value:
    return space_to_depth(net, op.tensor, _index(op.inputs[1]), channels_first=True)


def _transpose(net: Recorder, op: Operation) -> Value:
    axes = list(range(len(op.tensor.shape)))
    first, second = op.inputs[1:3]
    axes[first], axes[second] = axes[second], axes[first]
    return net.transpose(op.tensor, axes)


def _matrices_turned(net: Recorder, op: Operation) -> Value:
    *before, rows, columns = range(len(op.tensor.shape))
    return net.transpose(op.tensor, [*before, columns, rows])


def _channel_shuffle(net: Recorder, op: Operation) -> Value:
    x, groups = op.tensor, op.inputs[1]
    if len(x.shape) != 4:
        raise UnsupportedError(f"{len(x.shape)} dimensions; allowed: [N, C, H, W]")
    n, c, h, w = x.shape
    split = net.reshape(x, (n, groups, c // groups, h, w))
    return net.reshape(net.transpose(split, (0, 2, 1, 3, 4)), x.shape)


def _index(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnsupportedError("bounds that are no whole numbers")
    return value


def _slice(net: Recorder, op: Operation) -> Value:
    axis, begin, end, step = op.inputs[1:5]
    stop = None if end is None else _index(end)
    return part(net, op.name, op.tensor, _index(axis), _index(begin or 0), stop, _index(step))


def _narrow(net: Recorder, op: Operation) -> Value:
    axis, begin, length = (_index(each) for each in op.inputs[1:4])
    end = begin + length
    # What is counted from the end, and reaches it.
    stop = None if begin < 0 and end == 0 else end
    return part(net, op.name, op.tensor, axis, begin, stop)


def _chunk(net: Recorder, op: Operation) -> Sequence[Value]:
    count, axis = (_index(each) for each in op.inputs[1:3])
    size = op.tensor.shape[axis]
    return parts(net, op.name, op.tensor, axis, even(size, -(-size // count)))


def _split(net: Recorder, op: Operation) -> Sequence[Value]:
    given, axis = op.inputs[1], _index(op.inputs[2])
    if isinstance(given, list | tuple):
        sizes = [_index(each) for each in given]
    else:
        sizes = even(op.tensor.shape[axis], _index(given))
    return parts(net, op.name, op.tensor, axis, sizes)


def _softmax(net: Recorder, op: Operation) -> Value:
    return softmax(net, op.name, op.tensor, op.inputs[1])


def _stack(net: Recorder, op: Operation) -> Value:
    tensors = op.inputs[0]
    if not all(isinstance(each, Tensor) for each in tensors):
        raise UnsupportedError("of constants")
    return stacked(net, op.name, tensors, op.inputs[1])


def _select(net: Recorder, op: Operation) -> Value:
    axis, index = (_index(each) for each in op.inputs[1:3])
    return selected(net, op.name, op.tensor, axis, index)


def _unbind(net: Recorder, op: Operation) -> Sequence[Value]:
    x, axis = op.tensor, _index(op.inputs[1])
    return [selected(net, f"{op.name}_{index}", x, axis, index) for index in range(x.shape[axis])]


def _dropout(net: Recorder, op: Operation) -> Value:
    return net.dropout(op.name, op.tensor, op.inputs[1])


def _upsample(mode: str) -> Handler:
    def upsample(net: Recorder, op: Operation) -> Value:
        size, *rest = op.inputs[1:]
        corners = bool(rest.pop(0)) if mode == "bilinear" else False
        # One list of factors, or one for each axis.
        factors = rest[0] if isinstance(rest[0], list | tuple) else rest[:2]
        given = None if factors is None or None in factors else [float(each) for each in factors]
        keys = {"mode": mode, "align_corners": corners}
        wanted = None if given is not None or size is None else _pair(size)
        if wanted is not None:
            net.maybe_of_one_size()
        return net.upsample2d(op.name, op.tensor, size=wanted, scale=given, **keys)

    return upsample


_HANDLERS: dict[str, Handler] = {
    **FUNCTIONS,
    **dict.fromkeys(_OWN_PADS, _pad),
    "_native_batch_norm_legit_no_training": _batch_norm(6),
    "_softmax": _softmax,
    "_to_copy": _converted,
    "adaptive_avg_pool2d": _adaptive("avg"),
    "_adaptive_avg_pool2d": _adaptive("avg"),
    "adaptive_max_pool2d": _adaptive("max"),
    "add": _arithmetic("add"),
    "addmm": _addmm,
    "alias": identity,
    "amax": _reduce("max"),
    "avg_pool2d": _avg_pool,
    "batch_norm": _batch_norm(7, training=5),
    "cat": _cat,
    "chunk": _chunk,
    "channel_shuffle": _channel_shuffle,
    "clone": identity,
    "constant_pad_nd": _pad,
    "contiguous": identity,
    "conv2d": _conv,
    "convolution": _convolution,
    "detach": identity,
    "div": _arithmetic("div"),
    "dropout": _dropout,
    "feature_dropout": _dropout,
    "flatten": _flatten,
    "glu": _glu,
    "group_norm": _group_norm(1, 2, 4),
    "instance_norm": _instance_norm,
    "layer_norm": _layer_norm,
    "linear": _linear,
    "max_pool2d": _max_pool,
    "max_pool2d_with_indices": _max_pool,
    "maximum": _arithmetic("max"),
    "mean": _reduce("avg"),
    "minimum": _arithmetic("min"),
    "movedim": _movedim,
    "mT": _matrices_turned,
    "mul": _arithmetic("mul"),
    "narrow": _narrow,
    "native_group_norm": _group_norm(6, 1, 7),
    "native_layer_norm": _layer_norm,
    "neg": negative,
    "pad": _pad,
    "permute": _permute,
    "pixel_unshuffle": _pixel_unshuffle,
    "reshape": _view,
    "rsub": _arithmetic("sub", turned=True),
    "select": _select,
    "slice": _slice,
    "softmax": _softmax,
    "split": _split,
    "split_with_sizes": _split,
    "squeeze": _squeeze,
    "stack": _stack,
    "sub": _arithmetic("sub"),
    "sum": _reduce("sum"),
    "sym_size": _size,
    "to": _converted,
    "transpose": _transpose,
    "unbind": _unbind,
    "unsafe_chunk": _chunk,
    "unsafe_split": _split,
    "unsafe_split_with_sizes": _split,
    "unsqueeze": _unsqueeze,
    "upsample_bilinear2d": _upsample("bilinear"),
    "upsample_nearest2d": _upsample("nearest"),
    "view": _view,
}
# These give sizes, which may be those of a tensor.
SHAPING = frozenset({"aten.reshape", "aten.view"})
HANDLERS = {f"aten.{name}": handler for name, handler in _HANDLERS.items()}
