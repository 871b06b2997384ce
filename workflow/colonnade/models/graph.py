# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A network as data: its nodes in execution order, in the vocabulary of a package's graph.json.

The torch module (`module`), shapes, fusion, packages and reports follow from it. Nothing here needs
torch.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from colonnade.models.layers import Conv2d, FullyConnected, Node
from colonnade.models.layers.node import Name, Size, Strict
from colonnade.models.shapes import FeatureShape, MapShape, TensorShape


class Input(Strict):
    """An input of the network, a map."""

    name: Name
    channels: Size

    def shape(self, n: int | None = None, h: int | None = None, w: int | None = None) -> MapShape:
        """Its shape, of so many images of that height and width."""
        return MapShape(n, self.channels, h, w)


@dataclass(frozen=True)
class Graph:
    """Nodes in execution order; every tensor is made once, before it is read.

    `stages` are the tensors at the end of each stage, which distillation compares.
    """

    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    stages: tuple[str, ...] = ()

    @property
    def convs(self) -> list[Conv2d]:
        """The convolutions, in execution order."""
        return [node for node in self.nodes if isinstance(node, Conv2d)]

    @property
    def classifiers(self) -> list[FullyConnected]:
        """The fully connected layers that make the outputs: their size is the number of classes."""
        return [
            node
            for node in self.nodes
            if isinstance(node, FullyConnected) and node.output in self.outputs
        ]

    @property
    def reads(self) -> Counter[str]:
        """How often each tensor is read, as an output of the network too."""
        return Counter([*self.outputs, *(name for node in self.nodes for name in node.sources)])

    def shapes_of_any_size(self) -> dict[str, TensorShape]:
        """Shapes of all tensors, as far as they do not depend on the images.

        Raises:
            ValueError: naming the node, its input's shape and what is needed.
        """
        return infer_shapes(self.nodes, {each.name: each.shape() for each in self.inputs})

    def shapes(self, batch: int, height: int, width: int | None = None) -> dict[str, TensorShape]:
        """Shapes of all tensors for a batch of images, square if no width is given.

        Raises:
            ValueError: naming the node, its input's shape and what is needed.
        """
        sizes = (batch, height, width or height)
        images = {each.name: each.shape(*sizes) for each in self.inputs}
        return infer_shapes(self.nodes, images)


def infer_shapes(
    nodes: Sequence[Node], inputs: Mapping[str, MapShape | FeatureShape]
) -> dict[str, TensorShape]:
    """Every tensor of a graph by name, for its nodes in order.

    Raises:
        ValueError: naming the node, its input's shape and what is needed.
    """
    known: dict[str, TensorShape] = dict(inputs)
    for node in nodes:
        add_shape(node, known)
    return known


def add_shape(node: Node, known: dict[str, TensorShape]) -> None:
    """Infer the shape of a node's output, and add it to the `known` ones.

    Raises:
        ValueError: as `infer_shapes`.
    """
    for source in node.sources:
        if source not in known:
            raise ValueError(f"{node.where}: input {source!r} does not exist")
    shape = node.shape(known)
    if node.output in known:
        raise ValueError(f"{node.where}: output {node.output!r} exists already")
    known[node.output] = shape
