# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Sums, products and limits of tensors and constants."""

from collections.abc import Sequence

import numpy as np

from colonnade.models.importing.reading import Handler, Operation
from colonnade.models.importing.recorder import Recorder
from colonnade.models.importing.values import (
    OF_CONSTANTS,
    Constant,
    Tensor,
    UnsupportedError,
    Value,
    shown,
)
from colonnade.models.layers import Clip, Elu, Unary


def unary(function: str) -> Handler:
    """An operation that is a function of every element."""

    def handle(net: Recorder, op: Operation) -> Value:
        return net.add(Unary, op.name, op.tensor, function=function)

    return handle


def identity(_: Recorder, op: Operation) -> Value:
    """An operation that leaves its input as it is."""
    return op.tensor


def negative(net: Recorder, op: Operation) -> Value:
    """An operation that turns every number's sign."""
    return net.affine(op.name, op.tensor, np.array(-1.0), np.array(0.0))


def scaled(net: Recorder, name: str, x: Tensor, factor: float) -> Tensor:
    """The tensor times a number."""
    return x if factor == 1 else net.affine(name, x, np.array(factor), np.array(0.0))


def elu(
    net: Recorder, name: str, x: Tensor, alpha: float, scale: float = 1.0, within: float = 1.0
) -> Tensor:
    """x * scale, or (exp(x * within) - 1) * alpha * scale below 0: what ELU, CELU and SELU are."""
    if within <= 0:
        raise UnsupportedError(f"exponents {within} times as large; allowed: numbers above 0")
    inner = scaled(net, f"{name}_inner", x, within)
    made = net.add(Elu, name, inner, alpha=alpha * within)
    return scaled(net, f"{name}_scaled", made, scale / within)


def gelu(net: Recorder, op: Operation, approximate: str) -> Tensor:
    """GELU, by the error function or by its approximation."""
    functions = {"none": "gelu", "tanh": "gelu_tanh"}
    if approximate not in functions:
        raise UnsupportedError(f"approximate {approximate!r}; allowed: 'none', 'tanh'")
    return net.add(Unary, op.name, op.tensor, function=functions[approximate])


def power(net: Recorder, name: str, x: Tensor, exponent: float) -> Tensor:
    """A power that is a product of two or three factors."""
    if exponent not in (1, 2, 3):
        raise UnsupportedError(f"exponent {exponent}; allowed: 1, 2, 3")
    made = x
    for index in range(1, int(exponent)):
        made = net.two(name if index == 1 else f"{name}_{index}", "mul", made, x)
    return made


def combine(net: Recorder, name: str, function: str, values: Sequence[Value]) -> Tensor:
    """One of add, sub, mul, div, max and min of two or more values, of which one is a tensor at least."""
    first, *others = values
    for index, other in enumerate(others):
        own = name if index == 0 else f"{name}_{index + 1}"
        first = _two(net, own, function, first, other)
    assert isinstance(first, Tensor)
    return first


def _two(net: Recorder, name: str, function: str, first: Value, second: Value) -> Tensor:
    if function == "div" and isinstance(second, Tensor):
        raise UnsupportedError("by a tensor; allowed: by a constant")
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return net.two(name, function, first, second)
    if isinstance(first, Tensor) and isinstance(second, Constant):
        return _with_constant(net, name, function, first, second)
    if isinstance(first, Constant) and isinstance(second, Tensor):
        if function == "sub":
            negative = net.affine(f"{name}_negative", second, np.array(-1.0), np.array(0.0))
            return _with_constant(net, name, "add", negative, first)
        return _with_constant(net, name, function, second, first)
    raise UnsupportedError(OF_CONSTANTS)


def _with_constant(
    net: Recorder, name: str, function: str, x: Tensor, constant: Constant
) -> Tensor:
    values = constant.floats().astype(np.float64)
    behind = net.channels_first(x) if _is_behind(x, constant) else None
    if behind is not None:
        plain, back = behind
        for_channels = values.reshape(-1, *[1] * (len(plain.shape) - 2))
        own = Constant(for_channels, constant.name)
        return back(_with_constant(net, name, function, plain, own))
    check_per_channel(x, constant)
    one, zero = np.array(1.0), np.array(0.0)
    if function in ("max", "min"):
        if values.size != 1:
            raise UnsupportedError(f"{shown(constant)}; allowed: a single number")
        limits = {"min": None, "max": None, {"max": "min", "min": "max"}[function]: values.item()}
        return net.add(Clip, name, x, **limits)
    if function == "div":
        if not values.all():
            raise UnsupportedError(f"by {shown(constant)}, which has zeros")
        values, function = 1 / values, "mul"
    scale, shift = {
        "mul": (values, zero),
        "add": (one, values),
        "sub": (one, -values),
    }[function]
    if (scale == 1).all() and (shift == 0).all():
        return x
    return net.affine(name, x, scale, shift)


def _is_behind(x: Tensor, constant: Constant) -> bool:
    """Whether a constant has a number for each element of the last axis of more than two."""
    sizes = np.shape(constant.values)
    return len(x.shape) > 2 and constant.values.size > 1 and sizes[-1] == constant.values.size


def check_per_channel(x: Tensor, constant: Constant) -> None:
    """Make sure that a constant is one number, or one for each channel.

    Raises:
        UnsupportedError: it is not.
    """
    values = constant.values
    if values.size == 1 and values.ndim <= len(x.shape):
        return
    sizes = (*[1] * (len(x.shape) - values.ndim), *values.shape)
    if len(sizes) != len(x.shape) or sizes != tuple(
        size if axis == 1 else 1 for axis, size in enumerate(x.shape)
    ):
        raise UnsupportedError(
            f"{shown(x)} and {shown(constant)}; allowed: a number, or one for each channel"
        )


def clip(net: Recorder, name: str, x: Tensor, low: float | None, high: float | None) -> Tensor:
    """A limit below and above; what is beyond every number of float32 is none."""
    most = float(np.finfo(np.float32).max)
    if low is not None and high is not None:
        # The limit above counts last, in ONNX as in torch.
        low = min(low, high)
    limits = [None if each is None or abs(each) >= most else each for each in (low, high)]
    if limits == [None, None]:
        return x
    return net.add(Clip, name, x, min=limits[0], max=limits[1])
