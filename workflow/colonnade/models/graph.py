# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A network as data: its nodes in execution order, in the vocabulary of a package's graph.json.

The torch module (`module`), shapes, fusion, packages and reports follow from it. Nothing here needs
torch.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from colonnade.models.layers import Conv2d, FullyConnected, Node
from colonnade.models.layers.node import Name, Size, Strict
from colonnade.models.shapes import DEFAULT_PX, FeatureShape, MapShape, TensorShape


class NamedInput(Strict):
    """An input of the network, a map, as graph.json has it."""

    name: Name
    channels: Size

    def shape(self, n: int | None = None, h: int | None = None, w: int | None = None) -> MapShape:
        """Its shape, of so many images of that height and width."""
        return MapShape(n, self.channels, h, w)


class Input(NamedInput):
    """An input of the network, a map.

    `size` is the height and width with which it was imported, () where its source has features [N, C],
    which are planes of one element here; null where nothing is known of it. `fixed` where images of
    another size are refused: nodes have numbers of this one.
    """

    # Networks of the library have none, and keep the bytes of their checkpoints.
    size: tuple[()] | tuple[Size, Size] | None = Field(
        default=None, exclude_if=lambda size: size is None
    )
    fixed: bool = Field(default=False, exclude_if=lambda fixed: not fixed)

    def sized(self, n: int, h: int | None = None, w: int | None = None) -> MapShape:
        """Its shape of so many images: of that height and width, else of its own, else `DEFAULT_PX`.

        Features keep their one element.

        Raises:
            ValueError: another size than the only one.
        """
        if self.size == ():
            return self.shape(n, 1, 1)
        if h is not None:
            given = (h, w or h)
            if self.fixed and self.size and given != self.size:
                height, width = self.size
                raise ValueError(
                    f"input {self.name!r} is {h} by {w or h}; needed: {height} by {width}: the network"
                    " has numbers of that size"
                )
            return self.shape(n, *given)
        return self.shape(n, *(self.size or (DEFAULT_PX, DEFAULT_PX)))

    def resized(self, px: int) -> "Input":
        """The same for square images of so many pixels a side; features stay.

        Raises:
            ValueError: another size than the only one.
        """
        self.sized(1, px)
        return self if self.size == () else self.model_copy(update={"size": (px, px)})


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
    def image_convs(self) -> list[Conv2d]:
        """Those of them that read an input of the network."""
        images = {each.name for each in self.inputs}
        return [conv for conv in self.convs if conv.input in images]

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

    @property
    def image_px(self) -> int | None:
        """Pixels of an image's side, if it has one input, which was imported with square images."""
        sizes = [each.size for each in self.inputs]
        return sizes[0][0] if len(sizes) == 1 and sizes[0] and len(set(sizes[0])) == 1 else None

    def shapes(
        self, batch: int, height: int | None = None, width: int | None = None
    ) -> dict[str, TensorShape]:
        """Shapes of all tensors for a batch of images, square if no width is given.

        Without a height each input has the size with which it was imported, see `Input.sized`.

        Raises:
            ValueError: naming the node, its input's shape and what is needed.
        """
        images = {each.name: each.sized(batch, height, width) for each in self.inputs}
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
