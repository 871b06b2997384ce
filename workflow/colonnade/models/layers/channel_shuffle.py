# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Channels of several groups, taken in turns."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from colonnade.models.layers.node import Size, UnaryNode
from colonnade.models.shapes import MapShape, TensorShape, need_map

if TYPE_CHECKING:
    from torch import nn


class ChannelShuffle(UnaryNode):
    """The first channel of each group, then the second of each, and so on: channels [g, c] as [c, g]."""

    op: Literal["channel_shuffle"] = "channel_shuffle"
    groups: Size

    @property
    def in_order(self) -> tuple[str, ...]:
        """None: it is another order."""
        return ()

    def shape(self, known: Mapping[str, TensorShape]) -> MapShape:
        """That of its input."""
        source = need_map(self.where, self.input, known, None)
        if source.c % self.groups:
            raise ValueError(
                f"{self.where}: groups: {self.groups}; allowed: what divides the channels of its"
                f" input {self.input!r}, {source}"
            )
        return source

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        return nn.ChannelShuffle(self.groups)
