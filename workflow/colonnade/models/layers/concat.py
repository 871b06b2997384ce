# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tensors put together, channel after channel."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from colonnade.models.layers.node import Name, Node
from colonnade.models.shapes import MAX_SIZE, TensorShape, same_plane, with_channels

if TYPE_CHECKING:
    from torch import nn

MAX_INPUTS = 4096


class Concat(Node):
    """The channels of all inputs, one input after the other."""

    op: Literal["concat"] = "concat"
    inputs: Annotated[list[Name], Field(min_length=2, max_length=MAX_INPUTS)]

    @property
    def sources(self) -> tuple[str, ...]:
        """All inputs."""
        return tuple(self.inputs)

    @property
    def in_order(self) -> tuple[str, ...]:
        """None: the channels of all inputs but the first have other places."""
        return ()

    def shape(self, known: Mapping[str, TensorShape]) -> TensorShape:
        """That of the first input, with the channels of all."""
        first, *others = (known[name] for name in self.inputs)
        for name, other in zip(self.inputs[1:], others, strict=True):
            if not same_plane(first, other):
                raise ValueError(
                    f"{self.where}: its inputs {self.inputs[0]!r} and {name!r} are {first} and"
                    f" {other}; needed: maps of one height and width, or features"
                )
        counts = [shape.c for shape in (first, *others) if shape.c is not None]
        channels = sum(counts) if len(counts) == len(self.inputs) else None
        if channels is not None and channels > MAX_SIZE:
            raise ValueError(
                f"{self.where}: its output has {channels} channels; allowed: at most {MAX_SIZE}"
            )
        return with_channels(first, channels)

    def module(self) -> "nn.Module":
        """The operation of torch."""
        from colonnade.models.torch_layers import Join

        return Join()
