# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a network computes in training alone."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from colonnade.models.layers.node import UnaryNode
from colonnade.models.shapes import TensorShape

if TYPE_CHECKING:
    from torch import nn


class Dropout(UnaryNode):
    """Elements that become 0 in training with probability `p`; elsewhere its input."""

    is_packaged: ClassVar[bool] = False

    op: Literal["dropout"] = "dropout"
    p: Annotated[float, Field(ge=0, lt=1)]

    def shape(self, known: Mapping[str, TensorShape]) -> TensorShape:
        """That of its input."""
        return known[self.input]

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        return nn.Dropout(self.p)
