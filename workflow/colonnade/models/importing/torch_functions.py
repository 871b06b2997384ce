# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What functions of single elements, as torch.export writes them down, are in a network."""

from typing import Any

from colonnade.models.importing.arithmetic import clip, elu, gelu, power, scaled, unary
from colonnade.models.importing.reading import Handler, Operation
from colonnade.models.importing.recorder import Recorder
from colonnade.models.importing.values import Constant, UnsupportedError, Value
from colonnade.models.layers import HardSigmoid, LeakyRelu, Unary


def number(value: Any) -> float:
    """A number, or the only element of a constant.

    Raises:
        UnsupportedError: it is neither.
    """
    if isinstance(value, Constant):
        return value.number()
    if not isinstance(value, int | float):
        raise UnsupportedError("limits that are no numbers")
    return float(value)


def _clamp(net: Recorder, op: Operation) -> Value:
    low, high = (None if each is None else number(each) for each in (*op.inputs[1:], None)[:2])
    return clip(net, op.name, op.tensor, low, high)


def _hard_sigmoid(net: Recorder, op: Operation) -> Value:
    return net.add(HardSigmoid, op.name, op.tensor, alpha=1 / 6, beta=0.5)


def _elu(net: Recorder, op: Operation) -> Value:
    alpha, scale, within = (number(each) for each in op.inputs[1:4])
    return elu(net, op.name, op.tensor, alpha, scale, within)


def _celu(net: Recorder, op: Operation) -> Value:
    alpha = number(op.inputs[1])
    return elu(net, op.name, op.tensor, alpha, within=1 / alpha)


def _selu(net: Recorder, op: Operation) -> Value:
    # Both as torch has them.
    return elu(net, op.name, op.tensor, 1.6732632423543772, 1.0507009873554805)


def _gelu(net: Recorder, op: Operation) -> Value:
    return gelu(net, op, op.attributes["approximate"])


def _softplus(net: Recorder, op: Operation) -> Value:
    beta, threshold = (number(each) for each in op.inputs[1:3])
    # Above it torch returns x, which float32 does not tell from what is computed here.
    if beta <= 0 or threshold < 17:
        raise UnsupportedError(
            f"beta {beta}, threshold {threshold}; allowed: above 0, and 17 and more"
        )
    inner = scaled(net, f"{op.name}_inner", op.tensor, beta)
    return scaled(
        net, f"{op.name}_scaled", net.add(Unary, op.name, inner, function="softplus"), 1 / beta
    )


def _log_sigmoid(net: Recorder, op: Operation) -> Value:
    """The logarithm of sigmoid(x) is -softplus(-x)."""
    inner = scaled(net, f"{op.name}_inner", op.tensor, -1)
    made = net.add(Unary, op.name, inner, function="softplus")
    return scaled(net, f"{op.name}_negative", made, -1)


def _rrelu(net: Recorder, op: Operation) -> Value:
    low, high, training = op.inputs[1:4]
    if training:
        raise UnsupportedError("of training; needed: export behind .eval()")
    return net.add(LeakyRelu, op.name, op.tensor, slope=(number(low) + number(high)) / 2)


def _pow(net: Recorder, op: Operation) -> Value:
    return power(net, op.name, op.tensor, number(op.inputs[1]))


def _leaky_relu(net: Recorder, op: Operation) -> Value:
    return net.add(LeakyRelu, op.name, op.tensor, slope=number(op.inputs[1]))


def _prelu(net: Recorder, op: Operation) -> Value:
    return net.prelu(op.name, op.tensor, op.constant(1, "weight"))


FUNCTIONS: dict[str, Handler] = {
    "abs": unary("abs"),
    "celu": _celu,
    "clamp": _clamp,
    "clamp_max": lambda net, op: clip(net, op.name, op.tensor, None, number(op.inputs[1])),
    "clamp_min": lambda net, op: clip(net, op.name, op.tensor, number(op.inputs[1]), None),
    "elu": _elu,
    "erf": unary("erf"),
    "exp": unary("exp"),
    "gelu": _gelu,
    "hardsigmoid": _hard_sigmoid,
    "hardswish": unary("hard_swish"),
    "hardtanh": _clamp,
    "leaky_relu": _leaky_relu,
    "log_sigmoid": _log_sigmoid,
    "mish": unary("mish"),
    "pow": _pow,
    "prelu": _prelu,
    "relu": unary("relu"),
    "relu6": unary("relu6"),
    "rrelu": _rrelu,
    "selu": _selu,
    "sigmoid": unary("sigmoid"),
    "silu": unary("silu"),
    "softplus": _softplus,
    "square": lambda net, op: power(net, op.name, op.tensor, 2),
    "tanh": unary("tanh"),
}
"""By the name of the operation in `aten`."""
