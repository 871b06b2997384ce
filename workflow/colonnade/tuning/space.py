# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The candidate schedules of a convolution: what the configuration allows, less what cannot win."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from colonnade.common.datatypes import F32_BYTES
from colonnade.common.reference import REFERENCE
from colonnade.config.schema import ProfileConfig
from colonnade.config.section import fits_registers
from colonnade.models.conv_shape import ConvShape, winograd_matrices
from colonnade.tuning.core import Core, Machine

# Of the rows that its tiles have room for, the share that a convolution may leave empty.
_WASTE = 0.25
# The largest operand of a block, in sizes of the L2 cache.
_BLOCK_LIMIT = 4


@dataclass(frozen=True)
class Candidate:
    """A schedule: algorithm, tile T, LMUL, the panels of an NC block, over which all tiles run, and
    the KC splits of the kept columns, one of which runs over a block after the other.

    XNNPACK's own algorithms have none of the four; they are 0.
    """

    algorithm: str
    tile: int
    lmul: int
    panels: int
    kc_splits: int = 1

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> "Candidate":
        """That of a report, or of an entry of a schedules file."""
        return cls(**{name: report[name] for name in SCHEDULE})

    def __str__(self) -> str:
        """As the bench takes it."""
        if self == XNNPACK:
            return self.algorithm
        return ":".join(str(getattr(self, name)) for name in SCHEDULE)


PACKED = "packed"
MULTIPLYING = ("direct", PACKED)
"""The algorithms that leave out pruned columns."""
WINOGRAD = {"winograd2": 2, "winograd4": 4}
"""Winograd's algorithm, by the outputs of a tile each way; only dense convolutions run by it."""
XNNPACK = Candidate(REFERENCE, 0, 0, 0, 0)
SCHEDULE = tuple(field.name for field in fields(Candidate))


def grid(conv: ConvShape, settings: ProfileConfig, machine: Machine) -> list[Candidate]:
    """Every different schedule of one KC split that the configuration allows and the registers hold.

    Tiles of more rows than there are output channels, and blocks of more panels than there are, run
    as the next smaller one does and are left out. Where strides of height and width differ, only the
    packed algorithm runs, whatever the configuration names. By Winograd's none do: see `winograd_grid`.
    """
    even = conv.stride[0] == conv.stride[1]
    multiplying = tuple(each for each in settings.algorithms if each != "winograd")
    positions = conv.batch * conv.out_height * conv.out_width
    return _combined(multiplying if even else (PACKED,), positions, conv, settings, machine)


def winograd_grid(conv: ConvShape, settings: ProfileConfig, machine: Machine) -> list[Candidate]:
    """The same by Winograd's algorithm, of a convolution that keeps all its columns.

    None where the configuration does not name it, or it computes no such convolution. Its panels are of
    tiles of outputs.
    """
    if "winograd" not in settings.algorithms or not conv.has_winograd:
        return []
    found = []
    for algorithm, outputs in WINOGRAD.items():
        tiles = math.ceil(conv.out_height / outputs) * math.ceil(conv.out_width / outputs)
        found += _combined((algorithm,), conv.batch * tiles, conv, settings, machine)
    return found


def _combined(
    algorithms: Sequence[str],
    positions: int,
    conv: ConvShape,
    settings: ProfileConfig,
    machine: Machine,
) -> list[Candidate]:
    found = []
    for lmul in settings.lmuls:
        panels = _distinct(settings.panels, math.ceil(positions / (lmul * machine.lanes)))
        found += [
            Candidate(algorithm, tile, lmul, count)
            for algorithm in algorithms
            for tile in _distinct(settings.tiles, conv.out_channels)
            if fits_registers(tile, lmul)
            for count in panels
        ]
    return found


def in_splits(
    conv: ConvShape, candidates: Sequence[Candidate], settings: ProfileConfig, core: Core
) -> list[Candidate]:
    """Each of some candidates in 1, 2, 4, ... KC splits, as many as the configuration allows.

    Columns are cut until what one split reads of a block fits half of L1.
    """
    return [
        replace(each, kc_splits=splits)
        for each in candidates
        for splits in _splits(conv, each, settings, core)
    ]


def _splits(
    conv: ConvShape, candidate: Candidate, settings: ProfileConfig, core: Core
) -> Iterator[int]:
    splits = 1
    yield splits
    while 2 * splits <= min(settings.kc_splits, conv.in_channels) and (
        2 * _operand(conv, candidate, core) > splits * core.l1.bytes
    ):
        splits *= 2
        yield splits


def _distinct(values: Sequence[int], most: int) -> list[int]:
    """The values in order, without those beyond the first that reaches `most`."""
    ordered = sorted(set(values))
    enough = [value for value in ordered if value >= most]
    return [value for value in ordered if value < most] + enough[:1]


def search_space(conv: ConvShape, settings: ProfileConfig, machine: Machine) -> list[Candidate]:
    """The grid without tiles that leave a large part of their rows empty and blocks far too large.

    A tile stays if at most a quarter of the rows of all tiles is empty: the rows of the last one run
    in a smaller kernel, which has less work to hide its loads behind. A block stays if what its tiles
    read, K packed rows, the input's planes or Winograd's matrices, is at most four times the L2 cache:
    beyond, every tile reads it from memory.
    Where nothing stays, everything does.
    """
    return _promising(conv, grid(conv, settings, machine), machine)


def winograd_space(conv: ConvShape, settings: ProfileConfig, machine: Machine) -> list[Candidate]:
    """The same of `winograd_grid`."""
    return _promising(conv, winograd_grid(conv, settings, machine), machine)


def _promising(conv: ConvShape, candidates: list[Candidate], machine: Machine) -> list[Candidate]:
    filled = [each for each in candidates if _fills_its_tiles(conv, each)] or candidates
    return [each for each in filled if _fits_caches(conv, each, machine)] or filled


def _fills_its_tiles(conv: ConvShape, candidate: Candidate) -> bool:
    rows = math.ceil(conv.out_channels / candidate.tile) * candidate.tile
    return rows - conv.out_channels <= _WASTE * rows


def _fits_caches(conv: ConvShape, candidate: Candidate, machine: Machine) -> bool:
    return _operand(conv, candidate, machine) <= _BLOCK_LIMIT * machine.l2_bytes


def _operand(conv: ConvShape, candidate: Candidate, machine: Machine) -> int:
    """Bytes of a block's K packed rows, or of its positions in the input's planes or Winograd's matrices.

    Of planes a stride that splits them makes several of each channel.
    """
    positions = candidate.panels * candidate.lmul * machine.lanes
    if candidate.algorithm in WINOGRAD:
        matrices = winograd_matrices(WINOGRAD[candidate.algorithm])
        return matrices * conv.in_channels * positions * F32_BYTES
    planes = conv.in_channels * conv.split_planes
    rows = conv.reduction if candidate.algorithm == PACKED else planes
    return rows * positions * F32_BYTES
