# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Normalisation by what tensors hold: layer, group and instance norm."""

import math

import numpy as np

from colonnade.models.importing.recorder import Recorder
from colonnade.models.importing.values import Constant, Tensor, UnsupportedError, shown


def layer_norm(
    net: Recorder,
    name: str,
    x: Tensor,
    count: int,
    weight: Constant | None,
    bias: Constant | None,
    eps: float,
) -> Tensor:
    """Normalisation over the last `count` axes, by weights of their sizes.

    They are the channels, where the source has them behind height and width, or all but the images.
    """
    if count == len(x.shape) - 1 and count > 1:
        parts = [_per_channel(part, x.shape[-count:]) for part in (weight, bias)]
        return net.group_norm(name, x, 1, *parts, eps=eps)
    found = net.channels_first(x) if count == 1 else None
    if found is None:
        raise UnsupportedError(
            f"over the last {count} axes of {shown(x)}; allowed: the channels, which are the last axis of"
            " a map or of features, or all axes but the first"
        )
    plain, back = found
    return back(net.group_norm(name, plain, 1, weight, bias, eps=eps, per_pixel=True))


def _per_channel(part: Constant | None, sizes: tuple[int, ...]) -> Constant | None:
    """A weight of all elements that is one for each channel.

    Raises:
        UnsupportedError: it differs within a channel.
    """
    if part is None:
        return None
    values = np.broadcast_to(part.floats(), sizes).reshape(sizes[0], -1)
    if (values != values[:, :1]).any():
        raise UnsupportedError(f"{shown(part)}, one for each element; allowed: for each channel")
    return Constant(values[:, 0], part.name)


def instance_norm(
    net: Recorder, name: str, x: Tensor, weight: Constant | None, bias: Constant | None, eps: float
) -> Tensor:
    """Normalisation of every channel; of groups of them where the source sees each as one axis."""
    seen, own = x.shape, x.own_shape
    if len(seen) == len(own) or len(seen) < 3 or x.order is not None:
        return net.group_norm(name, x, seen[1], weight, bias, eps=eps)
    groups, channels = seen[1], own[1]
    if (
        seen[0] != own[0]
        or channels % groups
        or math.prod(seen[2:]) != math.prod(own[1:]) // groups
    ):
        raise UnsupportedError(f"of {shown(x)}; allowed: groups of channels")
    expanded = [_of_channels(part, channels) for part in (weight, bias)]
    made = net.group_norm(name, net.reshape(x, own), groups, *expanded, eps=eps)
    return net.reshape(made, seen)


def _of_channels(part: Constant | None, channels: int) -> Constant | None:
    """One number for each channel of one for each group."""
    if part is None:
        return None
    values = part.floats()
    return Constant(values.repeat(channels // values.size), part.name)
