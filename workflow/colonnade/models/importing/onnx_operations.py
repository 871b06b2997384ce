# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the operations of ONNX are in a network, from opset 7 on."""

import math
from collections.abc import Sequence

import numpy as np

from colonnade.models.importing.arithmetic import combine, identity, negative
from colonnade.models.importing.grouping import reduced, selected, softmax
from colonnade.models.importing.normalizing import instance_norm, layer_norm
from colonnade.models.importing.onnx_functions import FUNCTIONS
from colonnade.models.importing.onnx_resize import resize
from colonnade.models.importing.reading import Handler, Operation
from colonnade.models.importing.recorder import Recorder
from colonnade.models.importing.slicing import even, part, parts, space_to_depth, with_border
from colonnade.models.importing.values import Constant, UnsupportedError, Value, counted
from colonnade.models.layers.pad import PadMode
from colonnade.models.shapes import reach


def _window(net: Recorder, op: Operation, kernel: Sequence[int]) -> dict[str, list[int]]:
    """Kernel, stride, dilation and padding; padding that is found from the size is worked out.

    Raises:
        OpenSizeError: padding that is another for other sizes, which the source leaves open.
    """
    x, given = op.tensor, op.attributes
    if len(x.shape) != 4 or len(kernel) != 2:
        raise UnsupportedError(f"{len(x.shape)} dimensions; allowed: [N, C, H, W]")
    stride = list(given.get("strides", [1, 1]))
    dilation = list(given.get("dilations", [1, 1]))
    auto = given.get("auto_pad", "NOTSET")
    padding = list(given.get("pads", [0, 0, 0, 0]))
    if auto == "VALID":
        padding = [0, 0, 0, 0]
    elif auto in ("SAME_UPPER", "SAME_LOWER"):
        for axis in range(2):
            size, step = x.shape[2 + axis], stride[axis]
            width = reach(kernel[axis], dilation[axis])
            missing = _missing(size, step, width)
            # What is missing depends on the rest of a division by the stride alone.
            if any(_missing(other, step, width) != missing for other in range(step, 2 * step)):
                net.of_one_size(f"auto_pad {auto!r} with stride {step} follows")
            small, large = missing // 2, missing - missing // 2
            upper = auto == "SAME_UPPER"
            padding[axis], padding[axis + 2] = (small, large) if upper else (large, small)
    elif auto != "NOTSET":
        raise UnsupportedError(f"auto_pad {auto!r}")
    return {"kernel": list(kernel), "stride": stride, "padding": padding, "dilation": dilation}


def _missing(size: int, stride: int, width: int) -> int:
    """Rows or columns of padding with which a window is at every stride's first element."""
    return max(0, (math.ceil(size / stride) - 1) * stride + width - size)


def _conv(net: Recorder, op: Operation) -> Value:
    weight = op.constant(1, "weight")
    kernel = weight.values.shape[2:]
    stated = op.attributes.get("kernel_shape", kernel)
    if list(stated) != list(kernel):
        raise UnsupportedError(f"kernel_shape {list(stated)}; the weight has {list(kernel)}")
    window = _window(net, op, kernel)
    del window["kernel"]
    bias = op.optional(2, "bias")
    groups = op.attributes.get("group", 1)
    return net.conv2d(op.name, op.tensor, weight, bias, groups=groups, **window)


def _max_pool(net: Recorder, op: Operation) -> Value:
    if op.attributes.get("storage_order", 0):
        raise UnsupportedError("storage_order 1")
    window = _window(net, op, op.attributes["kernel_shape"])
    ceil_mode = bool(op.attributes.get("ceil_mode", 0))
    return net.max_pool2d(op.name, op.tensor, ceil_mode=ceil_mode, **window)


def _average_pool(net: Recorder, op: Operation) -> Value:
    window = _window(net, op, op.attributes["kernel_shape"])
    if window.pop("dilation") != [1, 1]:
        raise UnsupportedError("dilations; allowed: 1")
    modes = {key: bool(op.attributes.get(key, 0)) for key in ("ceil_mode", "count_include_pad")}
    return net.avg_pool2d(op.name, op.tensor, **modes, **window)


def _global_pool(function: str) -> Handler:
    def pool(net: Recorder, op: Operation) -> Value:
        return net.reduced(op.name, op.tensor, (2, 3), keep=True, function=function)

    return pool


