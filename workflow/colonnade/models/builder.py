# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Writes a network down, node by node; input channels follow from what is read."""

from collections.abc import Sequence

from colonnade.models.graph import Graph, Input, add_shape
from colonnade.models.layers import (
    AvgPool2d,
    BatchNorm,
    Binary,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalPool,
    Linear,
    MaxPool2d,
    Node,
    Unary,
)
from colonnade.models.shapes import TensorShape

IMAGE = Input(name="image", channels=3)


class Builder:
    """Collects nodes. Each method adds one, and returns the name of the tensor that it makes.

    That is the node's own name, but for `output`. Nodes have the names of torchvision's modules, so that
    its weight files load.

    Raises:
        ValueError: a node that does not fit what it reads.
    """

    def __init__(self, *inputs: Input) -> None:
        self._inputs = inputs
        self._nodes: list[Node] = []
        self._known: dict[str, TensorShape] = {each.name: each.shape() for each in inputs}

    def graph(self, *outputs: str, stages: tuple[str, ...] = ()) -> Graph:
        """The network with these tensors as its outputs."""
        return Graph(self._inputs, outputs, tuple(self._nodes), stages)

    def channels(self, tensor: str) -> int:
        """Channels of a map, or length of a vector of features.

        Raises:
            ValueError: a flattened map, whose height and width are not known.
        """
        channels = self._known[tensor].c
        if channels is None:
            raise ValueError(f"tensor {tensor!r} is {self._known[tensor]}")
        return channels

    def node(self, node: Node) -> str:
        """Add a node of any type."""
        node.check()
        add_shape(node, self._known)
        self._nodes.append(node)
        return node.output

    def conv2d(
        self,
        name: str,
        source: str,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        padding: int | None = None,
        dilation: int = 1,
        *,
        groups: int = 1,
        bias: bool = False,
    ) -> str:
        """A convolution with a square window, by default padded so that the plane keeps its size."""
        if padding is None:
            padding = dilation * (kernel - 1) // 2
        return self.node(
            Conv2d(
                name=name,
                output=name,
                input=source,
                in_channels=self.channels(source),
                out_channels=out_channels,
                kernel=[kernel] * 2,
                stride=[stride] * 2,
                padding=[padding] * 4,
                dilation=[dilation] * 2,
                groups=groups,
                bias=bias,
                batch_norm=None,
                residual=None,
                activation="none",
            )
        )

    def batch_norm(self, name: str, source: str) -> str:
        """Batch normalisation."""
        channels = self.channels(source)
        return self.node(BatchNorm(name=name, output=name, input=source, channels=channels))

    def relu(self, name: str, source: str) -> str:
        """Rectification."""
        return self.node(Unary(name=name, output=name, input=source, function="relu"))

    def relu6(self, name: str, source: str) -> str:
        """Rectification to at most 6."""
        return self.node(Unary(name=name, output=name, input=source, function="relu6"))

    def dropout(self, name: str, source: str, p: float) -> str:
        """Dropout, in training alone."""
        return self.node(Dropout(name=name, output=name, input=source, p=p))

    def max_pool2d(self, name: str, source: str, kernel: int, stride: int, padding: int) -> str:
        """Maximum over a square window."""
        return self.node(
            MaxPool2d(
                name=name,
                output=name,
                input=source,
                kernel=[kernel] * 2,
                stride=[stride] * 2,
                padding=[padding] * 4,
                dilation=[1, 1],
                ceil_mode=False,
            )
        )

    def avg_pool2d(self, name: str, source: str, kernel: int, stride: int) -> str:
        """Mean over a square window without padding."""
        return self.node(
            AvgPool2d(
                name=name,
                output=name,
                input=source,
                kernel=[kernel] * 2,
                stride=[stride] * 2,
                padding=[0] * 4,
                ceil_mode=False,
                count_include_pad=True,
            )
        )

    def add(self, name: str, first: str, second: str) -> str:
        """Sum of two tensors."""
        return self.node(
            Binary(
                name=name,
                output=name,
                inputs=[first, second],
                function="add",
                activation="none",
            )
        )

    def concat(self, name: str, sources: Sequence[str]) -> str:
        """Tensors put together, channel after channel; a single one stays what it is."""
        if len(sources) == 1:
            return sources[0]
        return self.node(Concat(name=name, output=name, inputs=list(sources)))

    def global_avg_pool(self, name: str, source: str) -> str:
        """Mean of every channel's plane."""
        return self.node(GlobalPool(name=name, output=name, input=source, function="avg"))

    def flatten(self, name: str, source: str) -> str:
        """A map as features."""
        return self.node(Flatten(name=name, output=name, input=source))

    def fully_connected(
        self,
        name: str,
        source: str,
        out_features: int,
        output: str | None = None,
        *,
        in_features: int | None = None,
    ) -> str:
        """A fully connected layer; `in_features` where a map was flattened."""
        return self.node(
            Linear(
                name=name,
                output=output or name,
                input=source,
                in_features=in_features or self.channels(source),
                out_features=out_features,
            )
        )
