# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the values of an imported network are, while its operations are read one after the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from colonnade.models.shapes import FeatureShape, TensorShape

Floats = NDArray[np.float32]


class UnsupportedError(Exception):
    """An operation that cannot be imported, and why."""


OF_THE_BATCH = "of the batch's own statistics (export behind .eval())"
"""What is said of a norm in train mode, which also counts its batches."""
OF_CONSTANTS = "of constants alone"


class OpenSizeError(UnsupportedError):
    """What follows from a size that the source leaves open: one of them is no number of a node."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} from a size that is left open; needed: fixed sizes, where the network is exported"
            " or, of an ONNX file, as --image-px"
        )


@dataclass(frozen=True)
class Constant:
    """Known values; `name` is what a message calls them. `sized` if they follow from an input's size."""

    values: NDArray[np.generic]
    name: str
    sized: bool = False

    def floats(self) -> Floats:
        """The values as weights.

        Raises:
            UnsupportedError: they are no numbers, or not finite ones.
        """
        values = np.asarray(self.values)
        if values.dtype.kind not in "fiuV" or (values.dtype.kind == "V" and not _is_float(values)):
            raise UnsupportedError(f"tensor {self.name!r} is {values.dtype}; needed: numbers")
        with np.errstate(over="ignore"):
            found = values.astype(np.float32)
        if not np.isfinite(found).all():
            raise UnsupportedError(f"tensor {self.name!r} holds a number that is not finite")
        return found

    def whole(self) -> list[int]:
        """The values as a list of whole numbers."""
        return [int(each) for each in np.asarray(self.values).ravel()]

    def number(self) -> float:
        """The only value.

        Raises:
            UnsupportedError: there are several, or none that is finite.
        """
        if np.size(self.values) != 1:
            raise UnsupportedError(f"tensor {self.name!r} has several elements; needed: one")
        return float(self.floats().ravel()[0])


def _is_float(values: NDArray[np.generic]) -> bool:
    """Whether a type of another library, such as bfloat16, has floating-point numbers."""
    return "float" in values.dtype.name


@dataclass(frozen=True)
class Tensor:
    """A tensor of the network as the source sees it.

    `name` and `base` are the tensor's own. The source sees its elements in `shape`: in the same order, or
    in that of `order`, an array of that shape with their places.
    """

    name: str
    base: TensorShape
    shape: tuple[int, ...]
    order: NDArray[np.int64] | None = None

    @property
    def own_shape(self) -> tuple[int, ...]:
        """The sizes of the tensor itself."""
        sizes = tuple(vars(self.base).values())
        assert None not in sizes
        return sizes

    @property
    def is_plain(self) -> bool:
        """Whether the source sees the tensor as it is."""
        return self.shape == self.own_shape and self.order is None

    @property
    def is_features(self) -> bool:
        """Whether it is features, also where the source sees planes of one element."""
        own = self.own_shape
        alike = self.shape[:2] == own[:2] and set(self.shape[2:]) <= {1}
        return isinstance(self.base, FeatureShape) and alike and self.order is None

    def placed(self) -> NDArray[np.int64]:
        """Where in the tensor each element is that the source sees."""
        if self.order is not None:
            return self.order
        return np.arange(np.prod(self.shape, dtype=np.int64)).reshape(self.shape)


def itself(name: str, base: TensorShape) -> Tensor:
    """A tensor that the source sees as it is."""
    return Tensor(name, base, tuple(vars(base).values()))


Value = Tensor | Constant


def counted(index: int, size: int, what: str = "axis") -> int:
    """A place among `size`, which may be counted from the end, counted from 0.

    Raises:
        UnsupportedError: there is none.
    """
    if not -size <= index < size:
        raise UnsupportedError(f"{what} {index}; allowed: {-size} to {size - 1}")
    return index % size


def shown(value: Value) -> str:
    """A value in a message."""
    if isinstance(value, Constant):
        return f"the constant {value.name!r} {list(np.shape(value.values))}"
    return f"a tensor {list(value.shape)}"
