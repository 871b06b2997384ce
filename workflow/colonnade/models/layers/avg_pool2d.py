# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Mean over a window."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from colonnade.models.layers.node import Padding, Positive, UnaryNode, check_window, pair
from colonnade.models.shapes import MapShape, TensorShape, need_map, windowed

if TYPE_CHECKING:
    from torch import nn


class AvgPool2d(UnaryNode):
    """Mean over a window, of the elements in it, and of its padding with `count_include_pad`.

    What a window reaches beyond the padding, by `ceil_mode`, is never counted.
    """

    op: Literal["avg_pool2d"] = "avg_pool2d"
    kernel: Positive
    stride: Positive
    padding: Padding
    ceil_mode: bool
    count_include_pad: bool

    def shape(self, known: Mapping[str, TensorShape]) -> MapShape:
        """[N, C, H', W']."""
        source = need_map(self.where, self.input, known, None)
        check_window(self.where, self.kernel, self.padding, [1, 1])
        window = {key: getattr(self, key) for key in ("kernel", "stride", "padding", "ceil_mode")}
        return windowed(self.where, self.input, source, source.c, **window)

    def module(self) -> "nn.Module":
        """The module of torch, with a padding that may differ before and behind."""
        from colonnade.models.torch_layers import AvgPool

        return AvgPool(
            pair(self.kernel),
            pair(self.stride),
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )
