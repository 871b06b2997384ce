# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What Winograd's algorithm costs on a core whose products are computed one matrix after the other.

That is the operator's order on RISC-V (`kernels/src/operators/colnm-winograd.c`). Products are kernel
calls, as those of a 1x1 convolution over tiles of outputs. Transforms are compiled from C: they are told
by the vector instructions of `kernels/src/winograd/winograd.c.in`, one after the other.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from colonnade.common.datatypes import F32_BYTES
from colonnade.models.conv_shape import ConvShape, winograd_matrices
from colonnade.tuning.core import LMULS, Core, Kind
from colonnade.tuning.cost_model.calls import CallCost
from colonnade.tuning.cost_model.memory import Found, share_spilled, sources
from colonnade.tuning.cost_model.products import CALL, mean_call, short_lmul
from colonnade.tuning.cost_model.simulations import Simulations
from colonnade.tuning.cost_model.work import Work, plan
from colonnade.tuning.space import PACKED, WINOGRAD, Candidate

# Cycles around a strip of a loop over vectors, around one channel of a row of tiles, and around one row
# of an output channel.
_STRIP, _CHANNEL, _ROW = 15, 300, 150


class Counts(NamedTuple):
    """Of F(m x m, 3 x 3): additions of B^T d and of A^T p; how rows of tiles are loaded and stored."""

    input: int
    output: int
    load: Kind
    store: Kind


COUNTS = {
    2: Counts(4, 4, "vload_segment2", "vstore_segment2"),
    4: Counts(12, 10, "vload_segment4", "vstore_segment4"),
}


