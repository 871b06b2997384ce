# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The tensors of a network while it is imported, and the ways in which its source sees them."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from colonnade.models.graph import Input, add_shape
from colonnade.models.importing.names import Names
from colonnade.models.importing.values import (
    Constant,
    OpenSizeError,
    Tensor,
    UnsupportedError,
    itself,
    shown,
)
from colonnade.models.layers import ChannelShuffle, Concat, Flatten, Node, Slice
from colonnade.models.shapes import MapShape, TensorShape

Array = NDArray[Any]


class Tensors:
    """Nodes and their tensors, and what of them a source sees as something else.

    Raises:
        UnsupportedError: what no node reads.
    """

    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.nodes: list[Node] = []
        self.state: dict[str, Array] = {}
        # What each of these weights is made of.
        self.origins: dict[str, Constant] = {}
        # Whether the source leaves height or width open, so that nothing may be worked out from them.
        self.is_open = False
        # Whether the source has fixed ones, and so does not tell what of it follows from them.
        self.is_static = False
        # Whether nodes have, or may have, numbers that are right at one height and width alone.
        self.is_fixed = False
        self._known: dict[str, TensorShape] = {}
        self._names = Names()
        # Tensors that nodes have put in another order or shape, by the node's type, their name and how.
        self._rearranged: dict[tuple[type[Node], str, tuple[int, ...]], Tensor] = {}
        # Borders of minus infinity, which max pools take as their padding, by a name of no tensor.
        self._borders: dict[str, tuple[Tensor, list[int]]] = {}

    def of_one_size(self, what: str) -> None:
        """Note that a node's numbers follow from height or width; `what` begins a message.

        Raises:
            OpenSizeError: the source leaves them open.
        """
        if self.is_open:
            raise OpenSizeError(what)
        self.is_fixed = True

    def maybe_of_one_size(self) -> None:
        """Note that a node's numbers may follow from them, where the source does not tell."""
        self.is_fixed = self.is_fixed or self.is_static

    def input(self, name: str, shape: Sequence[int]) -> Tensor:
        """An input of the network: a map, or features, which are read as planes of one element."""
        if len(shape) not in (2, 4):
            raise UnsupportedError(
                f"input {name!r} is {list(shape)}; needed: [N, C, H, W] or [N, C]"
            )
        n, c, h, w = (*shape, 1, 1)[:4]
        try:
            self.inputs.append(Input(name=name, channels=c, size=(h, w) if len(shape) == 4 else ()))
        except ValidationError as error:
            key = error.errors()[0]["loc"][0]
            seen = c if key == "channels" else list(shape[2:])
            raise UnsupportedError(f"input {name!r}: {key}: {seen}") from error
        base = MapShape(n, c, h, w)
        self._known[name] = base
        self._names.take(name)
        tensor = itself(name, base)
        return tensor if len(shape) == 4 else self.features(self.reshape(tensor, (n, c)))

    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        """The same elements in another shape."""
        wanted = tuple(shape)
        if np.prod(wanted, dtype=np.int64) != np.prod(x.shape, dtype=np.int64):
            raise UnsupportedError(f"{shown(x)} as {list(wanted)}: other elements")
        order = None if x.order is None else x.order.reshape(wanted)
        return Tensor(x.name, x.base, wanted, _none_if_in_order(order))

    def transpose(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        """The axes of a tensor in another order."""
        if len(axes) != len(x.shape):
            raise UnsupportedError(f"axes {list(axes)} of {shown(x)}")
        order = x.placed().transpose(axes)
        return Tensor(x.name, x.base, order.shape, _none_if_in_order(order))

    def map_of(self, x: Tensor) -> Tensor:
        """The tensor as a map that nodes read: a shuffle of its channels becomes a node."""
        if isinstance(x.base, MapShape) and x.shape == x.own_shape:
            return x if x.order is None else self._shuffled(x)
        if isinstance(x.base, MapShape) and len(x.shape) == 4 and x.order is not None:
            return self._space_to_depth(x)
        raise UnsupportedError(f"{shown(x)}, made of {x.base}; needed: a map [N, C, H, W]")

    def _shuffled(self, x: Tensor) -> Tensor:
        plain = itself(x.name, x.base)
        places, channels = plain.placed(), x.shape[1]
        for groups in range(2, channels):
            if channels % groups == 0:
                order = np.arange(channels).reshape(groups, -1).T.ravel()
                if np.array_equal(x.placed(), places[:, order]):
                    key = (ChannelShuffle, x.name, (groups,))
                    if key not in self._rearranged:
                        name = self._names.free(f"{x.name}_shuffled")
                        self._rearranged[key] = self._add(
                            ChannelShuffle, name, plain, groups=groups
                        )
                    return self._rearranged[key]
        raise UnsupportedError("elements in another order than that of a channel shuffle")

    def _space_to_depth(self, x: Tensor) -> Tensor:
        """Every step's rows and columns as channels of their own: slices, one behind the other."""
        plain = itself(x.name, x.base)
        (_, c, *sizes), (_, channels, *smaller) = plain.shape, x.shape
        steps = [size // small for size, small in zip(sizes, smaller, strict=True)]
        whole = [step * small for step, small in zip(steps, smaller, strict=True)] == sizes
        if not whole or channels != c * math.prod(steps):
            raise UnsupportedError(f"{shown(x)}, made of {x.base}; needed: a map [N, C, H, W]")
        firsts = [(y, z) for y in range(steps[0]) for z in range(steps[1])]
        places, seen = plain.placed(), x.placed()
        parts = [places[:, :, y :: steps[0], z :: steps[1]] for y, z in firsts]
        interleaved = np.array_equal(np.stack(parts, 2).reshape(x.shape), seen)
        if not interleaved and not np.array_equal(np.concatenate(parts, 1), seen):
            raise UnsupportedError("elements in another order than that of space to depth")
        key = (Concat, x.name, (*steps, interleaved))
        if key not in self._rearranged:
            bounds: dict[str, Any] = {"end": [None] * 3, "step": [1, *steps]}
            taken = [
                self._add(
                    Slice, self._names.free(f"{x.name}_part"), plain, begin=[0, y, z], **bounds
                )
                for y, z in firsts
            ]
            name = self._names.free(f"{x.name}_parts")
            made = self._node(Concat, name, {}, {"inputs": [each.name for each in taken]})
            if interleaved:
                shuffled = self._names.free(f"{x.name}_unshuffled")
                made = self._add(ChannelShuffle, shuffled, made, groups=len(firsts))
            self._rearranged[key] = made
        return self._rearranged[key]

    def features(self, x: Tensor) -> Tensor:
        """The tensor as features that nodes read, in the order in which it has its elements."""
        if x.is_features:
            return itself(x.name, x.base)
        count = int(np.prod(x.own_shape[1:]))
        alike = x.shape in ((x.own_shape[0], count), (x.own_shape[0], count, 1, 1))
        if isinstance(x.base, MapShape) and alike:
            key = (Flatten, x.name, ())
            if key not in self._rearranged:
                name = self._names.free(f"{x.name}_flat")
                self._rearranged[key] = self._add(Flatten, name, itself(x.name, x.base))
            flat = self._rearranged[key]
            order = None if x.order is None else x.order.reshape(flat.shape)
            return Tensor(flat.name, flat.base, flat.shape, order)
        raise UnsupportedError(f"{shown(x)}, made of {x.base}; needed: features [N, C]")

    def channels_of(self, x: Tensor) -> Tensor:
        """The tensor as nodes read it that have a number for every channel."""
        if x.is_features:
            return x
        if len(x.shape) == 2:
            flat = self.features(x)
            if flat.order is None:
                return flat
        return self.map_of(x)

    def channels_first(self, x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]] | None:
        """The tensor as nodes read it, where the source sees its channels as the last axis.

        With it what makes of a tensor of the same pixels, of any channels, what the source sees. None
        where the last axis is something else.
        """
        last = len(x.shape) - 1
        turned = self.transpose(x, (0, last, *range(1, last)))
        own = x.own_shape
        if turned.shape[:2] != own[:2] or math.prod(turned.shape) != math.prod(own):
            return None
        plain = self.reshape(turned, own)
        if plain.order is not None:
            return None

        def back(made: Tensor) -> Tensor:
            seen = self.reshape(made, (*made.shape[:2], *turned.shape[2:]))
            return self.transpose(seen, (0, *range(2, last + 1), 1))

        return plain, back

    def _note(self, name: str, **parts: Constant | None) -> None:
        """Remember what the weights of a node are made of."""
        self.origins |= {f"{name}.{key}": each for key, each in parts.items() if each is not None}

    def _add(
        self,
        layer: type[Node],
        name: str,
        x: Tensor,
        state: Mapping[str, Array] | None = None,
        **keys: Any,
    ) -> Tensor:
        return self._node(layer, name, state or {}, {**keys, "input": x.name})

    def _node(
        self, layer: type[Node], name: str, state: Mapping[str, Array], keys: Mapping[str, Any]
    ) -> Tensor:
        for each in [keys["input"]] if "input" in keys else keys["inputs"]:
            if each in self._borders:
                raise UnsupportedError(f"of {each}, of -inf; allowed: as the padding of a max pool")
        try:
            node = layer(name=name, output=name, **keys)
            node.check()
            add_shape(node, self._known)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UnsupportedError(f"{where}: {first['input']!r}: {first['msg']}") from error
        except ValueError as error:
            raise UnsupportedError(str(error)) from error
        self.nodes.append(node)
        self.state |= {f"{name}.{key}": values for key, values in state.items()}
        return itself(name, self._known[name])


def _none_if_in_order(order: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    if order is None or np.array_equal(order.ravel(), np.arange(order.size)):
        return None
    return order
