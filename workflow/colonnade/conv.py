"""The shape of one convolution, and the string that names it in tables and schedules."""

import re
from dataclasses import dataclass

from colonnade.errors import ColonnadeError

_SHAPE = re.compile(
    r"n(?P<batch>\d+)c(?P<in_channels>\d+)h(?P<height>\d+)w(?P<width>\d+)-o(?P<out_channels>\d+)"
    r"-k(?P<kernel_h>\d+)x(?P<kernel_w>\d+)-s(?P<stride>\d+)-p(?P<padding>\d+)-d(?P<dilation>\d+)(?P<residual>-r)?"
)


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
            ColonnadeError: `text` is not of that form, or the kernel does not fit the input.
        """
        match = _SHAPE.fullmatch(text)
        if match is None:
            raise ColonnadeError(
                f"convolution shape {text!r}: expected the form n1c64h56w56-o64-k3x3-s1-p1-d1, "
                "and -r behind it for a residual"
            )
        numbers = {key: int(value) for key, value in match.groupdict().items() if key != "residual"}
        shape = cls(**numbers, residual=match["residual"] is not None)
        if min(shape.out_height, shape.out_width) < 1 or shape.stride < 1:
            raise ColonnadeError(f"convolution shape {text!r}: the kernel does not fit the input")
        return shape

    def _out(self, size: int, kernel: int) -> int:
        reach = self.dilation * (kernel - 1) + 1
        return (size + 2 * self.padding - reach) // max(self.stride, 1) + 1

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
