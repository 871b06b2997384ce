# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Sum of two maps."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from colonnade.models.layers.node import PAIR, Activation, Name, Node
from colonnade.models.shapes import MapShape, TensorShape, need_map

if TYPE_CHECKING:
    from torch import nn


class Add(Node):
    """Element-wise sum of two maps of one shape."""

    op: Literal["add"] = "add"
    inputs: Annotated[list[Name], PAIR]
    activation: Activation

    @property
    def sources(self) -> tuple[str, ...]:
        """Its two inputs."""
        return tuple(self.inputs)

    def shape(self, known: Mapping[str, TensorShape]) -> MapShape:
        """That of either input."""
        source = need_map(self.where, self.inputs[0], known, None)
        other = need_map(self.where, self.inputs[1], known, source.c)
        if other != source:
            raise ValueError(
                f"{self.where}: its inputs are {source} and {other}; needed: two of one shape"
            )
        return source

    def module(self) -> "nn.Module":
        """The sum alone: the activation is a node of its own in a network."""
        from colonnade.models.torch_layers import Sum

        return Sum()
