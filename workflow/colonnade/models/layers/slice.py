# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A part of a tensor: some channels, rows and columns."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from colonnade.models.layers.node import Size, UnaryNode
from colonnade.models.shapes import MAX_SIZE, FeatureShape, MapShape, TensorShape

if TYPE_CHECKING:
    from torch import nn

Bound = Annotated[int, Field(ge=-MAX_SIZE, le=MAX_SIZE)]
AXES = Field(min_length=3, max_length=3)


class Slice(UnaryNode):
    """Every `step`-th channel, row and column from `begin` to before `end`, as Python's slices have it.

    Bounds below 0 count from the end, null is the end, and what is beyond it is cut. Features have
    channels alone: their rows and columns are taken whole.
    """

    op: Literal["slice"] = "slice"
    begin: Annotated[list[Bound], AXES]
    end: Annotated[list[Bound | None], AXES]
    step: Annotated[list[Size], AXES]

    @property
    def in_order(self) -> tuple[str, ...]:
        """Its input, where all channels stay in their places."""
        return (self.input,) if self.is_whole(0) else ()

    def is_whole(self, axis: int) -> bool:
        """Whether it takes all channels (axis 0), rows or columns."""
        return self._taken(axis) == slice(0, None, 1)

    def shape(self, known: Mapping[str, TensorShape]) -> TensorShape:
        """[N, C', H', W'], or [N, C']."""
        source = known[self.input]
        if isinstance(source, MapShape):
            counts = [self._count(axis, known) for axis in range(3)]
            assert counts[0] is not None
            return MapShape(source.n, counts[0], counts[1], counts[2])
        if not (self.is_whole(1) and self.is_whole(2)):
            raise ValueError(
                f"{self.where}: its input {self.input!r} is {source}; needed: a map [N, C, H, W]"
            )
        return replace(source, c=self._count(0, known))

    def module(self) -> "nn.Module":
        """The operation of torch."""
        from colonnade.models.torch_layers import Part

        return Part([self._taken(axis) for axis in range(3)])

    def _taken(self, axis: int) -> slice:
        return slice(self.begin[axis], self.end[axis], self.step[axis])

    def _count(self, axis: int, known: Mapping[str, TensorShape]) -> int | None:
        """How many elements of an axis it takes; None as long as their number is not known."""
        source = known[self.input]
        sizes = (source.c,) if isinstance(source, FeatureShape) else (source.c, source.h, source.w)
        size = sizes[axis]
        if size is None:
            return None
        count = len(range(size)[self._taken(axis)])
        if count == 0:
            raise ValueError(
                f"{self.where}: its input {self.input!r} is {source}; needed: one of which begin"
                f" {self.begin} and end {self.end} leave an element"
            )
        return count
