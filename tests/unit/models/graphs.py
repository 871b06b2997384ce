# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks drawn at random, over all layer types."""

import random
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from colonnade.models.builder import Builder
from colonnade.models.graph import Graph, Input
from colonnade.models.layers import (
    Affine,
    AvgPool2d,
    BatchNorm,
    Binary,
    ChannelShuffle,
    Clip,
    Concat,
    Conv2d,
    Dropout,
    Elu,
    Flatten,
    GlobalPool,
    GroupNorm,
    HardSigmoid,
    LeakyRelu,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Node,
    Pad,
    Prelu,
    Slice,
    Softmax,
    Unary,
    Upsample2d,
)
from colonnade.models.module import Network
from colonnade.models.shapes import FeatureShape, MapShape, TensorShape

# But exp, whose numbers would be beyond those of half precision.
FUNCTIONS = (
    *("hard_swish", "sigmoid", "silu", "tanh"),
    *("gelu", "gelu_tanh", "mish", "softplus", "erf", "abs"),
)
INPUTS = (Input(name="image", channels=3), Input(name="other", channels=4))
ODD_SIZES = range(11, 26, 2)
# What is drawn behind a layer: more often what is fused with it.
FOLLOWERS = {
    "conv2d": ["batch_norm"] * 3 + ["relu", "relu6", "add", "add", "affine"],
    "batch_norm": ["relu", "relu6", "add", "add", "batch_norm"],
    "affine": ["relu", "relu6", "clip"],
    "binary": ["relu", "relu6", "clip", "add"],
    "unary": ["conv2d", "conv2d", "max_pool2d", "pad", "pad", "pad"],
    "pad": ["conv2d", "conv2d", "conv2d", "conv2d", "avg_pool2d", "avg_pool2d", "max_pool2d"],
    "concat": ["batch_norm", "concat", "concat", "channel_shuffle", "slice"],
    "slice": ["conv2d", "conv2d", "concat", "concat", "plain", "slice"],
    "global_pool": ["fully_connected", "broadcast", "broadcast", "plain"],
    "fully_connected": ["plain", "broadcast", "broadcast", "dropout"],
}


def sizes(seed: int) -> tuple[int, int, int]:
    """Batch, height and width of the images for a seed's network."""
    rng = random.Random(f"sizes of {seed}")
    return rng.randint(1, 3), rng.choice(ODD_SIZES), rng.choice(ODD_SIZES)


