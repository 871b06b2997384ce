# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Maximum over a window."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from colonnade.models.layers.node import Padding, Positive, UnaryNode, pair
from colonnade.models.shapes import MapShape, TensorShape, need_map, windowed

if TYPE_CHECKING:
    from torch import nn


class MaxPool2d(UnaryNode):
    """Maximum over a window; padding never wins."""

    op: Literal["max_pool2d"] = "max_pool2d"
    kernel: Positive
    stride: Positive
    padding: Padding

    def shape(self, known: Mapping[str, TensorShape]) -> MapShape:
        """[N, C, H', W']."""
        source = need_map(self.where, self.input, known, None)
        if any(p >= k for p, k in zip(self.padding, self.kernel, strict=True)):
            raise ValueError(
                f"{self.where}: padding: {self.padding}; allowed: less than the kernel {self.kernel}"
            )
        window = {key: getattr(self, key) for key in ("kernel", "stride", "padding")}
        return windowed(self.where, self.input, source, source.c, **window)

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        return nn.MaxPool2d(pair(self.kernel), pair(self.stride), pair(self.padding))
