# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Maximum over a window."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from colonnade.models.layers.node import Padding, Positive, UnaryNode, check_window, pair
from colonnade.models.shapes import MapShape, TensorShape, need_map, windowed

if TYPE_CHECKING:
    from torch import nn

WINDOW = ("kernel", "stride", "padding", "dilation", "ceil_mode")


class MaxPool2d(UnaryNode):
    """Maximum over a window; padding never wins."""

    op: Literal["max_pool2d"] = "max_pool2d"
    kernel: Positive
    stride: Positive
    padding: Padding
    dilation: Positive
    ceil_mode: bool

    def shape(self, known: Mapping[str, TensorShape]) -> MapShape:
        """[N, C, H', W']."""
        source = need_map(self.where, self.input, known, None)
        check_window(self.where, self.kernel, self.padding, self.dilation)
        window = {key: getattr(self, key) for key in WINDOW}
        return windowed(self.where, self.input, source, source.c, **window)

    def module(self) -> "nn.Module":
        """The module of torch, with a padding that may differ before and behind."""
        from colonnade.models.torch_layers import MaxPool

        return MaxPool(
            pair(self.kernel), pair(self.stride), self.padding, pair(self.dilation), self.ceil_mode
        )
