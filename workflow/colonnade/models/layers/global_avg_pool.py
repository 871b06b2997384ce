# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Mean of every channel's plane."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from colonnade.models.layers.node import UnaryNode
from colonnade.models.shapes import FeatureShape, TensorShape, need_map

if TYPE_CHECKING:
    from torch import nn


class GlobalAvgPool(UnaryNode):
    """Mean of every channel's plane: [N, C, H, W] -> [N, C]."""

    op: Literal["global_avg_pool"] = "global_avg_pool"

    def shape(self, known: Mapping[str, TensorShape]) -> FeatureShape:
        """[N, C]."""
        source = need_map(self.where, self.input, known, None)
        return FeatureShape(source.n, source.c)

    def module(self) -> "nn.Module":
        """The modules of torch."""
        from torch import nn

        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
