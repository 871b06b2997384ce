# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Groups of channels that the source sees as an axis of their own: [N, groups, C, ...]."""

import math
from collections.abc import Sequence

from colonnade.models.importing.arithmetic import scaled
from colonnade.models.importing.recorder import Recorder
from colonnade.models.importing.slicing import part
from colonnade.models.importing.values import Tensor, UnsupportedError, counted, itself, shown
from colonnade.models.layers import Unary

GROUPS = 1
MAX_GROUPS = 16


def _is_grouped(x: Tensor) -> bool:
    """Whether axis 1 counts groups of channels that lie one behind the other."""
    channels = x.base.c
    return (
        len(x.shape) > 2
        and x.order is None
        and channels is not None
        and x.shape[:2] != x.own_shape[:2]
        and x.shape[0] == x.own_shape[0]
        and channels % x.shape[GROUPS] == 0
    )


def _group(net: Recorder, name: str, x: Tensor, index: int) -> Tensor:
    """One group, as a map or features of its own."""
    whole = itself(x.name, x.base)
    size = whole.shape[1] // x.shape[GROUPS]
    return part(net, name, whole, 1, index * size, (index + 1) * size)


def _groups(net: Recorder, name: str, x: Tensor) -> list[Tensor]:
    """All groups, each as a map or features of its own.

    Raises:
        UnsupportedError: the axis counts something else, or too many for nodes of their own.
    """
    if not _is_grouped(x) or x.shape[GROUPS] > MAX_GROUPS:
        raise UnsupportedError(
            f"over axis {GROUPS} of {shown(x)}; allowed: 2 to {MAX_GROUPS} groups of channels"
        )
    return [_group(net, f"{name}_{index}", x, index) for index in range(x.shape[GROUPS])]


def _over_groups(net: Recorder, name: str, x: Tensor, *, keep: bool, function: str) -> Tensor:
    """Sum, mean (avg) or maximum over groups, element by element."""
    first, *others = _groups(net, f"{name}_group", x)
    made = first
    for index, other in enumerate(others, start=1):
        own = name if index == len(others) else f"{name}_{index}"
        made = net.two(own, "max" if function == "max" else "add", made, other)
    if function == "avg":
        made = scaled(net, f"{name}_mean", made, 1 / x.shape[GROUPS])
    return net.reshape(made, (x.shape[0], *([1] if keep else []), *x.shape[2:]))


def reduced(
    net: Recorder, name: str, x: Tensor, axes: Sequence[int], *, keep: bool, function: str
) -> Tensor:
    """Sum, mean (avg) or maximum over groups of channels or over planes.

    Raises:
        OpenSizeError: a sum over rows and columns whose number the source leaves open.
    """
    over = [counted(axis, len(x.shape)) for axis in axes]
    if over == [GROUPS] and _is_grouped(x):
        return _over_groups(net, name, x, keep=keep, function=function)
    if function != "sum":
        return net.reduced(name, x, axes, keep=keep, function=function)
    made = net.reduced(f"{name}_mean", x, axes, keep=keep, function="avg")
    net.of_one_size("a sum's number of elements follows")
    return scaled(net, name, made, math.prod(x.shape[axis] for axis in over))


def softmax(net: Recorder, name: str, x: Tensor, axis: int) -> Tensor:
    """Softmax over features; over two groups of channels it is the sigmoid of their difference."""
    if counted(axis, len(x.shape)) != GROUPS or not _is_grouped(x):
        return net.softmax(name, x, axis)
    if x.shape[GROUPS] != 2:
        raise UnsupportedError(f"over {x.shape[GROUPS]} groups of channels; allowed: 2")
    one, other = _groups(net, f"{name}_group", x)
    shares = [
        net.add(
            Unary,
            f"{name}_share_{index}",
            net.two(f"{name}_difference_{index}", "sub", *pair),
            function="sigmoid",
        )
        for index, pair in enumerate(((one, other), (other, one)))
    ]
    return net.reshape(net.concat(name, shares, 1), x.shape)


def stacked(net: Recorder, name: str, tensors: Sequence[Tensor], axis: int) -> Tensor:
    """Tensors of one shape as groups of channels."""
    shape = tensors[0].shape
    if counted(axis, len(shape) + 1) != GROUPS or any(each.shape != shape for each in tensors):
        raise UnsupportedError(f"along axis {axis} of {shown(tensors[0])}; allowed: along axis 1")
    return net.reshape(net.concat(name, tensors, 1), (shape[0], len(tensors), *shape[1:]))


def selected(net: Recorder, name: str, x: Tensor, axis: int, index: int) -> Tensor:
    """One element of an axis, which goes: a group of channels, or a part of any other axis."""
    axis = counted(axis, len(x.shape))
    if axis == 0:
        raise UnsupportedError("one of the images; allowed: of another axis")
    place = counted(index, x.shape[axis], f"index of axis {axis}:")
    if axis == GROUPS and _is_grouped(x):
        made = _group(net, name, x, place)
    else:
        # What is counted from the end stays so: it is right at every size.
        made = part(net, name, x, axis, index, None if index == -1 else index + 1)
    return net.reshape(made, (*x.shape[:axis], *x.shape[axis + 1 :]))
