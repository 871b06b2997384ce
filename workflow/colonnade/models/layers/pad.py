# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A plane with a border."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from colonnade.models.layers.node import Number, Padding, UnaryNode
from colonnade.models.shapes import MapShape, TensorShape, need_map, sized

if TYPE_CHECKING:
    from torch import nn


PadMode = Literal["constant", "reflect", "replicate", "circular"]
"""Torch's names: one value, the plane mirrored at its edge, the edge again, or the plane's other end."""


class Pad(UnaryNode):
    """Rows and columns around every plane: of one value, or of the plane's own elements."""

    op: Literal["pad"] = "pad"
    padding: Padding
    value: Number
    mode: PadMode = Field(default="constant", exclude_if=lambda mode: mode == "constant")

    def check(self) -> None:
        """Make sure that a value is given where it counts only."""
        if self.mode != "constant" and self.value != 0:
            raise ValueError(f"{self.where}: value: {self.value}; allowed in mode {self.mode}: 0")

    def shape(self, known: Mapping[str, TensorShape]) -> MapShape:
        """[N, C, H + top + bottom, W + left + right]."""
        source = need_map(self.where, self.input, known, None)
        if source.h is None or source.w is None:
            return source
        top, left, bottom, right = self.padding
        # What is reflected is not the edge itself.
        spared = {"reflect": 1, "circular": 0}.get(self.mode)
        if spared is not None and (
            max(top, bottom) + spared > source.h or max(left, right) + spared > source.w
        ):
            kind = "reflected" if spared else "circular"
            raise ValueError(
                f"{self.where}: its input {self.input!r} is {source}; needed: a plane larger than a"
                f" border that is {kind}"
            )
        return sized(self.where, source, source.c, source.h + top + bottom, source.w + left + right)

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        top, left, bottom, right = self.padding
        around = (left, right, top, bottom)
        own = {"reflect": nn.ReflectionPad2d, "replicate": nn.ReplicationPad2d}
        if self.mode == "constant":
            return nn.ConstantPad2d(around, self.value)
        return own.get(self.mode, nn.CircularPad2d)(around)
