# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Operations on two tensors, element by element."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from colonnade.models.layers.node import PAIR, Activation, Name, Node
from colonnade.models.shapes import FeatureShape, TensorShape

if TYPE_CHECKING:
    from torch import nn

Function = Literal["add", "sub", "mul", "max", "min"]


class Binary(Node):
    """An operation on two tensors of one shape, or a map and one number for each of its planes.

    These numbers are features [N, C] or a map [N, C, 1, 1]. The activation is applied to the result.
    """

    op: Literal["binary"] = "binary"
    inputs: Annotated[list[Name], PAIR]
    function: Function
    activation: Activation

    @property
    def sources(self) -> tuple[str, ...]:
        """Its two inputs."""
        return tuple(self.inputs)

    def shape(self, known: Mapping[str, TensorShape]) -> TensorShape:
        """That of its inputs, or of the map of both."""
        first, second = (known[name] for name in self.inputs)
        if _is_like(first, second) or _holds_planes_of(first, second):
            return first
        if _holds_planes_of(second, first):
            return second
        raise ValueError(
            f"{self.where}: its inputs are {first} and {second}; needed: two of one shape, or a map"
            " and features of as many channels"
        )

    def module(self) -> "nn.Module":
        """The operation alone: the activation is a node of its own in a network."""
        from colonnade.models.torch_layers import ElementWise

        return ElementWise(self.function)


def _is_like(one: TensorShape, other: TensorShape) -> bool:
    """Whether two shapes are equal, as far as they are known."""
    if isinstance(one, FeatureShape) and isinstance(other, FeatureShape):
        return one.n == other.n and (one.c is None or other.c in (None, one.c))
    return one == other


def _holds_planes_of(one: TensorShape, other: TensorShape) -> bool:
    """Whether `other` has one number for each plane of the map `one`."""
    if isinstance(one, FeatureShape) or one.n != other.n or other.c not in (None, one.c):
        return False
    return isinstance(other, FeatureShape) or other.h == other.w == 1
