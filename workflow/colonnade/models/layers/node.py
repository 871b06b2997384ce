# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What all layer types have in common: a node of a network, as data."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from colonnade.models.shapes import MAX_SIZE, MAX_WINDOW, TensorShape, reach

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

MAX_WEIGHTS = 1 << 28
"""Of one layer, before pruning."""

MAX_NAME = 256
"""Bytes of a name in UTF-8: what the runner counts."""


def _short(name: str) -> str:
    if len(name.encode()) > MAX_NAME:
        raise ValueError(f"allowed: at most {MAX_NAME} bytes")
    return name


PAIR = Field(min_length=2, max_length=2)
Name = Annotated[str, Field(min_length=1), AfterValidator(_short)]
Size = Annotated[int, Field(ge=1, le=MAX_SIZE)]
Positive = Annotated[list[Annotated[int, Field(ge=1, le=MAX_WINDOW)]], PAIR]
Padding = Annotated[
    list[Annotated[int, Field(ge=0, le=MAX_WINDOW)]], Field(min_length=4, max_length=4)
]
"""Top, left, bottom, right: ONNX's order."""
Number = Annotated[float, Field(allow_inf_nan=False)]
Activation = Literal["none", "relu", "relu6"]


class Strict(BaseModel):
    """Takes exactly the keys it has, of exactly their types."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Node(Strict, ABC):
    """One operation. It reads tensors by name, and makes the tensor `output`.

    A layer type is a subclass, listed in `colonnade.models.layers`. Its fields are what graph.json says
    of it.
    """

    is_packaged: ClassVar[bool] = True
    """Whether graph.json has such nodes; others must become a part of one that it has."""
    unpackaged: ClassVar[frozenset[str]] = frozenset()
    """Keys that graph.json does not have, where it has the node."""

    op: str
    name: Name
    output: Name

    @property
    def where(self) -> str:
        """What a message about the node begins with."""
        return f"node {self.name!r}"

    @property
    @abstractmethod
    def sources(self) -> tuple[str, ...]:
        """The tensors that it reads."""

    @property
    def in_order(self) -> tuple[str, ...]:
        """Those of `sources` whose channel i, and no other, decides channel i of the output."""
        return self.sources

    def check(self) -> None:
        """Make sure that keys which are valid each fit together.

        Raises:
            ValueError: they do not.
        """

    @abstractmethod
    def shape(self, known: Mapping[str, TensorShape]) -> TensorShape:
        """The shape of its output; `known` has those of its sources.

        Raises:
            ValueError: naming the node, its input's shape and what is needed.
        """

    @abstractmethod
    def module(self) -> "nn.Module":
        """The torch module that computes it, called with the tensors of `sources`."""

    def renamed(self, names: Mapping[str, str]) -> "Node":
        """The node where tensors that it reads have other names."""
        update: dict[str, Any] = {}
        for key in ("input", "residual", "inputs"):
            value = getattr(self, key, None)
            if isinstance(value, str):
                update[key] = names.get(value, value)
            elif value is not None:
                update[key] = [names.get(each, each) for each in value]
        return self.model_copy(update=update)

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the tensors that a package holds of it, by what follows the node's name."""
        return {}

    def weights(self, model: "nn.Module") -> "dict[str, NDArray[np.float32]]":
        """These tensors, from the model's modules."""
        return {}


class UnaryNode(Node):
    """An operation on one tensor."""

    input: Name

    @property
    def sources(self) -> tuple[str, ...]:
        """The tensor that it reads."""
        return (self.input,)


def check_weights(where: str, key: str, rows: int, columns: int) -> None:
    """Make sure that a weight matrix is not too large.

    Raises:
        ValueError: it is; `key` is what `rows` is called.
    """
    if rows * columns > MAX_WEIGHTS:
        raise ValueError(
            f"{where}: {key}: {rows} by {columns} weights; allowed: at most {MAX_WEIGHTS}"
        )


def check_window(where: str, kernel: list[int], padding: list[int], dilation: list[int]) -> None:
    """Make sure that a pool's padding is smaller than what its kernel reaches.

    Raises:
        ValueError: it is not.
    """
    reached = [reach(*axis) for axis in zip(kernel, dilation, strict=True)]
    if any(each >= reached[index % 2] for index, each in enumerate(padding)):
        raise ValueError(
            f"{where}: padding: {padding}; allowed: less than {reached}, the reach of the kernel"
        )


def with_activation(activation: Activation, function: str) -> Activation:
    """What rectifying does behind an activation: `function` is relu or relu6."""
    return "relu6" if "relu6" in (activation, function) else "relu"


def pair(values: list[int]) -> tuple[int, int]:
    """Two sizes, vertical and horizontal, as torch takes them."""
    vertical, horizontal = values
    return vertical, horizontal


def float64(tensor: Any) -> "NDArray[np.float64]":
    """The values of a tensor of torch, for sums that are rounded once at their end."""
    values: NDArray[np.float64] = tensor.detach().cpu().double().numpy()
    return values
