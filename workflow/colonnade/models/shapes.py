# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Shapes of the tensors of a network, and the size of what a window that slides over a plane makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

# Limits, the same as in kernels/common/size_limits.h: of sizes, of a window, and of a tensor's elements.
MAX_SIZE, MAX_WINDOW, MAX_ELEMENTS = 65536, 255, 2**31 - 1
# Width and height of images where nothing says them.
DEFAULT_PX = 224

Px = int | tuple[int, int]
"""Pixels of an image's side where it is a square, else height and width."""


def px_of(height: int, width: int) -> Px:
    """The size of images."""
    return height if height == width else (height, width)


def shown_px(px: int | Sequence[int]) -> str:
    """The size of images in a text: 224, or 37x53, the height first."""
    return str(px) if isinstance(px, int) else "x".join(map(str, px))


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
    """[n, c]; None until the input tells it, c too where a map was flattened."""

    n: int | None
    c: int | None

    def __str__(self) -> str:
        return f"features [{self.n or 'N'}, {self.c or 'C'}]"


TensorShape = MapShape | FeatureShape


def reach(kernel: int, dilation: int) -> int:
    """Elements from the first to the last that a window reads along an axis."""
    return dilation * (kernel - 1) + 1


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    """Positions of a window along an axis of `size` elements with `padding` on both sides.

    Below 1 where the window does not fit.
    """
    return positions(size, kernel, stride, (padding, padding), dilation)


def positions(
    size: int,
    kernel: int,
    stride: int,
    padding: tuple[int, int],
    dilation: int = 1,
    *,
    ceil_mode: bool = False,
) -> int:
    """Positions of a window along an axis of `size` elements, `padding` before and behind it.

    With `ceil_mode` the last window may reach beyond what is behind, as long as it begins in the input or
    in the padding before it. Below 1 where the window does not fit.
    """
    before, behind = padding
    room = size + before + behind - reach(kernel, dilation)
    count = room // stride + 1
    if ceil_mode and room >= 0 and room % stride and count * stride < size + before:
        return count + 1
    return count


def same_plane(first: TensorShape, second: TensorShape) -> bool:
    """Whether two maps have one height and width, or two features, for as many images."""
    if isinstance(first, MapShape) and isinstance(second, MapShape):
        return (first.n, first.h, first.w) == (second.n, second.h, second.w)
    return type(first) is type(second) and first.n == second.n


def with_channels(shape: TensorShape, channels: int | None) -> TensorShape:
    """The shape with another number of channels or features."""
    if isinstance(shape, FeatureShape):
        return FeatureShape(shape.n, channels)
    assert channels is not None
    return replace(shape, c=channels)


def need_channels(
    where: str, name: str, known: Mapping[str, TensorShape], channels: int
) -> TensorShape:
    """The shape of tensor `name`, a map or features of so many channels.

    Raises:
        ValueError: it has others; `where` begins the message.
    """
    shape = known[name]
    if shape.c not in (None, channels):
        raise ValueError(
            f"{where}: its input {name!r} is {shape}; needed: {with_channels(shape, channels)}"
        )
    return shape


def need_features(
    where: str, name: str, known: Mapping[str, TensorShape], features: int | None
) -> FeatureShape:
    """The shape of tensor `name`, which must be features; so many, unless `features` is None.

    Raises:
        ValueError: it is a map, or has other features; `where` begins the message.
    """
    shape = known[name]
    if isinstance(shape, FeatureShape) and (features is None or shape.c in (None, features)):
        return shape
    needed = "C" if features is None else features
    raise ValueError(f"{where}: its input {name!r} is {shape}; needed: features [N, {needed}]")


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


def sized(where: str, source: MapShape, channels: int, height: int, width: int) -> MapShape:
    """The map of `channels` of that height and width, made of a map whose sizes are known.

    Raises:
        ValueError: it has too large sides, or too many elements; `where` begins the message.
    """
    assert source.n is not None
    if max(height, width) > MAX_SIZE:
        raise ValueError(
            f"{where}: its output is {height} by {width}; allowed: at most {MAX_SIZE} each"
        )
    if source.n * channels * height * width > MAX_ELEMENTS:
        raise ValueError(f"{where}: its output has more than {MAX_ELEMENTS} elements")
    return MapShape(source.n, channels, height, width)


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
    ceil_mode: bool = False,
) -> MapShape:
    """The map of `channels` that a window makes of map `name`.

    Pairs are vertical, horizontal; `padding` is top, left, bottom, right.

    Raises:
        ValueError: the window does not fit, or there are too many elements; `where` begins the message.
    """
    if source.n is None or source.h is None or source.w is None:
        return MapShape(None, channels, None, None)
    sizes = []
    for axis, size in enumerate((source.h, source.w)):
        around = (padding[axis], padding[axis + 2])
        padded, needed = size + sum(around), reach(kernel[axis], dilation[axis])
        if padded < needed:
            raise ValueError(
                f"{where}: its input {name!r} is {source}, with padding {padded} "
                f"{('high', 'wide')[axis]}; needed: at least {needed}, the reach of its kernel"
            )
        window = (kernel[axis], stride[axis], around, dilation[axis])
        sizes.append(positions(size, *window, ceil_mode=ceil_mode))
    height, width = sizes
    return sized(where, source, channels, height, width)
