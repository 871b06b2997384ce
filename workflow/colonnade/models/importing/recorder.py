# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Writes the nodes of an imported network down, whatever it is imported from."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from colonnade.models.graph import Graph
from colonnade.models.importing.tensors import Array, Tensors
from colonnade.models.importing.values import (
    Constant,
    Tensor,
    UnsupportedError,
    counted,
    itself,
    shown,
)
from colonnade.models.layers import (
    Affine,
    AvgPool2d,
    BatchNorm,
    Binary,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalPool,
    GroupNorm,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Node,
    Pad,
    Prelu,
    Slice,
    Softmax,
    Upsample2d,
)
from colonnade.models.layers.pad import PadMode
from colonnade.models.shapes import FeatureShape, MapShape

SPATIAL = (2, 3)


class Recorder(Tensors):
    """Collects nodes, and their weights as the network's torch module has them.

    Each method adds the nodes of one operation, and returns what it makes. `name` is what the source
    calls the operation; where weights have a name of their own, such as conv1.weight, the node has that.

    Raises:
        UnsupportedError: an operation that the vocabulary of nodes does not have.
    """

    def graph(self, outputs: Mapping[str, Tensor]) -> Graph:
        """The network with these outputs, by the names that they have in the source."""
        made: dict[str, str] = {}
        given = {each.name for each in self.inputs}
        for name, tensor in outputs.items():
            found = self._as_output(tensor)
            if found.name in made or found.name in given:
                found = self._copied(found)
            made[found.name] = name
        taken = set(self._known) - set(made)
        renamed = {own: name for own, name in made.items() if name not in taken}
        nodes = [node.renamed(renamed) for node in self.nodes]
        nodes = [
            node.model_copy(update={"output": renamed.get(node.output, node.output)})
            for node in nodes
        ]
        names = tuple(renamed.get(own, own) for own in made)
        inputs = (
            each.model_copy(update={"fixed": self.is_fixed and each.size != ()})
            for each in self.inputs
        )
        return Graph(tuple(inputs), names, tuple(nodes))

    def _as_output(self, tensor: Tensor) -> Tensor:
        if tensor.is_plain or tensor.is_features:
            return tensor
        if len(tensor.shape) == 2:
            return self.ordered(tensor)
        return self.map_of(tensor)

    def ordered(self, x: Tensor) -> Tensor:
        """The tensor as features that have the order in which the source sees them."""
        found = self.features(x)
        if found.order is not None:
            raise UnsupportedError("features in another order than their map's")
        return found

    def _copied(self, x: Tensor) -> Tensor:
        """A tensor of its own with the same elements: no two outputs, and no input, are one."""
        name = self._names.free(f"{x.name}_copy")
        if isinstance(x.base, FeatureShape):
            return self._add(Flatten, name, x)
        return self._add(Pad, name, x, padding=[0] * 4, value=0.0)

    def add(self, layer: type[Node], name: str, x: Tensor, **keys: Any) -> Tensor:
        """A node of one input that computes every element by itself: its order stays."""
        made = self._add(layer, self._names.free(name), x, **keys)
        return Tensor(made.name, made.base, x.shape, x.order)

    def conv2d(
        self,
        name: str,
        x: Tensor,
        weight: Constant,
        bias: Constant | None,
        *,
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        groups: int,
    ) -> Tensor:
        """A convolution; of features it is a fully connected layer."""
        values = weight.floats()
        if values.ndim != 4:
            raise UnsupportedError(f"weight {list(values.shape)}; needed: four dimensions")
        out, own, *kernel = values.shape
        _check_bias(bias, (out,))
        if x.is_features and kernel == [1, 1] and groups == 1 and not any(padding):
            return self.linear(name, x, weight, bias)
        source = self.map_of(x)
        keys = {"in_channels": own * groups, "out_channels": out, "kernel": kernel}
        keys |= {"stride": list(stride), "padding": list(padding), "dilation": list(dilation)}
        keys |= {"groups": groups, "bias": bias is not None, "residual": None}
        state = {"weight": values} | ({} if bias is None else {"bias": bias.floats()})
        own_name = self._names.of_weight(weight.name, name)
        self._note(own_name, weight=weight, bias=bias)
        keys |= {"batch_norm": None, "activation": "none"}
        return self._add(Conv2d, own_name, source, state, **keys)

    def linear(self, name: str, x: Tensor, weight: Constant, bias: Constant | None) -> Tensor:
        """A fully connected layer of a weight [out, in]; a 1x1 convolution's has two sizes more."""
        values = weight.floats()
        out = values.reshape(values.shape[0], -1)
        _check_bias(bias, (len(out),), (1, len(out)))
        source = self.features(x)
        if source.order is not None:
            ordered = np.empty_like(out)
            ordered[:, source.order[0]] = out
            out = ordered
            source = itself(source.name, source.base)
        state = {"weight": out} | ({} if bias is None else {"bias": bias.floats().ravel()})
        own_name = self._names.of_weight(weight.name, name)
        self._note(own_name, weight=weight, bias=bias)
        keys = {"in_features": out.shape[1], "out_features": out.shape[0]}
        made = self._add(Linear, own_name, source, state, **keys, bias=bias is not None)
        wanted = (*made.shape, 1, 1) if len(x.shape) == 4 else made.shape
        return self.reshape(made, wanted)

    def linear_behind(
        self, name: str, x: Tensor, weight: Constant, bias: Constant | None
    ) -> Tensor:
        """A fully connected layer over the last axis: of pixels it is a convolution."""
        if len(x.shape) == 2:
            return self.linear(name, x, weight, bias)
        found = self.channels_first(x)
        if found is None:
            raise UnsupportedError(
                f"of {shown(x)}; allowed: [N, C], or a map's channels as last axis"
            )
        plain, back = found
        if plain.is_features:
            return back(self.linear(name, plain, weight, bias))
        kernel = Constant(weight.values[:, :, None, None], weight.name)
        window = {"stride": [1, 1], "padding": [0] * 4, "dilation": [1, 1]}
        return back(self.conv2d(name, plain, kernel, bias, **window, groups=1))

    def batch_norm(
        self, name: str, x: Tensor, parts: Mapping[str, Constant | None], eps: float
    ) -> Tensor:
        """Batch normalisation by weight, bias, running_mean and running_var; weight and bias may lack."""
        source = self.channels_of(x)
        channels = source.base.c
        assert channels is not None
        named = next(each for each in parts.values() if each is not None)
        state = {
            key: np.full(channels, key == "weight", np.float32) if part is None else part.floats()
            for key, part in parts.items()
        }
        for key, array in state.items():
            if array.shape != (channels,):
                raise UnsupportedError(f"{key} {list(array.shape)}; needed: [{channels}]")
        if (state["running_var"] < 0).any():
            variance = parts["running_var"]
            assert variance is not None
            raise UnsupportedError(f"tensor {variance.name!r} has variances below 0")
        state["num_batches_tracked"] = np.zeros((), np.int64)
        own_name = self._names.of_weight(named.name, name)
        self._note(own_name, **parts)
        made = self._add(BatchNorm, own_name, source, state, channels=channels, eps=eps)
        return self.reshape(made, x.shape)

    def group_norm(
        self,
        name: str,
        x: Tensor,
        groups: int,
        weight: Constant | None,
        bias: Constant | None,
        *,
        eps: float,
        per_pixel: bool = False,
    ) -> Tensor:
        """Normalisation of groups of channels; weight and bias, one for each channel, may lack."""
        source = self.channels_of(x)
        channels = source.base.c
        assert channels is not None
        given = {"weight": weight, "bias": bias}
        state = {
            key: np.full(channels, key == "weight", np.float32)
            if part is None
            else part.floats().ravel()
            for key, part in given.items()
        }
        for key, values in state.items():
            if values.size != channels:
                raise UnsupportedError(f"{key} of {values.size}; needed: one for each channel")
        named = weight or bias
        own_name = (
            self._names.free(name) if named is None else self._names.of_weight(named.name, name)
        )
        self._note(own_name, **given)
        keys = {"channels": channels, "groups": groups, "per_pixel": per_pixel, "eps": eps}
        made = self._add(GroupNorm, own_name, source, state, **keys)
        return self.reshape(made, x.shape)

    def affine(self, name: str, x: Tensor, scale: Array, shift: Array) -> Tensor:
        """x * scale + shift, each one number or one for every channel."""
        single = scale.size == shift.size == 1
        source = x if single else self.channels_of(x)
        channels = source.base.c
        assert channels is not None
        state = {
            key: np.broadcast_to(each.ravel().astype(np.float32), (channels,)).copy()
            for key, each in (("scale", scale), ("shift", shift))
        }
        keys = {"channels": channels, "activation": "none"}
        made = self._add(Affine, self._names.free(name), source, state, **keys)
        return Tensor(made.name, made.base, x.shape, source.order)

    def prelu(self, name: str, x: Tensor, slope: Constant) -> Tensor:
        """PReLU with one slope, or one for every channel."""
        source = self.channels_of(x)
        channels = source.base.c
        assert channels is not None
        values = slope.floats()
        if values.size not in (1, channels):
            raise UnsupportedError(f"slope {list(values.shape)}; needed: one for each channel")
        state = {"weight": np.broadcast_to(values.ravel(), (channels,)).copy()}
        own_name = self._names.of_weight(slope.name, name)
        self._note(own_name, weight=slope)
        made = self._add(Prelu, own_name, source, state, channels=channels)
        return self.reshape(made, x.shape)

    def max_pool2d(self, name: str, x: Tensor, **window: Any) -> Tensor:
        """Maximum over a window."""
        if x.name in self._borders:
            x, border = self._borders[x.name]
            around = zip(border, window["padding"], strict=True)
            window["padding"] = [own + other for own, other in around]
        return self._pooled(MaxPool2d, name, x, window)

    def avg_pool2d(self, name: str, x: Tensor, **window: Any) -> Tensor:
        """Mean over a window."""
        return self._pooled(AvgPool2d, name, x, window)

    def _pooled(self, layer: type[Node], name: str, x: Tensor, window: Mapping[str, Any]) -> Tensor:
        source = self.map_of(x)
        kernel = list(window["kernel"])
        if kernel == list(source.shape[2:]) and kernel != [1, 1]:
            self.maybe_of_one_size()
        return self._add(layer, self._names.free(name), source, None, **window)

    def reduced(
        self, name: str, x: Tensor, axes: Sequence[int], *, keep: bool, function: str
    ) -> Tensor:
        """Mean or maximum over planes, whose two axes the source may see as one."""
        size = len(x.shape)
        over = tuple(sorted(counted(axis, size) for axis in axes))
        behind = self.channels_first(x) if size > 2 and over == tuple(range(1, size - 1)) else None
        if behind is not None:
            made = self.reduced(name, behind[0], SPATIAL, keep=False, function=function)
            n, c = made.shape
            return self.reshape(made, (n, *([1] * (size - 2) if keep else []), c))
        if x.order is not None:
            x = self.map_of(x)
        if x.is_features and size == 4 and over == SPATIAL:
            return x if keep else self.reshape(x, x.shape[:2])
        planes = x.order is None and isinstance(x.base, MapShape)
        flat = size == 3 and over == (2,) and x.shape[:2] == x.own_shape[:2]
        if not planes or not (flat or (x.is_plain and over == SPATIAL)):
            raise UnsupportedError(f"over axes {list(axes)} of {shown(x)}; allowed: whole planes")
        plain = itself(x.name, x.base)
        made = self._add(GlobalPool, self._names.free(name), plain, function=function)
        return self.reshape(made, (*made.shape, *([1] * (size - 2) if keep else [])))

    def concat(self, name: str, parts: Sequence[Tensor], axis: int) -> Tensor:
        """Tensors put together along their channels."""
        size = len(parts[0].shape)
        behind = [
            self.channels_first(each) for each in parts if counted(axis, size) == size - 1 > 1
        ]
        found = [each for each in behind if each is not None]
        if len(found) == len(parts):
            return found[0][1](self.concat(name, [plain for plain, _ in found], 1))
        if counted(axis, size) != 1:
            raise UnsupportedError(f"axis {axis} of {shown(parts[0])}; allowed: 1, the channels")
        if len(parts) == 1:
            return parts[0]
        if size == 4 and not all(each.is_features for each in parts):
            return self._many(Concat, name, [self.map_of(each) for each in parts])
        made = self._many(Concat, name, [self.ordered(each) for each in parts])
        return self.reshape(made, (*made.shape, 1, 1)) if size == 4 else made

    def pad(
        self, name: str, x: Tensor, padding: Sequence[int], value: float, mode: PadMode = "constant"
    ) -> Tensor:
        """A border of one value, or of the plane's own elements."""
        if not any(padding):
            return x
        self.maybe_of_one_size()
        if value == -np.inf and mode == "constant":
            source = self.map_of(x)
            n, c, h, w = source.shape
            top, left, bottom, right = padding
            base = MapShape(n, c, h + top + bottom, w + left + right)
            bordered = f"the border of {name!r}"
            self._borders[bordered] = (source, list(padding))
            return itself(bordered, base)
        free = self._names.free(name)
        number = value if mode == "constant" else 0.0
        return self._add(Pad, free, self.map_of(x), padding=list(padding), value=number, mode=mode)

    def part(self, name: str, x: Tensor, axis: int, taken: slice) -> Tensor:
        """Some channels (axis 0), rows or columns; of a part of other axes it is one node with that."""
        bounds: dict[str, Any] = {"begin": [0] * 3, "end": [None] * 3, "step": [1] * 3}
        before = next((node for node in self.nodes if node.output == x.name), None)
        if isinstance(before, Slice) and before.is_whole(axis):
            bounds = {key: list(getattr(before, key)) for key in bounds}
            x = itself(before.input, self._known[before.input])
        own = (taken.start, taken.stop, taken.step)
        for key, value in zip(bounds, own, strict=True):
            bounds[key][axis] = value
        return self._add(Slice, self._names.free(name), x, **bounds)

    def softmax(self, name: str, x: Tensor, axis: int) -> Tensor:
        """Softmax over features."""
        source = self.features(x)
        if counted(axis, len(x.shape)) != 1 or source.order is not None:
            raise UnsupportedError(f"over axis {axis} of {shown(x)}; allowed: axis 1 of features")
        return self.reshape(self._add(Softmax, self._names.free(name), source), x.shape)

    def local_response_norm(self, name: str, x: Tensor, **keys: Any) -> Tensor:
        """Normalisation by the channels beside each."""
        return self._add(LocalResponseNorm, self._names.free(name), self.map_of(x), **keys)

    def upsample2d(self, name: str, x: Tensor, **keys: Any) -> Tensor:
        """Interpolation."""
        return self._add(Upsample2d, self._names.free(name), self.map_of(x), **keys)

    def dropout(self, name: str, x: Tensor, p: float) -> Tensor:
        """Dropout, which training alone computes."""
        return self.add(Dropout, name, x, p=p) if 0 < p < 1 else x

    def two(self, name: str, function: str, first: Tensor, second: Tensor) -> Tensor:
        """A function of two tensors of one shape, or of a map and a number for each of its planes."""
        keys = {"function": function, "activation": "none"}
        try:
            seen = np.broadcast_shapes(first.shape, second.shape)
        except ValueError as error:
            raise UnsupportedError(f"{shown(first)} and {shown(second)}: no broadcast") from error
        if first.shape == second.shape and not _is_alike(first, second):
            first, second = self._as_seen(first), self._as_seen(second)
        if first.shape == second.shape and _is_alike(first, second):
            made = self._many(Binary, name, [first, second], **keys)
            return Tensor(made.name, made.base, first.shape, first.order)
        if len(first.shape) == len(second.shape) == 4 and seen in (first.shape, second.shape):
            parts = [
                self.map_of(each)
                if each.shape == seen and not each.is_features
                else self.ordered(self.reshape(each, each.shape[:2]))
                for each in (first, second)
                if each.shape == seen or (each.shape[:2] == seen[:2] and each.shape[2:] == (1, 1))
            ]
            if len(parts) == 2:
                return self.reshape(self._many(Binary, name, parts, **keys), seen)
        one, other = _with_groups_joined(first), _with_groups_joined(second)
        if one and other and first.shape[:-2] == second.shape[:-2]:
            made = self.two(name, function, self.reshape(first, one), self.reshape(second, other))
            return self.reshape(made, seen)
        if first.is_features and second.is_features and first.shape[:2] == second.shape[:2]:
            made = self._many(Binary, name, [self.features(first), self.features(second)], **keys)
            return self.reshape(made, seen)
        raise UnsupportedError(
            f"{shown(first)} and {shown(second)}; allowed: of one shape, or [N, C,"
            " H, W] and [N, C, 1, 1]"
        )

    def _as_seen(self, x: Tensor) -> Tensor:
        """The tensor in the order in which the source sees it, where nodes make that."""
        if len(x.shape) == 2:
            return self.features(x)
        return x if x.is_features else self.map_of(x)

    def _many(self, layer: type[Node], name: str, parts: Sequence[Tensor], **keys: Any) -> Tensor:
        keys["inputs"] = [each.name for each in parts]
        return self._node(layer, self._names.free(name), {}, keys)


def _check_bias(bias: Constant | None, *allowed: tuple[int, ...]) -> None:
    """Make sure that a bias has one of the allowed shapes, the usual one first."""
    if bias is not None and np.shape(bias.values) not in allowed:
        seen = list(np.shape(bias.values))
        raise UnsupportedError(f"bias {bias.name!r} {seen}; needed: {list(allowed[0])}")


def _with_groups_joined(x: Tensor) -> tuple[int, ...] | None:
    """The sizes of a tensor [N, groups, C, H, W] with all of its channels as one axis."""
    joined = (x.shape[0], math.prod(x.shape[1:-2]), *x.shape[-2:])
    fits = len(x.shape) > 4 and x.order is None and joined[:2] == x.own_shape[:2]
    return joined if fits else None


def _is_alike(first: Tensor, second: Tensor) -> bool:
    """Whether elements of one place of two tensors of one shape are of one place in the source too."""
    return first.own_shape == second.own_shape and np.array_equal(first.placed(), second.placed())
