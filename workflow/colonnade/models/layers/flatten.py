# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A map as features."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from colonnade.models.layers.node import UnaryNode
from colonnade.models.shapes import MAX_SIZE, FeatureShape, MapShape, TensorShape

if TYPE_CHECKING:
    from torch import nn


class Flatten(UnaryNode):
    """[N, C, H, W] -> [N, C * H * W], channel after channel, row after row; features stay."""

    op: Literal["flatten"] = "flatten"

    @property
    def in_order(self) -> tuple[str, ...]:
        """None: a channel becomes many."""
        return ()

    def shape(self, known: Mapping[str, TensorShape]) -> TensorShape:
        """[N, C * H * W], of which nothing is known before the input's height and width."""
        source = known[self.input]
        if isinstance(source, FeatureShape):
            return source
        return self._flat(source)

    def _flat(self, source: MapShape) -> FeatureShape:
        if source.h is None or source.w is None:
            return FeatureShape(None, None)
        features = source.c * source.h * source.w
        if features > MAX_SIZE:
            raise ValueError(
                f"{self.where}: its input {self.input!r} is {source}, {features} features;"
                f" allowed: at most {MAX_SIZE}"
            )
        return FeatureShape(source.n, features)

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        return nn.Flatten(1)
