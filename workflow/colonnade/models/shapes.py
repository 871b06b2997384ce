# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Shapes of the tensors of a network, and the size of what a window that slides over a plane makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Limits, the same as in kernels/common/size_limits.h: of sizes, of a window, and of a tensor's elements.
MAX_SIZE, MAX_WINDOW, MAX_ELEMENTS = 65536, 255, 2**31 - 1


@dataclass(frozen=True)
class MapShape:
    """[n, c, h, w]; sizes that only the input tells are None."""

    n: int | None
    c: int
    h: int | None
    w: int | None

    def __str__(self) -> str:
        return f"a map [{self.n or 'N'}, {self.c}, {self.h or 'H'}, {self.w or 'W'}]"


@dataclass(frozen=True)
class FeatureShape:
    """[n, c]; n is None until the input tells it."""

    n: int | None
    c: int

    def __str__(self) -> str:
        return f"features [{self.n or 'N'}, {self.c}]"


TensorShape = MapShape | FeatureShape


def reach(kernel: int, dilation: int) -> int:
    """Elements from the first to the last that a window reads along an axis."""
    return dilation * (kernel - 1) + 1


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    """Positions of a window along an axis of `size` elements with `padding` on both sides.

    Below 1 where the window does not fit.
    """
    return (size + 2 * padding - reach(kernel, dilation)) // stride + 1


def need_map(
    where: str, name: str, known: Mapping[str, TensorShape], channels: int | None
) -> MapShape:
    """The shape of tensor `name`, a map of so many channels (None: of any).

    Raises:
        ValueError: it is of another shape; `where` begins the message.
    """
    shape = known[name]
    if isinstance(shape, MapShape) and channels in (None, shape.c):
        return shape
    raise ValueError(
        f"{where}: its input {name!r} is {shape}; needed: a map [N, {channels or 'C'}, H, W]"
    )


def windowed(
    where: str,
    name: str,
    source: MapShape,
    channels: int,
    *,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int] = (1, 1),
) -> MapShape:
    """The map of `channels` that a window makes of map `name`; each pair is vertical, horizontal.

    Raises:
        ValueError: the window does not fit, or there are too many elements; `where` begins the message.
    """
    if source.n is None or source.h is None or source.w is None:
        return MapShape(None, channels, None, None)
    sizes = []
    for axis, size in enumerate((source.h, source.w)):
        padded, needed = size + 2 * padding[axis], reach(kernel[axis], dilation[axis])
        if padded < needed:
            raise ValueError(
                f"{where}: its input {name!r} is {source}, with padding {padded} "
                f"{('high', 'wide')[axis]}; needed: at least {needed}, the reach of its kernel"
            )
        window = (kernel[axis], stride[axis], padding[axis], dilation[axis])
        sizes.append(output_size(size, *window))
    height, width = sizes
    if source.n * channels * height * width > MAX_ELEMENTS:
        raise ValueError(f"{where}: its output has more than {MAX_ELEMENTS} elements")
    return MapShape(source.n, channels, height, width)
