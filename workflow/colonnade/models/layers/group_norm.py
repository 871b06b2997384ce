# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Normalisation by the mean and the variance of what it reads: group, instance and layer norm."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from colonnade.models.layers.node import Number, Size, UnaryNode
from colonnade.models.shapes import TensorShape, need_channels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn


class GroupNorm(UnaryNode):
    """(x - mean) / sqrt(variance + eps) * weight + bias, of every image and group of channels.

    Mean and biased variance are those of a group's whole planes, or, with `per_pixel` and one group, of
    the channels at every pixel, which is the layer norm of ConvNeXt. Groups of one channel make an
    instance norm. Of features there is one pixel.
    """

    op: Literal["group_norm"] = "group_norm"
    channels: Size
    groups: Size
    per_pixel: bool
    # What is divided by is then a normal number of f32.
    eps: Annotated[Number, Field(ge=2.0**-126)]

    @property
    def in_order(self) -> tuple[str, ...]:
        """None: a channel depends on those of its group."""
        return ()

    def check(self) -> None:
        """Make sure that groups have as many channels each, and are one per pixel.

        Raises:
            ValueError: they have not, or are not.
        """
        if self.per_pixel and self.groups != 1:
            raise ValueError(f"{self.where}: groups: {self.groups}; allowed: 1 per pixel")
        if self.channels % self.groups:
            raise ValueError(
                f"{self.where}: groups: {self.groups}; allowed: what divides channels, {self.channels}"
            )

    def shape(self, known: Mapping[str, TensorShape]) -> TensorShape:
        """That of its input."""
        return need_channels(self.where, self.input, known, self.channels)

    def module(self) -> "nn.Module":
        """The module of torch, or one of the same parameters for single pixels."""
        from torch import nn

        from colonnade.models.torch_layers import PixelNorm

        if self.per_pixel:
            return PixelNorm(self.channels, self.eps)
        return nn.GroupNorm(self.groups, self.channels, self.eps)

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Weight [C] and bias [C]."""
        return {"weight": (self.channels,), "bias": (self.channels,)}

    def weights(self, model: "nn.Module") -> "dict[str, NDArray[np.float32]]":
        """Weight and bias as they are."""
        return {
            key: model.get_parameter(f"{self.name}.{key}").detach().numpy()
            for key in self.weight_shapes()
        }
