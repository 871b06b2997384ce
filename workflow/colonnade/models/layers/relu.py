# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Rectification, which a package has as the activation of the operation before it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from colonnade.models.layers.node import UnaryNode
from colonnade.models.shapes import TensorShape

if TYPE_CHECKING:
    from torch import nn


class Relu(UnaryNode):
    """max(x, 0)."""

    is_packaged: ClassVar[bool] = False

    op: Literal["relu"] = "relu"

    def shape(self, known: Mapping[str, TensorShape]) -> TensorShape:
        """That of its input."""
        return known[self.input]

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        return nn.ReLU()
