# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A plane made larger, or smaller, by interpolation."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from colonnade.models.layers.node import PAIR, Size, UnaryNode
from colonnade.models.shapes import MAX_WINDOW, MapShape, TensorShape, need_map, sized

if TYPE_CHECKING:
    from torch import nn

Factor = Annotated[float, Field(gt=0, le=MAX_WINDOW, allow_inf_nan=False)]


class Upsample2d(UnaryNode):
    """Every plane at another size: [H, W], or `scale` times what it was, rounded down.

    Of torch's definition: nearest takes element floor(i * in / out), bilinear has its points in the
    middle of the elements, or with `align_corners` the corners in the same places.
    """

    op: Literal["upsample2d"] = "upsample2d"
    mode: Literal["nearest", "bilinear"]
    size: Annotated[list[Size], PAIR] | None
    scale: Annotated[list[Factor], PAIR] | None
    align_corners: bool

    def check(self) -> None:
        """Make sure that size or scale is given, and that nearest has no corners to align."""
        if (self.size is None) == (self.scale is None):
            raise ValueError(
                f"{self.where}: size: {self.size}; allowed: null if scale is not, only"
            )
        if self.mode == "nearest" and self.align_corners:
            raise ValueError(f"{self.where}: align_corners: true; allowed with nearest: false")

    def shape(self, known: Mapping[str, TensorShape]) -> MapShape:
        """[N, C, H', W']."""
        source = need_map(self.where, self.input, known, None)
        if source.h is None or source.w is None:
            return source
        if self.size is not None:
            height, width = self.size
        else:
            assert self.scale is not None
            height = math.floor(source.h * self.scale[0])
            width = math.floor(source.w * self.scale[1])
        if min(height, width) < 1:
            raise ValueError(
                f"{self.where}: its input {self.input!r} is {source}; needed: one that scale"
                f" {self.scale} leaves an element of"
            )
        return sized(self.where, source, source.c, height, width)

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        return nn.Upsample(
            size=None if self.size is None else (self.size[0], self.size[1]),
            scale_factor=None if self.scale is None else (self.scale[0], self.scale[1]),
            mode=self.mode,
            align_corners=self.align_corners if self.mode == "bilinear" else None,
        )
