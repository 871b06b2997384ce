# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What functions of single elements in ONNX are in a network."""

from colonnade.models.importing.arithmetic import check_per_channel, clip, elu, gelu, power, unary
from colonnade.models.importing.reading import Handler, Operation
from colonnade.models.importing.recorder import Recorder
from colonnade.models.importing.values import UnsupportedError, Value
from colonnade.models.layers import HardSigmoid, LeakyRelu, Unary


def _swish(net: Recorder, op: Operation) -> Value:
    if op.attributes.get("alpha", 1.0) != 1:
        raise UnsupportedError("alpha other than 1")
    return net.add(Unary, op.name, op.tensor, function="silu")


def _elu(net: Recorder, op: Operation) -> Value:
    return elu(net, op.name, op.tensor, op.attributes.get("alpha", 1.0))


def _celu(net: Recorder, op: Operation) -> Value:
    alpha = op.attributes.get("alpha", 1.0)
    return elu(net, op.name, op.tensor, alpha, within=1 / alpha)


def _selu(net: Recorder, op: Operation) -> Value:
    alpha, gamma = op.attributes.get("alpha", 1.6732632), op.attributes.get("gamma", 1.050701)
    return elu(net, op.name, op.tensor, alpha, gamma)


def _gelu(net: Recorder, op: Operation) -> Value:
    return gelu(net, op, op.attributes.get("approximate", "none"))


def _pow(net: Recorder, op: Operation) -> Value:
    return power(net, op.name, op.tensor, op.constant(1, "exponent").number())


def _clip(net: Recorder, op: Operation) -> Value:
    limits: list[float | None] = []
    for index, key in enumerate(("min", "max"), start=1):
        given = op.optional(index, key)
        value = op.attributes.get(key) if given is None else float(given.values.item())
        limits.append(value)
    return clip(net, op.name, op.tensor, limits[0], limits[1])


def _hard_sigmoid(net: Recorder, op: Operation) -> Value:
    keys = {"alpha": op.attributes.get("alpha", 0.2), "beta": op.attributes.get("beta", 0.5)}
    return net.add(HardSigmoid, op.name, op.tensor, **keys)


def _leaky_relu(net: Recorder, op: Operation) -> Value:
    return net.add(LeakyRelu, op.name, op.tensor, slope=op.attributes.get("alpha", 0.01))


def _prelu(net: Recorder, op: Operation) -> Value:
    slope = op.constant(1, "slope")
    check_per_channel(op.tensor, slope)
    return net.prelu(op.name, op.tensor, slope)


FUNCTIONS: dict[str, Handler] = {
    "Abs": unary("abs"),
    "Celu": _celu,
    "Clip": _clip,
    "Elu": _elu,
    "Erf": unary("erf"),
    "Exp": unary("exp"),
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": unary("hard_swish"),
    "LeakyRelu": _leaky_relu,
    "Mish": unary("mish"),
    "PRelu": _prelu,
    "Pow": _pow,
    "Relu": unary("relu"),
    "Selu": _selu,
    "Sigmoid": unary("sigmoid"),
    "Softplus": unary("softplus"),
    "Swish": _swish,
    "Tanh": unary("tanh"),
}
"""By the name of the operation."""
