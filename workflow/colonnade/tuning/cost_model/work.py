# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""One convolution under one schedule, as its kernels meet it: in positions, columns, lines and bytes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from colonnade.common.datatypes import F32_BYTES
from colonnade.models.conv_shape import ConvShape
from colonnade.tuning.core import Core
from colonnade.tuning.space import PACKED, Candidate

# Columns that a kernel reads beyond the kept ones, and its biases.
_EXTRA_COLUMNS = 4
_INDEX_BYTES = 4


@dataclass(frozen=True)
class Work:
    """A convolution whose tiles keep `kept` columns each, under a schedule, on a core.

    Positions are counted with the gaps that rows end with; a `panel`, and a `block` of panels, is so many
    of them. `rows` are those that the tiles read, of packed panels or of planes.
    """

    core: Core
    conv: ConvShape
    candidate: Candidate
    kept: int
    tiles: int
    positions: int
    panel: int
    block: int
    rows: float

    @property
    def is_packed(self) -> bool:
        """Whether im2col packs the panels."""
        return self.candidate.algorithm == PACKED

    @property
    def is_dense(self) -> bool:
        """Whether all columns are kept."""
        return self.kept == self.conv.reduction

    @property
    def taps(self) -> int:
        """Columns of one input channel."""
        return self.conv.taps

    @property
    def blocks(self) -> int:
        """NC blocks: the last may be short."""
        return math.ceil(self.positions / self.block)

    @property
    def tile_weights(self) -> int:
        """Bytes that a tile reads of weights and offsets."""
        columns = self.kept + _EXTRA_COLUMNS
        return columns * (self.candidate.tile * F32_BYTES + _INDEX_BYTES)

    @property
    def weights(self) -> int:
        """Bytes that all tiles read of weights and offsets."""
        columns = self.kept + _EXTRA_COLUMNS
        return columns * (self.conv.out_channels * F32_BYTES + self.tiles * _INDEX_BYTES)

    @property
    def operand(self) -> float:
        """Bytes that all tiles read of a block: its packed rows, or what lies under it of the input."""
        conv, line = self.conv, self.core.line_bytes
        if self.is_packed:
            return self.rows * self.block * F32_BYTES
        # Rows of the input under a block: apart, or one after the other.
        apart = conv.kernel[0] * (self.block * F32_BYTES + line - F32_BYTES)
        together = (self.block + halo(conv)) * F32_BYTES
        return conv.in_channels * conv.split_planes * min(apart, together)

    @property
    def moved(self) -> float:
        """Bytes of a block's part of the planes: the input's, the output's, and the residual's."""
        planes = self.conv.in_channels * self.conv.split_planes + results(self.conv)
        return planes * self.block * F32_BYTES

    @property
    def vector_lines(self) -> int:
        """Lines of a panel vector: in packed and gapless rows it begins with one, else anywhere."""
        line, size = self.core.line_bytes, self.panel * F32_BYTES
        if self.is_packed or self.conv.is_pointwise:
            return lines(size, self.core)
        return math.ceil((size + line - F32_BYTES) / line)

    @property
    def apart(self) -> int:
        """Lines from one packed row that a tile keeps to the next, if the prefetcher follows; or 0."""
        row = self.block * F32_BYTES / self.core.line_bytes
        apart = math.ceil(row * self.rows / self.kept)
        return apart if self.is_packed and apart <= self.core.reach else 0

    @property
    def channel_lines(self) -> float:
        """Lines of a panel under all taps of one channel: rows apart, or one after the other."""
        conv, line = self.conv, self.core.line_bytes / F32_BYTES
        beyond = (conv.kernel[1] - 1) * conv.dilation[1] / conv.stride[1]
        apart = (
            conv.kernel[0] / min(conv.stride[0], conv.kernel[0]) * (self.panel + beyond + line - 1)
        )
        together = self.panel + beyond + halo(conv) + line - 1
        found = conv.split_planes * min(apart, together) / line
        # No more than all columns touch, and no fewer than one of them does.
        return max(self.vector_lines, min(self.taps * self.vector_lines, found))

    @property
    def sharing(self) -> float:
        """How many taps share a line of a panel."""
        return self.taps * self.vector_lines / self.channel_lines

    @property
    def needed(self) -> float:
        """Share of the lines of a panel, under all taps, that a tile needs."""
        unneeded: float = (1 - self.kept / self.conv.reduction) ** self.sharing
        return 1 - unneeded

    @property
    def overlap(self) -> float:
        """How many panels of a block need the same line, for different rows of the kernel."""
        panels = self.block / self.panel * self.conv.in_channels
        return panels * self.channel_lines * self.core.line_bytes / self.operand

    @property
    def panel_bytes(self) -> float:
        """Bytes of the lines that a tile needs of a panel."""
        if self.is_packed:
            return self.kept * self.panel * F32_BYTES
        return self.conv.in_channels * self.channel_lines * self.needed * self.core.line_bytes

    def parts(self) -> Iterator["Work"]:
        """The same of each KC split alone: of a share of the input channels, or of the packed rows.

        All but the first add to the results.
        """
        splits = self.candidate.kc_splits
        share = replace(self.conv, in_channels=math.ceil(self.conv.in_channels / splits))
        kept = min(share.reduction, math.ceil(self.kept / splits))
        for number in range(splits):
            conv = share if number == 0 else replace(share, residual=True)
            yield plan(self.core, conv, kept, self.candidate)

    def last_block(self) -> "Work":
        """The same of the last block alone, which may be short."""
        rest = self.positions - (self.blocks - 1) * self.block
        short = replace(self.candidate, panels=math.ceil(rest / self.panel))
        return plan(self.core, self.conv, self.kept, short)


def plan(core: Core, conv: ConvShape, kept: int, candidate: Candidate) -> Work:
    """The work of a convolution whose tiles keep `kept` columns each."""
    packed = candidate.algorithm == PACKED
    tiles = math.ceil(conv.out_channels / candidate.tile)
    positions = conv.batch * conv.out_height * (conv.out_width if packed else row(conv))
    panel = candidate.lmul * core.lanes
    # Packed rows are those that at least one tile keeps, if each keeps others.
    kept_by_any = conv.reduction * (1 - (1 - kept / conv.reduction) ** tiles)
    return Work(
        core=core,
        conv=conv,
        candidate=candidate,
        kept=kept,
        tiles=tiles,
        positions=positions,
        panel=panel,
        block=min(candidate.panels, math.ceil(positions / panel)) * panel,
        rows=kept_by_any
        if packed
        else conv.in_channels * conv.kernel[0] * min(conv.stride[1], conv.kernel[1]),
    )


def results(conv: ConvShape) -> int:
    """Planes that results are stored to, and those that are added to them."""
    return conv.out_channels * (2 if conv.residual else 1)


def row(conv: ConvShape) -> int:
    """Positions of a row of planes that can be read without packing: with the gap behind it."""
    if conv.is_pointwise:
        return conv.width
    _, left, _, right = conv.padding
    gap = math.ceil(max(left, right) / conv.stride[1]) if conv.kernel[1] > 1 else 0
    return math.ceil(conv.width / conv.stride[1]) + gap


def halo(conv: ConvShape) -> float:
    """Positions of a plane that a block reads beyond its own."""
    return (conv.kernel[0] - 1) * conv.dilation[0] / conv.stride[0] * row(conv)


def lines(size: float, core: Core) -> int:
    """Lines of so many bytes that begin with a line."""
    return max(1, round(size / core.line_bytes))