def _reduce(function: str) -> Handler:
    def reduce(net: Recorder, op: Operation) -> Value:
        axes = _axes(op)
        if axes is None:
            raise UnsupportedError("over all axes; allowed: whole planes")
        keep = bool(op.attributes.get("keepdims", 1))
        return reduced(net, op.name, op.tensor, axes, keep=keep, function=function)

    return reduce


def _gemm(net: Recorder, op: Operation) -> Value:
    if op.attributes.get("transA", 0):
        raise UnsupportedError("transA 1; allowed: 0")
    weight = op.constant(1, "B")
    values = weight.floats() * op.attributes.get("alpha", 1.0)
    if values.ndim != 2:
        raise UnsupportedError(f"B {list(values.shape)}; needed: two dimensions")
    values = values if op.attributes.get("transB", 0) else values.T
    added = _bias(op.optional(2, "C"), len(values), op)
    return net.linear(op.name, op.tensor, Constant(values, weight.name), added)


def _bias(bias: Constant | None, size: int, op: Operation) -> Constant | None:
    if bias is None:
        return None
    values = bias.floats() * op.attributes.get("beta", 1.0)
    if values.size == 1:
        values = values.ravel().repeat(size)
    if values.size != size or values.shape[-1] != size:
        raise UnsupportedError(f"C {list(values.shape)}; allowed: one number for each column")
    return Constant(values.ravel(), bias.name)


def _matmul(net: Recorder, op: Operation) -> Value:
    weight = op.constant(1, "the right operand")
    values = weight.floats()
    if values.ndim != 2:
        raise UnsupportedError(f"of {values.ndim} dimensions; allowed: [C, O]")
    return net.linear_behind(op.name, op.tensor, Constant(values.T, weight.name), None)


def _batch_norm(net: Recorder, op: Operation) -> Value:
    if op.attributes.get("training_mode", 0) or not op.attributes.get("spatial", 1):
        raise UnsupportedError("training_mode 1 (export behind .eval()) or spatial 0")
    names = ("weight", "bias", "running_mean", "running_var")
    parts = {key: op.constant(index, key) for index, key in enumerate(names, start=1)}
    return net.batch_norm(op.name, op.tensor, parts, op.attributes.get("epsilon", 1e-5))


def _norm_weights(op: Operation) -> tuple[Constant, Constant | None]:
    return op.constant(1, "scale"), op.optional(2, "bias")


def _layer_norm(net: Recorder, op: Operation) -> Value:
    axis, rank = op.attributes.get("axis", -1), len(op.tensor.shape)
    eps = op.attributes.get("epsilon", 1e-5)
    return layer_norm(net, op.name, op.tensor, rank - counted(axis, rank), *_norm_weights(op), eps)


def _instance_norm(net: Recorder, op: Operation) -> Value:
    eps = op.attributes.get("epsilon", 1e-5)
    return instance_norm(net, op.name, op.tensor, *_norm_weights(op), eps)


def _group_norm(net: Recorder, op: Operation) -> Value:
    groups, eps = op.attributes["num_groups"], op.attributes.get("epsilon", 1e-5)
    return net.group_norm(op.name, op.tensor, groups, *_norm_weights(op), eps=eps)


def _softmax(net: Recorder, op: Operation) -> Value:
    axis = op.attributes.get("axis", 1 if op.opset < 13 else -1)
    x = op.tensor
    if op.opset < 13 and axis == 1:
        # All sizes behind the axis are one.
        flat = net.reshape(x, (x.shape[0], math.prod(x.shape[1:])))
        return net.reshape(net.softmax(op.name, flat, 1), x.shape)
    return softmax(net, op.name, x, axis)


def _arithmetic(function: str) -> Handler:
    def arithmetic(net: Recorder, op: Operation) -> Value:
        if len(op.inputs) == 1:
            return op.tensor
        return combine(net, op.name, function, op.inputs)

    return arithmetic


def _concat(net: Recorder, op: Operation) -> Value:
    parts = [op.tensor_at(index) for index in range(len(op.inputs))]
    return net.concat(op.name, parts, op.attributes["axis"])


