# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Functions of every element by itself."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from colonnade.models.layers.node import Number, Size, UnaryNode
from colonnade.models.shapes import TensorShape, need_channels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

Function = Literal[
    "relu",
    "relu6",
    "hard_swish",
    "sigmoid",
    "silu",
    "tanh",
    "gelu",
    "gelu_tanh",
    "mish",
    "softplus",
    "erf",
    "exp",
    "abs",
]


class ElementNode(UnaryNode):
    """A function of every element: the shape stays."""

    op: Literal["unary"] = "unary"

    def shape(self, known: Mapping[str, TensorShape]) -> TensorShape:
        """That of its input."""
        return known[self.input]


class Unary(ElementNode):
    """A function without parameters, of torch's definition."""

    function: Function

    def module(self) -> "nn.Module":
        """The module of torch, or its operation where it has no module."""
        import torch
        from torch import nn

        from colonnade.models.torch_layers import Apply

        modules: dict[str, Callable[[], nn.Module]] = {
            "relu": nn.ReLU,
            "relu6": nn.ReLU6,
            "hard_swish": nn.Hardswish,
            "sigmoid": nn.Sigmoid,
            "silu": nn.SiLU,
            "tanh": nn.Tanh,
            "gelu": nn.GELU,
            "gelu_tanh": lambda: nn.GELU("tanh"),
            "mish": nn.Mish,
            "softplus": nn.Softplus,
            "erf": lambda: Apply(torch.erf),
            "exp": lambda: Apply(torch.exp),
            "abs": lambda: Apply(torch.abs),
        }
        return modules[self.function]()


class Clip(ElementNode):
    """At least `min` and at most `max`; null where there is no such limit."""

    function: Literal["clip"] = "clip"
    min: Number | None
    max: Number | None

    def check(self) -> None:
        """Make sure that there is a limit, and that an element fits between two."""
        if self.min is None and self.max is None:
            raise ValueError(f"{self.where}: min: null; allowed: a number where max is null")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"{self.where}: min: {self.min}; allowed: at most max, {self.max}")

    def module(self) -> "nn.Module":
        """The operation of torch."""
        from colonnade.models.torch_layers import Clamp

        return Clamp(self.min, self.max)


class HardSigmoid(ElementNode):
    """x * alpha + beta, from 0 to 1."""

    function: Literal["hard_sigmoid"] = "hard_sigmoid"
    alpha: Number
    beta: Number

    def module(self) -> "nn.Module":
        """The operation of torch."""
        from colonnade.models.torch_layers import HardLine

        return HardLine(self.alpha, self.beta)


class LeakyRelu(ElementNode):
    """x, or x * slope below 0."""

    function: Literal["leaky_relu"] = "leaky_relu"
    slope: Number

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        return nn.LeakyReLU(self.slope)


class Elu(ElementNode):
    """x, or (exp(x) - 1) * alpha below 0."""

    function: Literal["elu"] = "elu"
    alpha: Number

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        return nn.ELU(self.alpha)


class Prelu(ElementNode):
    """x, or below 0 x times the slope of its channel."""

    function: Literal["prelu"] = "prelu"
    channels: Size

    def shape(self, known: Mapping[str, TensorShape]) -> TensorShape:
        """That of its input."""
        return need_channels(self.where, self.input, known, self.channels)

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        return nn.PReLU(self.channels)

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Slope [C]."""
        return {"slope": (self.channels,)}

    def weights(self, model: "nn.Module") -> "dict[str, NDArray[np.float32]]":
        """The slopes as they are."""
        return {"slope": model.get_parameter(f"{self.name}.weight").detach().numpy()}
