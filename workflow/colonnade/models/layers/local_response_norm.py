# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Normalisation by the channels beside each, of AlexNet and GoogLeNet."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from colonnade.models.layers.node import Number, UnaryNode
from colonnade.models.shapes import MAX_WINDOW, MapShape, TensorShape, need_map

if TYPE_CHECKING:
    from torch import nn


class LocalResponseNorm(UnaryNode):
    """x / (k + alpha / size * s)^beta, s the sum of the squares of `size` channels around x's.

    These are the channels from size // 2 before it to (size - 1) // 2 behind it, as torch has them; ONNX
    has the larger half of an even size behind it.
    """

    op: Literal["local_response_norm"] = "local_response_norm"
    size: Annotated[int, Field(ge=1, le=MAX_WINDOW)]
    alpha: Annotated[Number, Field(ge=0)]
    beta: Number
    # The least normal number of f32: what is raised to a power then has a logarithm.
    k: Annotated[Number, Field(ge=2.0**-126)]

    @property
    def in_order(self) -> tuple[str, ...]:
        """None: a channel depends on those beside it."""
        return ()

    def shape(self, known: Mapping[str, TensorShape]) -> MapShape:
        """That of its input."""
        return need_map(self.where, self.input, known, None)

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        return nn.LocalResponseNorm(self.size, self.alpha, self.beta, self.k)