PAD_MODES: dict[str, PadMode] = {
    "constant": "constant",
    "reflect": "reflect",
    "edge": "replicate",
    "wrap": "circular",
}
"""ONNX's words for the modes of a border, and the nodes'."""


def _pad(net: Recorder, op: Operation) -> Value:
    mode = op.attributes.get("mode", "constant")
    if mode not in PAD_MODES:
        allowed = ", ".join(map(repr, PAD_MODES))
        raise UnsupportedError(f"mode {mode!r}; allowed: {allowed}")
    size = len(op.tensor.shape)
    pads = op.attributes.get("pads")
    pads = op.constant(1, "pads").whole() if pads is None else list(pads)
    value = op.attributes.get("value", 0.0)
    given = op.optional(2, "value")
    value = value if given is None else float(given.values.item())
    axes = op.optional(3, "axes")
    padded = size if axes is None else axes.values.size
    if len(pads) != 2 * padded:
        raise UnsupportedError(f"pads {pads}; needed: {2 * padded}, two for each axis")
    if axes is not None:
        places = [counted(axis, size) for axis in axes.whole()]
        whole = [0] * (2 * size)
        for index, axis in enumerate(places):
            whole[axis], whole[axis + size] = pads[index], pads[index + len(places)]
        pads = whole
    planes = (2, 3, 6, 7)
    if size != 4 or any(pads[index] for index in range(8) if index not in planes):
        raise UnsupportedError(f"pads {pads}; allowed: of height and width")
    around = [pads[index] for index in planes]
    return with_border(net, op.name, op.tensor, around, value, PAD_MODES[mode])


def _flatten(net: Recorder, op: Operation) -> Value:
    x, axis = op.tensor, op.attributes.get("axis", 1)
    # Behind the last one there is a place too.
    axis = counted(axis, len(x.shape) + (axis >= 0))
    return net.reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


def _reshape(net: Recorder, op: Operation) -> Value:
    x, wanted = op.tensor, op.constant(1, "shape").whole()
    copies = not op.attributes.get("allowzero", 0)
    sizes = [x.shape[index] if size == 0 and copies else size for index, size in enumerate(wanted)]
    if sizes.count(-1) == 1:
        known = -math.prod(sizes)
        sizes[sizes.index(-1)] = math.prod(x.shape) // known if known else -1
    return net.reshape(x, sizes)


def _axes(op: Operation) -> list[int] | None:
    axes = op.attributes.get("axes")
    if axes is not None:
        return list(axes)
    given = op.optional(1, "axes")
    return None if given is None else given.whole()


def _squeeze(net: Recorder, op: Operation) -> Value:
    x, axes = op.tensor, _axes(op)
    size = len(x.shape)
    gone = (
        {axis for axis, s in enumerate(x.shape) if s == 1}
        if axes is None
        else {counted(axis, size) for axis in axes}
    )
    if any(x.shape[axis] != 1 for axis in gone):
        raise UnsupportedError(f"axes {axes} of {list(x.shape)}")
    return net.reshape(x, [s for axis, s in enumerate(x.shape) if axis not in gone])


def _unsqueeze(net: Recorder, op: Operation) -> Value:
    x, axes = op.tensor, _axes(op) or []
    size = len(x.shape) + len(axes)
    added = {counted(axis, size) for axis in axes}
    sizes = iter(x.shape)
    return net.reshape(x, [1 if axis in added else next(sizes) for axis in range(size)])


def _slice(net: Recorder, op: Operation) -> Value:
    x, starts, ends = op.tensor, _given(op, 1, "starts") or [], _given(op, 2, "ends") or []
    axes = _given(op, 3, "axes") or range(len(starts))
    steps = _given(op, 4, "steps") or [1] * len(starts)
    for axis, begin, end, step in zip(axes, starts, ends, steps, strict=True):
        x = part(net, op.name, x, axis, begin, end, step)
    return x


def _given(op: Operation, index: int, key: str) -> list[int] | None:
    """Whole numbers that are an attribute in old opsets, an input in new ones."""
    constant = op.optional(index, key)
    return op.attributes.get(key) if constant is None else constant.whole()


