# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A plane with a border."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from colonnade.models.layers.node import Number, Padding, UnaryNode
from colonnade.models.shapes import MapShape, TensorShape, need_map, sized

if TYPE_CHECKING:
    from torch import nn


class Pad(UnaryNode):
    """Rows and columns of one value around every plane."""

    op: Literal["pad"] = "pad"
    padding: Padding
    value: Number

    def shape(self, known: Mapping[str, TensorShape]) -> MapShape:
        """[N, C, H + top + bottom, W + left + right]."""
        source = need_map(self.where, self.input, known, None)
        if source.h is None or source.w is None:
            return source
        top, left, bottom, right = self.padding
        return sized(self.where, source, source.c, source.h + top + bottom, source.w + left + right)

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        top, left, bottom, right = self.padding
        return nn.ConstantPad2d((left, right, top, bottom), self.value)
