# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Parts of tensors: slices, and what divides a tensor along an axis."""

from collections.abc import Sequence

from colonnade.models.importing.recorder import Recorder
from colonnade.models.importing.values import Tensor, UnsupportedError, counted, itself, shown
from colonnade.models.layers.pad import PadMode
from colonnade.models.shapes import MAX_SIZE


def part(
    net: Recorder, name: str, x: Tensor, axis: int, begin: int, end: int | None, step: int = 1
) -> Tensor:
    """Elements `begin` to before `end` of an axis, as Python's slices have them.

    Bounds of rows and columns are taken over as they are: below 0 and None they are right at every size.
    """
    rank = len(x.shape)
    axis = counted(axis, rank)
    if step < 1:
        raise UnsupportedError(f"step {step}; allowed: 1 and more")
    behind = net.channels_first(x) if axis == rank - 1 > 1 else None
    if behind is not None:
        plain, back = behind
        return back(part(net, name, plain, 1, begin, end, step))
    taken = slice(_bound(begin), None if end is None or end > MAX_SIZE else _bound(end), step)
    if axis == 1 or x.is_features:
        found = range(x.shape[axis])[taken]
        taken = slice(found.start, None if found.stop >= x.shape[axis] else found.stop, step)
    if taken in (slice(0, None, 1), slice(-MAX_SIZE, None, 1)):
        return x
    if axis == 1 and x.order is None and x.shape[:2] == x.own_shape[:2]:
        made = net.part(name, itself(x.name, x.base), 0, taken)
        return net.reshape(made, (*made.shape[:2], *x.shape[2:]))
    if axis == 1 and rank == 2:
        return net.part(name, net.ordered(x), 0, taken)
    if axis == 0 or rank != 4:
        raise UnsupportedError(f"axis {axis} of {shown(x)}; allowed: channels, height and width")
    # What is counted from the end, and a step's first elements, are no parts of a size.
    if taken.start >= step or (taken.stop or 0) > 0:
        net.maybe_of_one_size()
    return net.part(name, net.map_of(x), axis - 1, taken)


def _bound(value: int) -> int:
    """A bound that a node may have; what is further off means the same."""
    return min(max(value, -MAX_SIZE), MAX_SIZE)


def parts(net: Recorder, name: str, x: Tensor, axis: int, sizes: Sequence[int]) -> list[Tensor]:
    """All of an axis in parts of these sizes, one after the other.

    Raises:
        OpenSizeError: of rows or columns whose number the source leaves open.
    """
    axis = counted(axis, len(x.shape))
    if sum(sizes) != x.shape[axis] or not sizes or min(sizes) < 1:
        raise UnsupportedError(f"parts {list(sizes)} of axis {axis} of {shown(x)}")
    if len(sizes) == 1:
        return [x]
    if axis > 1 and not x.is_features:
        net.of_one_size(f"parts {list(sizes)} of axis {axis} follow")
    ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
    return [
        part(net, f"{name}_{index}", x, axis, end - size, end)
        for index, (size, end) in enumerate(zip(sizes, ends, strict=True))
    ]


def even(size: int, most: int) -> list[int]:
    """The sizes of parts of `most` elements each, but for the last one."""
    return [min(most, size - begin) for begin in range(0, size, most)]


def with_border(
    net: Recorder,
    name: str,
    x: Tensor,
    padding: Sequence[int],
    value: float,
    mode: PadMode = "constant",
) -> Tensor:
    """A border: rows and columns behind each edge, which are cut where they are below 0."""
    if mode != "constant" and min(padding) < 0:
        raise UnsupportedError(f"pads {list(padding)} in mode {mode!r}; allowed: 0 and more")
    for axis in range(2):
        before, behind = padding[axis], padding[axis + 2]
        if min(before, behind) < 0:
            cut = f"{name}_cut"
            x = part(net, cut, x, axis + 2, max(0, -before), min(0, behind) or None)
    return net.pad(name, x, [max(0, each) for each in padding], value, mode)


def space_to_depth(net: Recorder, x: Tensor, factor: int, *, channels_first: bool) -> Tensor:
    """The rows and columns of every block as channels: each channel's together, or each place's."""
    n, c, h, w = net.map_of(x).shape
    split = net.reshape(x, (n, c, h // factor, factor, w // factor, factor))
    turned = net.transpose(split, (0, 1, 3, 5, 2, 4) if channels_first else (0, 3, 5, 1, 2, 4))
    return net.reshape(turned, (n, c * factor**2, h // factor, w // factor))