def _gather(net: Recorder, op: Operation) -> Value:
    axis, indices = op.attributes.get("axis", 0), op.constant(1, "indices")
    if np.ndim(indices.values) != 0:
        raise UnsupportedError(f"indices {list(np.shape(indices.values))}; allowed: a single one")
    if np.asarray(indices.values).dtype.kind not in "iu":
        raise UnsupportedError(f"indices {indices.name!r} are no whole numbers")
    return selected(net, op.name, op.tensor, axis, *indices.whole())


def _split(net: Recorder, op: Operation) -> Sequence[Value]:
    x, axis = op.tensor, op.attributes.get("axis", 0)
    sizes = _given(op, 1, "split")
    if sizes is None:
        count = op.attributes.get("num_outputs", len(op.outputs))
        sizes = even(x.shape[axis], -(-x.shape[axis] // count))
    if len(sizes) != len(op.outputs):
        raise UnsupportedError(f"{x.shape[axis]} in {len(op.outputs)} parts {sizes}")
    return parts(net, op.name, x, axis, sizes)


def _transpose(net: Recorder, op: Operation) -> Value:
    x = op.tensor
    return net.transpose(x, op.attributes.get("perm", range(len(x.shape))[::-1]))


def _space_to_depth(net: Recorder, op: Operation) -> Value:
    mode = op.attributes.get("mode", "DCR")
    if mode not in ("DCR", "CRD"):
        raise UnsupportedError(f"mode {mode!r}; allowed: 'DCR', 'CRD'")
    factor = op.attributes["blocksize"]
    return space_to_depth(net, op.tensor, factor, channels_first=mode == "CRD")


def _lrn(net: Recorder, op: Operation) -> Value:
    size = op.attributes["size"]
    if size % 2 == 0:
        raise UnsupportedError(f"size {size}; allowed: odd ones")
    keys = {
        "alpha": op.attributes.get("alpha", 1e-4),
        "beta": op.attributes.get("beta", 0.75),
        "k": op.attributes.get("bias", 1.0),
    }
    return net.local_response_norm(op.name, op.tensor, size=size, **keys)


def _dropout(net: Recorder, op: Operation) -> Value:
    training = op.optional(2, "training_mode")
    if training is not None and bool(training.values):
        raise UnsupportedError("training_mode true")
    ratio = op.optional(1, "ratio")
    p = op.attributes.get("ratio", 0.5) if ratio is None else float(ratio.values)
    return net.dropout(op.name, op.tensor, p)


def _cast(_: Recorder, op: Operation) -> Value:
    # FLOAT, FLOAT16, DOUBLE and BFLOAT16.
    if op.attributes["to"] not in (1, 10, 11, 16):
        raise UnsupportedError("to another type than a floating-point one")
    return op.tensor


def _shape(_: Recorder, op: Operation) -> Value:
    taken = slice(op.attributes.get("start", 0), op.attributes.get("end"))
    sizes = op.tensor.shape[taken]
    # Channels are as many in images of any size.
    sized = list(range(len(op.tensor.shape))[taken]) != [1]
    return Constant(np.array(sizes, np.int64), op.outputs[0], sized)


# These give sizes, which may follow from those of images.
SHAPING = frozenset({"Reshape", "Resize", "Upsample"})
HANDLERS: dict[str, Handler] = {
    **FUNCTIONS,
    "Add": _arithmetic("add"),
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Concat": _concat,
    "Conv": _conv,
    "Div": _arithmetic("div"),
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_pool("avg"),
    "GlobalMaxPool": _global_pool("max"),
    "GroupNormalization": _group_norm,
    "Identity": identity,
    "InstanceNormalization": _instance_norm,
    "LRN": _lrn,
    "LayerNormalization": _layer_norm,
    "MatMul": _matmul,
    "Max": _arithmetic("max"),
    "MaxPool": _max_pool,
    "Min": _arithmetic("min"),
    "Mul": _arithmetic("mul"),
    "Neg": negative,
    "Pad": _pad,
    "ReduceMax": _reduce("max"),
    "ReduceMean": _reduce("avg"),
    "ReduceSum": _reduce("sum"),
    "Reshape": _reshape,
    "Resize": resize,
    "Shape": _shape,
    "Slice": _slice,
    "Softmax": _softmax,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Squeeze": _squeeze,
    "Sub": _arithmetic("sub"),
    "Sum": _arithmetic("add"),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Upsample": resize,
}
