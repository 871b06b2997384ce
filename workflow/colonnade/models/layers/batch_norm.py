# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Batch normalisation, which a package has as a part of a convolution, or as an affine node."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from colonnade.models.layers.node import Size, UnaryNode
from colonnade.models.shapes import TensorShape, need_channels

if TYPE_CHECKING:
    from torch import nn

EPS = 1e-5
"""What torch adds to a variance if nothing else is said."""


class BatchNorm(UnaryNode):
    """Scale and shift of every channel, by its mean and variance."""

    is_packaged: ClassVar[bool] = False

    op: Literal["batch_norm"] = "batch_norm"
    channels: Size
    eps: Annotated[float, Field(ge=0, le=1)] = EPS

    def shape(self, known: Mapping[str, TensorShape]) -> TensorShape:
        """That of its input."""
        return need_channels(self.where, self.input, known, self.channels)

    def module(self) -> "nn.Module":
        """The module of torch."""
        from colonnade.models.torch_layers import ChannelNorm

        return ChannelNorm(self.channels, eps=self.eps)
