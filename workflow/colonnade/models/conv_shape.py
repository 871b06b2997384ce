# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The shape of one convolution, and the string that names it in tables and schedules."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from colonnade.common.errors import ColonnadeError
from colonnade.models.shapes import MAX_ELEMENTS, MAX_SIZE, MAX_WINDOW, output_size

Pair = tuple[int, int]
"""Of both axes: height, width."""

Sides = tuple[int, int, int, int]
"""Of all sides of a plane: top, left, bottom, right."""

_SHAPE = re.compile(
    r"n(?P<n>\d+)c(?P<c>\d+)h(?P<h>\d+)w(?P<w>\d+)-o(?P<o>\d+)-k(?P<k>\d+x\d+)-s(?P<s>\d+(?:x\d+)?)"
    r"-p(?P<p>\d+(?:x\d+)?(?:x\d+x\d+)?)-d(?P<d>\d+(?:x\d+)?)(?:-g(?P<g>\d+))?(?P<residual>-r)?",
    re.ASCII,
)
# Lowest and highest value of the numbers behind each letter.
_RANGES = {
    **dict.fromkeys("nchwo", (1, MAX_SIZE)),
    **dict.fromkeys("ksd", (1, MAX_WINDOW)),
    "p": (0, MAX_WINDOW),
    "g": (1, MAX_SIZE),
}
_LONGEST = 200


@dataclass(frozen=True)
class ConvShape:
    """A 2-d convolution: input [batch, in_channels, height, width], weight [out_channels, K].

    K = kernel height * kernel width * in_channels / groups: each of the groups of output channels reads
    its group of input channels. With `residual` a tensor of the output's shape is added to the output.
    """

    batch: int
    in_channels: int
    height: int
    width: int
    out_channels: int
    kernel: Pair
    stride: Pair
    padding: Sides
    dilation: Pair
    groups: int = 1
    residual: bool = False

    def __str__(self) -> str:
        return (
            f"n{self.batch}c{self.in_channels}h{self.height}w{self.width}-o{self.out_channels}"
            f"-k{_joined(self.kernel)}-s{_shortest(self.stride)}-p{_shortest(self.padding)}"
            f"-d{_shortest(self.dilation)}{f'-g{self.groups}' if self.groups > 1 else ''}"
            f"{'-r' if self.residual else ''}"
        )

    @classmethod
    def parse(cls, text: str) -> "ConvShape":
        """Read the string form back.

        Raises:
            ColonnadeError: `text` is not of that form, exceeds a limit, or the kernel does not fit
                the input.
        """
        match = _SHAPE.fullmatch(text) if len(text) <= _LONGEST else None
        if match is None:
            raise ColonnadeError(
                f"convolution shape {text[:_LONGEST]!r}: expected the form"
                " n1c64h56w56-o64-k3x3-s1-p1-d1, -g32 behind it for groups, and -r for a residual"
            )
        found = {letter: _numbers(text, letter, match[letter] or "1") for letter in _RANGES}
        n, c, h, w, o, g = (found[letter][0] for letter in "nchwog")
        kernel, stride, dilation = (_pair(found[letter]) for letter in "ksd")
        padding = sides(found["p"])
        residual = match["residual"] is not None
        shape = cls(n, c, h, w, o, kernel, stride, padding, dilation, g, residual)
        shape._check(text)
        return shape

    def _check(self, text: str) -> None:
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ColonnadeError(
                f"convolution shape {text!r}: g: {self.groups}; allowed: a number that divides the"
                " channels of input and output"
            )
        if min(self.out_height, self.out_width) < 1:
            raise ColonnadeError(f"convolution shape {text!r}: the kernel does not fit the input")
        sizes = {
            "input": self.batch * self.in_channels * self.height * self.width,
            "weights": self.out_channels * self.reduction,
            "output": self.batch * self.out_channels * self.out_height * self.out_width,
        }
        for name, elements in sizes.items():
            if elements > MAX_ELEMENTS:
                raise ColonnadeError(
                    f"convolution shape {text!r}: {name}: too many elements; allowed: {MAX_ELEMENTS}"
                )

    @property
    def out_height(self) -> int:
        """Rows of the output plane."""
        top, _, bottom, _ = self.padding
        padded = self.height + top + bottom
        return output_size(padded, self.kernel[0], self.stride[0], 0, self.dilation[0])

    @property
    def out_width(self) -> int:
        """Columns of the output plane."""
        _, left, _, right = self.padding
        padded = self.width + left + right
        return output_size(padded, self.kernel[1], self.stride[1], 0, self.dilation[1])

    @property
    def taps(self) -> int:
        """Elements of the kernel's window."""
        return self.kernel[0] * self.kernel[1]

    @property
    def split_planes(self) -> int:
        """Planes that taps see of an input plane that the stride splits, space to depth."""
        return math.prod(map(min, self.stride, self.kernel))

    @property
    def reduction(self) -> int:
        """K, the number of columns of the weight matrix."""
        return self.taps * self.in_channels // self.groups

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the dense convolution."""
        positions = self.batch * self.out_height * self.out_width
        return positions * self.out_channels * self.reduction

    @property
    def has_winograd(self) -> bool:
        """Whether Winograd's algorithm computes it: 3x3, stride and dilation 1, one group."""
        ones = self.stride == self.dilation == (1, 1)
        return self.kernel == (3, 3) and ones and self.groups == 1

    def winograd_macs(self, outputs: int) -> int:
        """Multiply-accumulates by Winograd's algorithm, of tiles of so many outputs each way."""
        height, width = (math.ceil(each / outputs) for each in (self.out_height, self.out_width))
        tiles = self.batch * height * width
        return winograd_matrices(outputs) * tiles * self.in_channels * self.out_channels

    @property
    def is_pointwise(self) -> bool:
        """Whether an output position reads the input at the same position alone."""
        return self.kernel == self.stride == (1, 1) and not any(self.padding)


def winograd_matrices(outputs: int) -> int:
    """Matrices that Winograd's algorithm makes of a 3x3 kernel, for tiles of so many outputs each way."""
    return (outputs + 2) ** 2


def sides(numbers: Sequence[int]) -> Sides:
    """Numbers of all sides: one for all of them, one for each axis, or all four."""
    top, left = _pair(numbers[:2])
    return (top, left, *(_pair(numbers[2:]) if len(numbers) > 2 else (top, left)))


def _numbers(text: str, letter: str, part: str) -> list[int]:
    numbers = [int(each) for each in part.split("x")]
    least, most = _RANGES[letter]
    for number in numbers:
        if not least <= number <= most:
            raise ColonnadeError(
                f"convolution shape {text!r}: {letter}: {number}; allowed: {least} to {most}"
            )
    return numbers


def _pair(numbers: Sequence[int]) -> Pair:
    return numbers[0], numbers[-1]


def _joined(numbers: Sequence[int]) -> str:
    return "x".join(map(str, numbers))


def _shortest(numbers: Sequence[int]) -> str:
    """One number where all are equal, two where both sides of each axis are."""
    if len(set(numbers)) == 1:
        return str(numbers[0])
    return _joined(numbers[:2] if numbers[:2] == numbers[2:] else numbers)