class Draw:
    """Draws nodes onto tensors that exist already."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.inputs = INPUTS[: self.rng.choice([1, 1, 2])]
        self.net = Builder(*self.inputs)
        self.shapes: dict[str, TensorShape] = {
            each.name: each.shape(*sizes(seed)) for each in self.inputs
        }
        self.ops: dict[str, str] = {}

    def add(self, layer: type[Node], name: str, **keys: Any) -> None:
        """Add a node that makes the tensor `name`."""
        node = layer(name=name, output=name, **keys)
        self.net.node(node)
        self.shapes[name] = node.shape(self.shapes)
        self.ops[name] = node.op

    def like(self, source: str) -> list[str]:
        """Tensors of the same shape, `source` itself alone if there is no other."""
        shape = self.shapes[source]
        others = [each for each, of in self.shapes.items() if of == shape and each != source]
        return others or [source]

    def window(self, shape: MapShape, *, most: int = 3) -> dict[str, list[int]]:
        """Kernel, stride and padding, mostly uneven, that fit a map."""
        draw = self.rng
        assert shape.h is not None and shape.w is not None
        kernel = [draw.randint(1, min(most, size)) for size in (shape.h, shape.w)]
        large = min(shape.h, shape.w) > 6
        stride = [draw.choice([1, 1, 2]) if large else 1 for _ in range(2)]
        if draw.random() < 0.4:
            return {"kernel": kernel, "stride": stride, "padding": [k // 2 for k in kernel] * 2}
        padding = [draw.randint(0, kernel[index % 2] - 1) for index in range(4)]
        return {"kernel": kernel, "stride": stride, "padding": padding}

    def conv2d(self, name: str, source: str, shape: MapShape) -> None:
        """A convolution: one group, a few, or one for each channel."""
        draw = self.rng
        groups = draw.choice([1, 1, 1, shape.c, *(g for g in (2, 3) if shape.c % g == 0)])
        channels = shape.c if draw.random() < 0.6 else groups * draw.randint(1, 3)
        window = self.window(shape)
        dilation = [draw.choice([1, 1, 2]) for _ in range(2)]
        for axis, size in enumerate((shape.h, shape.w)):
            if draw.random() < 0.5:
                window["padding"][axis::2] = [dilation[axis] * (window["kernel"][axis] // 2)] * 2
            room = size + window["padding"][axis] + window["padding"][axis + 2]
            if dilation[axis] * (window["kernel"][axis] - 1) >= room:
                dilation[axis] = 1
        if draw.random() < 0.3:
            # Its result has the input's shape, so that additions find partners.
            kernel = draw.choice([1, 3])
            window = {"kernel": [kernel] * 2, "stride": [1, 1], "padding": [kernel // 2] * 4}
            channels, dilation = shape.c, [1, 1]
        keys = {"in_channels": shape.c, "out_channels": channels, "groups": groups}
        keys |= {"bias": draw.random() < 0.5, "batch_norm": None, "residual": None}
        keys |= {"dilation": dilation, "activation": "none"}
        self.add(Conv2d, name, input=source, **window, **keys)

    def pool(self, layer: type[Node], name: str, source: str, shape: MapShape) -> None:
        """A pool over windows."""
        window = self.window(shape, most=4)
        keys: dict[str, Any] = {"ceil_mode": self.rng.random() < 0.5}
        if layer is AvgPool2d:
            keys["count_include_pad"] = self.rng.random() < 0.5
        else:
            keys["dilation"] = [self.rng.choice([1, 2]) if min(shape.h, shape.w) > 9 else 1] * 2
        self.add(layer, name, input=source, **window, **keys)

    def upsample(self, name: str, source: str, shape: MapShape) -> None:
        """An interpolation of small planes to a size, or by a factor."""
        draw = self.rng
        mode = draw.choice(["nearest", "bilinear"])
        to_size = draw.random() < 0.5
        self.add(
            Upsample2d,
            name,
            input=source,
            mode=mode,
            size=[draw.randint(1, 14), draw.randint(1, 14)] if to_size else None,
            scale=None if to_size else [draw.choice([1, 2, 1.5]), draw.choice([2, 3])],
            align_corners=mode == "bilinear" and draw.random() < 0.5,
        )

    def pad(self, name: str, source: str, shape: MapShape) -> None:
        """A border of at most one element, often of zeros."""
        draw, own = self.rng, ["replicate", "circular"]
        if min(shape.h or 1, shape.w or 1) > 1:
            own.append("reflect")
        mode = draw.choice(own) if draw.random() < 0.3 else "constant"
        value = draw.choice([0, 0, 0, 0, 0.5]) if mode == "constant" else 0
        padding = [draw.randint(0, 1) for _ in range(4)]
        self.add(Pad, name, input=source, padding=padding, value=value, mode=mode)

    def slice(self, name: str, source: str) -> None:
        """A part of the channels, of rows and columns too now and then, counted from either end."""
        draw, shape = self.rng, self.shapes[source]
        sizes = [shape.c, shape.h, shape.w] if isinstance(shape, MapShape) else [shape.c, 1, 1]
        keys: dict[str, list[Any]] = {"begin": [0] * 3, "end": [None] * 3, "step": [1] * 3}
        planes = draw.random() < 0.4
        for axis, size in enumerate(sizes):
            assert size is not None
            if size == 1 or not (planes or axis == 0):
                continue
            begin = draw.randint(0, size // 3)
            end = draw.randint(begin + 1, size) if axis == 0 else size - draw.randint(0, size // 4)
            keys["begin"][axis] = draw.choice([begin, begin - size])
            ends = [end, end - size] if end < size else [None, size, 4 * size]
            keys["end"][axis] = draw.choice(ends)
            keys["step"][axis] = draw.choice([1, 1, 1, 2])
        self.add(Slice, name, input=source, **keys)

    def group_norm(self, name: str, source: str) -> None:
        """A normalisation by groups of channels, or of every pixel."""
        shape = self.shapes[source]
        channels = shape.c
        assert channels is not None
        # PyTorch refuses groups of single numbers.
        is_map = isinstance(shape, MapShape) and (shape.h, shape.w) != (1, 1)
        least = 1 if is_map else 2
        fits = [g for g in range(1, channels // least + 1) if channels % g == 0]
        per_pixel = self.rng.random() < 0.5 or not fits
        groups = 1 if per_pixel else self.rng.choice(fits)
        # Where numbers differ by rounding alone, as those of one pixel of one channel do, they are noise.
        keys = {"channels": channels, "groups": groups, "per_pixel": per_pixel, "eps": 0.1}
        self.add(GroupNorm, name, input=source, **keys)

    def plain(self, name: str, source: str) -> None:
        """A function of every element."""
        draw = self.rng
        kinds: list[Callable[[], None]] = [
            lambda: self.unary(name, source, draw.choice(FUNCTIONS)),
            lambda: self.add(Elu, name, input=source, alpha=draw.uniform(0.5, 1.5)),
            lambda: self.add(LeakyRelu, name, input=source, slope=draw.uniform(-0.5, 0.5)),
            lambda: self.add(Prelu, name, input=source, channels=self.shapes[source].c),
            lambda: self.add(HardSigmoid, name, input=source, alpha=1 / 6, beta=0.5),
            lambda: self.add(Clip, name, input=source, min=draw.choice([None, -0.5]), max=1.5),
        ]
        draw.choice(kinds)()

    def unary(self, name: str, source: str, function: str) -> None:
        """A function without parameters."""
        self.add(Unary, name, input=source, function=function)

    def two(self, name: str, first: str, second: str, function: str) -> None:
        """An operation on two tensors, in either order."""
        inputs = [first, second] if self.rng.random() < 0.6 else [second, first]
        self.add(Binary, name, inputs=inputs, function=function, activation="none")

    def broadcast(self, name: str, source: str) -> None:
        """A map, and features of as many channels: those made of the map, if there are no others."""
        shape = self.shapes[source]
        maps = [n for n, of in self.shapes.items() if isinstance(of, MapShape) and of.c == shape.c]
        if isinstance(shape, MapShape):
            self.add(
                GlobalPool, f"mean.{name}", input=source, function=self.rng.choice(["avg", "max"])
            )
            maps, source = [source], f"mean.{name}"
        if maps:
            functions = ["mul", "mul", "add", "sub", "max", "min"]
            self.two(name, self.rng.choice(maps), source, self.rng.choice(functions))
        else:
            self.plain(name, source)

    def concat(self, name: str, source: str) -> None:
        """Two to four tensors, often those of another concatenation and one more."""
        fits = [
            each
            for each, of in self.shapes.items()
            if type(of) is type(self.shapes[source]) and vars(of) | {"c": 0} == self._free(source)
        ]
        earlier = [node for node in self.net.graph().nodes if isinstance(node, Concat)]
        begun = [node.inputs for node in earlier if node.inputs[0] in fits]
        start = self.rng.choice(begun) if begun and self.rng.random() < 0.7 else [source]
        inputs = [*start, *(self.rng.choice(fits) for _ in range(self.rng.randint(1, 2)))]
        if sum(self.shapes[each].c or 0 for each in inputs) > 24:
            return self.plain(name, source)
        return self.add(Concat, name, inputs=inputs)

    def _free(self, source: str) -> dict[str, Any]:
        return vars(self.shapes[source]) | {"c": 0}

    def node(self, name: str, source: str) -> None:
        """Any node that fits the tensor `source`."""
        draw, shape = self.rng, self.shapes[source]
        follows = FOLLOWERS.get(self.ops.get(source, ""), [])
        kind = draw.choice(follows) if follows and draw.random() < 0.7 else draw.choice(ANY)
        if isinstance(shape, FeatureShape):
            kind = kind if kind in OF_FEATURES else draw.choice(OF_FEATURES)
        elif kind in ("fully_connected", "softmax"):
            kind = "flatten"
        if kind in OF_MAPS:
            assert isinstance(shape, MapShape)
            OF_MAPS[kind](self, name, source, shape)
        else:
            KINDS[kind](self, name, source)


KINDS: dict[str, Callable[[Draw, str, str], None]] = {
    "fully_connected": lambda draw, name, source: draw.add(
        Linear,
        name,
        input=source,
        in_features=draw.shapes[source].c,
        out_features=draw.rng.choice([draw.shapes[source].c, draw.rng.randint(1, 5)]),
        bias=draw.rng.random() < 0.7,
    ),
    "batch_norm": lambda draw, name, source: draw.add(
        BatchNorm, name, input=source, channels=draw.shapes[source].c
    ),
    "affine": lambda draw, name, source: draw.add(
        Affine, name, input=source, channels=draw.shapes[source].c, activation="none"
    ),
    "relu": lambda draw, name, source: draw.unary(name, source, "relu"),
    "relu6": lambda draw, name, source: draw.unary(name, source, "relu6"),
    "clip": lambda draw, name, source: draw.add(
        Clip, name, input=source, min=0, max=draw.rng.choice([None, 6])
    ),
    "dropout": lambda draw, name, source: draw.add(Dropout, name, input=source, p=0.25),
    "softmax": lambda draw, name, source: draw.add(Softmax, name, input=source),
    "add": lambda draw, name, source: draw.two(
        name, source, draw.rng.choice(draw.like(source)), "add"
    ),
    "other": lambda draw, name, source: draw.two(
        name,
        source,
        draw.rng.choice(draw.like(source)),
        draw.rng.choice(["sub", "mul", "max", "min"]),
    ),
    "broadcast": Draw.broadcast,
    "group_norm": Draw.group_norm,
    "concat": Draw.concat,
    "slice": Draw.slice,
    "plain": Draw.plain,
}
OF_MAPS: dict[str, Callable[[Draw, str, str, MapShape], None]] = {
    "conv2d": Draw.conv2d,
    "max_pool2d": lambda draw, *of: draw.pool(MaxPool2d, *of),
    "avg_pool2d": lambda draw, *of: draw.pool(AvgPool2d, *of),
    "upsample": lambda draw, name, source, shape: (
        draw.upsample(name, source, shape) if shape.h < 13 else draw.conv2d(name, source, shape)
    ),
    "pad": Draw.pad,
    "channel_shuffle": lambda draw, name, source, shape: draw.add(
        ChannelShuffle,
        name,
        input=source,
        groups=draw.rng.choice([g for g in range(1, shape.c + 1) if shape.c % g == 0]),
    ),
    "local_response_norm": lambda draw, name, source, _: draw.add(
        LocalResponseNorm,
        name,
        input=source,
        size=draw.rng.randint(1, 5),
        alpha=0.1,
        beta=0.75,
        k=draw.rng.choice([1, 2]),
    ),
    "flatten": lambda draw, name, source, shape: (
        draw.add(Flatten, name, input=source)
        if shape.c * shape.h * shape.w < 200
        else draw.add(GlobalPool, name, input=source, function=draw.rng.choice(["avg", "max"]))
    ),
}
OF_FEATURES = list(KINDS)
ANY = [*OF_MAPS, *OF_FEATURES, "upsample", "upsample", "conv2d", "conv2d", "conv2d", "concat"]


def random_graph(seed: int) -> Graph:
    """Up to 40 nodes; most read the tensor before them, others any that they fit."""
    drawn = Draw(seed)
    rng = drawn.rng
    for index in range(rng.randint(5, 30)):
        tensors = list(drawn.shapes)
        maps = [name for name in tensors if isinstance(drawn.shapes[name], MapShape)]
        # Maps are few once there are features; these end networks.
        others = maps if rng.random() < 0.6 else tensors
        source = tensors[-1] if rng.random() < 0.7 else rng.choice(others)
        drawn.node(f"{rng.choice('ab')}.{index}", source)
    last = next(reversed(drawn.shapes))
    if isinstance(drawn.shapes[last], MapShape):
        drawn.add(GlobalPool, "pool", input=last, function="avg")
        last = "pool"
    channels = drawn.shapes[last].c
    assert channels is not None
    drawn.add(Linear, "head.fc", input=last, in_features=channels, out_features=4)
    made = [node.output for node in drawn.net.graph().nodes[:-1]]
    # Another output now and then: what makes it cannot be fused with what reads it.
    extra = [rng.choice(made)] if rng.random() < 0.5 else []
    graph = drawn.net.graph("head.fc", *extra)
    # Every input is read, as a package needs it.
    unread = [each for each in drawn.inputs if not graph.reads[each.name]]
    for each in unread:
        drawn.node(f"late.{each.name}", each.name)
    outputs = [f"late.{each.name}" for each in unread]
    return drawn.net.graph("head.fc", *extra, *outputs)


def random_network(seed: int) -> Network:
    """The module of a random graph in float64, its batch norms not the initial ones."""
    torch.manual_seed(seed)
    network = Network(random_graph(seed)).double()
    for key, value in network.state_dict().items():
        if "running_var" in key:
            value.uniform_(0.5, 1.5)
        elif value.is_floating_point():
            value.normal_(std=0.5)
    return network.eval()


def images(seed: int, graph: Graph) -> list[Tensor]:
    """Images for a random network, one tensor for each of its inputs."""
    generator = torch.Generator().manual_seed(seed)
    n, h, w = sizes(seed)
    return [
        torch.randn(n, each.channels, h, w, generator=generator, dtype=torch.float64)
        for each in graph.inputs
    ]
