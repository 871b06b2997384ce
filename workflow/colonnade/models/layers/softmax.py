# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Scores as probabilities."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from colonnade.models.layers.node import UnaryNode
from colonnade.models.shapes import FeatureShape, TensorShape, need_features

if TYPE_CHECKING:
    from torch import nn


class Softmax(UnaryNode):
    """exp(x) over its sum, of all features of an image."""

    op: Literal["softmax"] = "softmax"

    @property
    def in_order(self) -> tuple[str, ...]:
        """None: every feature depends on all."""
        return ()

    def shape(self, known: Mapping[str, TensorShape]) -> FeatureShape:
        """That of its input."""
        return need_features(self.where, self.input, known, None)

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        return nn.Softmax(1)