class Winograd:
    """A convolution of a 3x3 kernel at stride 1 by Winograd's algorithm, on a core.

    `work` is that of one of its matrix products: a 1x1 convolution over tiles of outputs.
    """

    def __init__(
        self, core: Core, simulations: Simulations, conv: ConvShape, candidate: Candidate
    ) -> None:
        """Prepare to predict with simulations of the core."""
        self._core, self._simulations, self._conv = core, simulations, conv
        self._outputs = WINOGRAD[candidate.algorithm]
        self._columns = math.ceil(conv.out_width / self._outputs)
        tiles = ConvShape(
            batch=conv.batch,
            in_channels=conv.in_channels,
            height=math.ceil(conv.out_height / self._outputs),
            width=self._columns,
            out_channels=conv.out_channels,
            kernel=(1, 1),
            stride=(1, 1),
            padding=(0, 0, 0, 0),
            dilation=(1, 1),
        )
        packed = replace(candidate, algorithm=PACKED)
        self.work: Work = plan(core, tiles, tiles.reduction, packed)
        # Rows of tiles, which ends of blocks cut.
        starts = np.union1d(
            np.arange(0, self.work.positions, self._columns),
            np.arange(0, self.work.positions, self.work.block),
        )
        self._pieces = np.diff(np.append(starts, self.work.positions))

    @property
    def _matrices(self) -> int:
        return winograd_matrices(self._outputs)

    def cycles(self) -> float:
        """Predicted cycles of the whole convolution, in one thread."""
        return self._input() + self._products() + self._output()

    def _beyond(self) -> float:
        """Share of what a block uses that the next one, or the next pass of it, does not find in L2."""
        work, conv = self.work, self._conv
        operands = (conv.in_channels + conv.out_channels) * work.block * F32_BYTES
        planes = operands * self._outputs**2
        return share_spilled(self._matrices * (operands + work.weights) + planes, self._core.l2)

    def _stream(self, beyond: float) -> float:
        """Cycles of a line of a stream, a share of which comes from memory."""
        core = self._core
        return (1 - beyond) * core.l2.read + beyond * core.memory.read

    def _lines(self, channels: int) -> float:
        """Lines of so many channels of all matrices of all blocks."""
        work, line = self.work, self._core.line_bytes
        return channels * self._matrices * work.blocks * math.ceil(work.block * F32_BYTES / line)

    def _vectors(self, kind: Kind, lmul: int) -> float:
        return self._core.costs[kind].occupancy[LMULS.index(lmul)]

    def _input(self) -> float:
        """Reading the matrices' lines and the input's, and transforms: of columns, then of rows of tiles.

        A vector of columns has two registers, one of tiles one.
        """
        core, conv, counts = self._core, self._conv, COUNTS[self._outputs]
        rows = self._outputs + 2
        columns = rows * (self._vectors("vload", 2) + self._vectors("vstore", 2))
        columns += counts.input * self._vectors("vf_fma", 2) + _STRIP
        tiles = self._vectors(counts.load, 1) + 2 * self._vectors("v_slide", 1)
        tiles += (
            rows * self._vectors("vstore", 1) + counts.input * self._vectors("vf_fma", 1) + _STRIP
        )
        wide = np.sum(-(-(self._outputs * self._pieces + 2) // (2 * core.lanes)))
        strips = np.sum(-(-self._pieces // core.lanes))
        transforms = columns * wide + rows * tiles * strips + _CHANNEL * len(self._pieces)
        beyond = self._beyond()
        read = self._lines(conv.in_channels) * self._stream(beyond)
        # Rows of tiles share two rows of the input.
        row = conv.width * F32_BYTES / core.line_bytes
        fresh = self._outputs * row * self.work.positions / self._columns
        again = 2 * row * self.work.blocks
        read += conv.in_channels * (fresh * core.memory.read + again * core.l2.read)
        # Lines that were read before they are written are still in L2, if that holds all matrices.
        written = self._matrices * conv.in_channels * self.work.block * F32_BYTES
        gone = share_spilled(written, core.l2)
        read += self._lines(conv.in_channels) * gone * core.memory.latency / core.outstanding
        return float(conv.in_channels * transforms + read)

    def _products(self) -> float:
        """Kernel calls: of each matrix those of all tiles, over the panels of a block."""
        core, work, kept = self._core, self.work, self.work.kept
        beyond = self._beyond()
        # One tile after the other finds a matrix's input in L1, if that holds it beside a tile's weights.
        matrix = kept * work.block * F32_BYTES
        spilled = share_spilled(matrix + work.tile_weights, core.l1)
        other = (work.tiles - 1) / work.tiles
        l1, memory = other * (1 - spilled), (1 - other) * beyond
        operand = sources(work, Found(l1, 1 - l1 - memory, memory))
        # Weights are one stream over all tiles, which runs ahead of the products if memory lets it.
        streamed = beyond * kept * F32_BYTES / core.line_bytes * core.memory.read
        again = share_spilled(work.tile_weights + 2 * work.panel_bytes, core.l1)
        # Rows of products follow each other.
        write = (1 - beyond) * core.l2.write + beyond * core.memory.write
        stored = write * max(1, work.panel * F32_BYTES / core.line_bytes)
        stays = Found(1, 0, 0)
        panels, rest = divmod(work.positions, work.panel)
        short = short_lmul(work, rest)
        begun = math.ceil(panels * work.panel / work.block)
        last = work.conv.out_channels - (work.tiles - 1) * work.candidate.tile

        def call(rows: int, lmul: int, weights: Found) -> CallCost:
            return mean_call(self._simulations, work, rows, lmul, weights, operand, stays)

        def begin(rows: int, lmul: int) -> float:
            cost = call(rows, lmul, stays).cycles(1, kept)
            return CALL + max(cost, rows * streamed) + rows * stored

        cycles = 0.0
        for rows, tiles in ((work.candidate.tile, work.tiles - 1), (last, 1)):
            if tiles == 0:
                continue
            if panels:
                later = call(rows, work.candidate.lmul, Found(1 - again, again, 0))
                cycles += tiles * begun * begin(rows, work.candidate.lmul)
                cycles += tiles * (panels - begun) * (later.of_panel(kept) + rows * stored)
            if rest and begun < work.blocks:
                cycles += tiles * begin(rows, short)
            elif rest:
                end = call(rows, short, Found(1 - again, again, 0))
                cycles += tiles * (CALL + end.cycles(1, kept) + rows * stored)
        return self._matrices * cycles

    def _output(self) -> float:
        """Reading the products, transforming them, and storing rows of the output."""
        core, conv, counts, m = self._core, self._conv, COUNTS[self._outputs], self._outputs
        lanes = core.lanes
        rows = m + 2
        strip = self._matrices * self._vectors("vload", 1) + m**2 * self._vectors("vstore", 1)
        strip += (rows + m) * counts.output * self._vectors("vf_fma", 1) + _STRIP
        strips = math.ceil(self.work.block / lanes) * (self.work.blocks - 1)
        strips += math.ceil(
            (self.work.positions - (self.work.blocks - 1) * self.work.block) / lanes
        )
        by_turns = m * self._vectors("vload", 1) + self._vectors(counts.store, 1) + _STRIP
        stored = self._vectors("vload", 2) + self._vectors("vstore", 2) + _STRIP
        stored += 3 * self._vectors("vf_add", 2) + conv.residual * self._vectors("vload", 2)
        row = by_turns * np.sum(-(-self._pieces // lanes))
        row += stored * np.sum(-(-m * self._pieces // (2 * lanes))) + _ROW * len(self._pieces)
        read = self._lines(conv.out_channels) * self._stream(self._beyond())
        plane = conv.batch * conv.out_height * conv.out_width * F32_BYTES / core.line_bytes
        read += conv.out_channels * plane * (1 + conv.residual) * core.memory.write
        return float(conv.out_channels * (strip * strips + m * row) + read)
