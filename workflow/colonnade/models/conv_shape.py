# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The shape of one convolution, and the string that names it in tables and schedules."""

import re
from dataclasses import dataclass

from colonnade.common.errors import ColonnadeError
from colonnade.models.shapes import MAX_ELEMENTS, MAX_SIZE, MAX_WINDOW, output_size

_SHAPE = re.compile(
    r"n(?P<batch>\d+)c(?P<in_channels>\d+)h(?P<height>\d+)w(?P<width>\d+)-o(?P<out_channels>\d+)"
    r"-k(?P<kernel_h>\d+)x(?P<kernel_w>\d+)-s(?P<stride>\d+)-p(?P<padding>\d+)-d(?P<dilation>\d+)(?P<residual>-r)?",
    re.ASCII,
)
# Letter, lowest and highest value of each number of the string, by field.
_RANGES = {
    "batch": ("n", 1, MAX_SIZE),
    "in_channels": ("c", 1, MAX_SIZE),
    "height": ("h", 1, MAX_SIZE),
    "width": ("w", 1, MAX_SIZE),
    "out_channels": ("o", 1, MAX_SIZE),
    "kernel_h": ("k", 1, MAX_WINDOW),
    "kernel_w": ("k", 1, MAX_WINDOW),
    "stride": ("s", 1, MAX_WINDOW),
    "padding": ("p", 0, MAX_WINDOW),
    "dilation": ("d", 1, MAX_WINDOW),
}
_LONGEST = 200


@dataclass(frozen=True)
class ConvShape:
    """A 2-d convolution: input [batch, in_channels, height, width], weight [out_channels, K].

    K = kernel_h * kernel_w * in_channels. Stride, padding and dilation are the same on both axes.
    With `residual` a tensor of the output's shape is added to the output.
    """

    batch: int
    in_channels: int
    height: int
    width: int
    out_channels: int
    kernel_h: int
    kernel_w: int
    stride: int
    padding: int
    dilation: int
    residual: bool = False

    def __str__(self) -> str:
        return (
            f"n{self.batch}c{self.in_channels}h{self.height}w{self.width}-o{self.out_channels}"
            f"-k{self.kernel_h}x{self.kernel_w}-s{self.stride}-p{self.padding}-d{self.dilation}"
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
                " n1c64h56w56-o64-k3x3-s1-p1-d1, and -r behind it for a residual"
            )
        for name, (letter, least, most) in _RANGES.items():
            if not least <= int(match[name]) <= most:
                raise ColonnadeError(
                    f"convolution shape {text!r}: {letter}: {match[name]}; allowed: {least} to {most}"
                )
        shape = cls(
            **{name: int(match[name]) for name in _RANGES}, residual=match["residual"] is not None
        )
        shape._check(text)
        return shape

    def _check(self, text: str) -> None:
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

    def _out(self, size: int, kernel: int) -> int:
        return output_size(size, kernel, self.stride, self.padding, self.dilation)

    @property
    def out_height(self) -> int:
        """Rows of the output plane."""
        return self._out(self.height, self.kernel_h)

    @property
    def out_width(self) -> int:
        """Columns of the output plane."""
        return self._out(self.width, self.kernel_w)

    @property
    def reduction(self) -> int:
        """K, the number of columns of the weight matrix."""
        return self.kernel_h * self.kernel_w * self.in_channels

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the dense convolution."""
        positions = self.batch * self.out_height * self.out_width
        return positions * self.out_channels * self.reduction
