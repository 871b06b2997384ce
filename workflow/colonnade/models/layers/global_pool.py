# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""One number for every channel's plane."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from colonnade.models.layers.node import UnaryNode
from colonnade.models.shapes import FeatureShape, TensorShape, need_map

if TYPE_CHECKING:
    from torch import nn


class GlobalPool(UnaryNode):
    """Mean or maximum of every channel's plane: [N, C, H, W] -> [N, C]."""

    op: Literal["global_pool"] = "global_pool"
    function: Literal["avg", "max"]

    def shape(self, known: Mapping[str, TensorShape]) -> FeatureShape:
        """[N, C]."""
        source = need_map(self.where, self.input, known, None)
        return FeatureShape(source.n, source.c)

    def module(self) -> "nn.Module":
        """The modules of torch."""
        from torch import nn

        pool = nn.AdaptiveAvgPool2d(1) if self.function == "avg" else nn.AdaptiveMaxPool2d(1)
        return nn.Sequential(pool, nn.Flatten(1))
