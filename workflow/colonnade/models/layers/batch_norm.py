# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Batch normalisation, which a package has as a part of the convolution before it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from colonnade.models.layers.node import Size, UnaryNode
from colonnade.models.shapes import MapShape, TensorShape, need_map

if TYPE_CHECKING:
    from torch import nn


class BatchNorm(UnaryNode):
    """Scale and shift of every channel, by its mean and variance."""

    is_packaged: ClassVar[bool] = False

    op: Literal["batch_norm"] = "batch_norm"
    channels: Size

    def shape(self, known: Mapping[str, TensorShape]) -> MapShape:
        """That of its input."""
        return need_map(self.where, self.input, known, self.channels)

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        return nn.BatchNorm2d(self.channels)
