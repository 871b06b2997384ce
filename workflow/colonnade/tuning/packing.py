# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The work of im2col for one convolution: how often its kernel runs, and how many vectors it moves."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from colonnade.models.conv_shape import ConvShape


@dataclass(frozen=True)
class PackingWork:
    """Totals over all blocks of a convolution.

    `copies` and `zeros` count vector stores of copied elements and of padding for one packed row of
    each kernel tap, as a mean over taps; `runs` counts pieces of output rows, over all taps.
    """

    copies: float
    zeros: float
    runs: int


@lru_cache(maxsize=256)
def packing_work(conv: ConvShape, block: int, vector: int) -> PackingWork:
    """Work of packing `block` output positions at a time with vectors of `vector` elements.

    A block is cut where an output row ends; under a tap each piece is zeros left of the input plane,
    elements of it, and zeros to its right (`x32-im2col`).
    """
    width, plane = conv.out_width, conv.out_height * conv.out_width
    positions = conv.batch * plane
    starts = np.union1d(np.arange(0, positions, width), np.arange(0, positions, block))
    counts = np.diff(np.append(starts, positions))
    y, x = starts % plane // width * conv.stride[0], starts % width * conv.stride[1]
    top, left_padding, _, _ = conv.padding
    copies = zeros = 0
    for kh in range(conv.kernel[0]):
        row = y + kh * conv.dilation[0] - top
        inside = (row >= 0) & (row < conv.height)
        for kw in range(conv.kernel[1]):
            column = x + kw * conv.dilation[1] - left_padding
            left = np.clip(-(column // conv.stride[1]), 0, counts)
            end = np.clip(-((column - conv.width) // conv.stride[1]), left, counts)
            copied = np.where(inside, end - left, 0)
            left = np.where(inside, left, counts)
            right = counts - left - copied
            copies += int(np.sum(-(-copied // vector)))
            zeros += int(np.sum(-(-left // vector) - (-right // vector)))
    taps = conv.taps
    return PackingWork(copies / taps, zeros / taps, len(starts) * taps)
