# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the convolutions of a network are: their names, and their shapes for an input."""

from functools import cache

from colonnade.common.errors import ColonnadeError
from colonnade.models.conv_shape import ConvShape
from colonnade.models.fusion import fused
from colonnade.models.graph import Graph
from colonnade.models.networks import network
from colonnade.models.shapes import MapShape


def conv_names(name: str) -> list[str]:
    """Names of the convolutions of a model, in execution order.

    Raises:
        ColonnadeError: no such model.
    """
    return [conv.name for conv in network(name, 1).convs]


def image_convs(name: str) -> list[str]:
    """Names of those convolutions of a model that read images, in execution order.

    Raises:
        ColonnadeError: no such model.
    """
    return [conv.name for conv in network(name, 1).image_convs]


def grouped_convs(name: str) -> list[str]:
    """Names of those convolutions of a model that have groups, in execution order.

    Raises:
        ColonnadeError: no such model.
    """
    return [conv.name for conv in network(name, 1).convs if conv.groups > 1]


def conv_shapes(name: str, image_px: int, batch: int) -> list[tuple[str, ConvShape]]:
    """Layer name and shape of every convolution of a model that runs by a schedule, in execution order.

    A convolution that adds a residual when it is executed has that in its shape. One whose groups read a
    channel each has no schedule: its kernel is the only one. Other groups run one after the other, each
    by the schedule of the shape of one.

    Raises:
        ColonnadeError: no such model, sizes below 1, or images that are too small for it.
    """
    return list(_conv_shapes(name, image_px, batch))


@cache
def _conv_shapes(name: str, image_px: int, batch: int) -> tuple[tuple[str, ConvShape], ...]:
    if image_px < 1 or batch < 1:
        raise ColonnadeError(f"image_px {image_px}, batch {batch}: at least 1 each")
    return tuple(graph_conv_shapes(network(name, 1), name, image_px, batch))


def graph_conv_shapes(
    graph: Graph, name: str, image_px: int | None, batch: int
) -> list[tuple[str, ConvShape]]:
    """The same of a network before fusion, whatever made it; `name` is for messages.

    Without `image_px` it has images of the size with which it was imported.

    Raises:
        ColonnadeError: images that do not fit it.
    """
    try:
        shapes = graph.shapes(batch, image_px)
    except ValueError as error:
        size = "" if image_px is None else f"image_px {image_px}, "
        raise ColonnadeError(f"model {name}: {size}batch {batch}: {error}") from error
    executed = {conv.name: conv for conv in fused(graph).convs}
    found = []
    for conv in graph.convs:
        if conv.groups == conv.in_channels > 1:
            continue
        source = shapes[conv.input]
        assert isinstance(source, MapShape)
        found.append((conv.name, executed[conv.name].conv_shape(source)))
    return found
