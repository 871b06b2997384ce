# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What every operation of a network computes, by its definition, in float64."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from colonnade.models.graph import Graph
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
    FullyConnected,
    GlobalPool,
    GroupNorm,
    HardSigmoid,
    LeakyRelu,
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

FUNCTIONS = {
    "none": lambda x: x,
    "relu": lambda x: x.clamp(min=0),
    "relu6": lambda x: x.clamp(0, 6),
    "hard_swish": lambda x: x * (x + 3).clamp(0, 6) / 6,
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "silu": lambda x: x / (1 + (-x).exp()),
    "tanh": torch.tanh,
    "gelu": lambda x: x * torch.erfc(-x / math.sqrt(2)) / 2,
    "gelu_tanh": lambda x: x / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "mish": lambda x: x * torch.tanh(torch.log1p(x.exp())),
    "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    "erf": torch.erf,
    "exp": torch.exp,
    "abs": lambda x: torch.where(x < 0, -x, x),
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "max": torch.maximum,
    "min": torch.minimum,
}


def computed(
    graph: Graph, model: nn.Module, pixels: Sequence[Tensor], nodes: Iterable[Node] | None = None
) -> dict[str, Tensor]:
    """Every tensor that nodes make, before or after fusion, by the definition of each operation."""
    known = dict(zip([each.name for each in graph.inputs], pixels, strict=True))
    state = dict(model.state_dict())
    for node in graph.nodes if nodes is None else nodes:
        known[node.output] = _computed(node, state, model, known)
    return known


def _channels(values: Tensor, like: Tensor) -> Tensor:
    return values.reshape(-1, values.shape[-1], *[1] * (like.dim() - 2))


def _batch_norm(x: Tensor, name: str, state: Mapping[str, Tensor]) -> Tensor:
    mean, var, weight, bias = (
        _channels(state[f"{name}.{key}"], x)
        for key in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (var + 1e-5).sqrt() * weight + bias


def _affine(x: Tensor, name: str, state: Mapping[str, Tensor]) -> Tensor:
    """An affine node of a network, or one that a batch norm became."""
    if f"{name}.running_var" in state:
        return _batch_norm(x, name, state)
    return x * _channels(state[f"{name}.scale"], x) + _channels(state[f"{name}.shift"], x)


def _windows(x: Tensor, node: MaxPool2d | AvgPool2d) -> tuple[list[list[slice]], list[list[int]]]:
    """For both axes: the elements of every window, and how many it has with its padding."""
    slices, counts = [], []
    for axis in range(2):
        size, kernel, stride = x.shape[2 + axis], node.kernel[axis], node.stride[axis]
        before, behind = node.padding[axis], node.padding[axis + 2]
        dilation = node.dilation[axis] if isinstance(node, MaxPool2d) else 1
        span = dilation * (kernel - 1) + 1
        exact = (size + before + behind - span) / stride + 1
        number = math.ceil(exact) if node.ceil_mode else math.floor(exact)
        if (number - 1) * stride >= size + before:
            number -= 1
        starts = [index * stride - before for index in range(number)]
        # The first element at or behind the edge that the dilated window has.
        firsts = [start if start >= 0 else start % dilation for start in starts]
        slices.append(
            [
                slice(a, max(a, min(b + span, size)), dilation)
                for a, b in zip(firsts, starts, strict=True)
            ]
        )
        counts.append([min(start + kernel, size + behind) - start for start in starts])
    return slices, counts


def _pooled(x: Tensor, node: MaxPool2d | AvgPool2d) -> Tensor:
    (rows, columns), (high, wide) = _windows(x, node)
    made = x.new_empty(*x.shape[:2], len(rows), len(columns))
    for i, j in itertools.product(range(len(rows)), range(len(columns))):
        window = x[:, :, rows[i], columns[j]].flatten(2)
        if isinstance(node, MaxPool2d):
            found = window.amax(2) if window.shape[2] else torch.tensor(-math.inf)
        elif node.count_include_pad:
            found = window.sum(2) / (high[i] * wide[j])
        else:
            found = window.mean(2)
        made[:, :, i, j] = found
    return made


def _normalised(x: Tensor, node: LocalResponseNorm) -> Tensor:
    made = torch.empty_like(x)
    for channel in range(x.shape[1]):
        first = max(0, channel - node.size // 2)
        beside = x[:, first : channel + (node.size - 1) // 2 + 1]
        norm = (node.k + node.alpha / node.size * beside.square().sum(1)) ** node.beta
        made[:, channel] = x[:, channel] / norm
    return made


def _by_moments(x: Tensor, node: GroupNorm, state: Mapping[str, Tensor]) -> Tensor:
    made = torch.empty_like(x)
    of_group = x.shape[1] // node.groups
    for image, group in itertools.product(range(len(x)), range(node.groups)):
        part = x[image, group * of_group : (group + 1) * of_group]
        axes = [0] if node.per_pixel else list(range(part.dim()))
        mean = part.mean(axes, keepdim=True)
        variance = (part - mean).square().mean(axes, keepdim=True)
        made[image, group * of_group : (group + 1) * of_group] = (part - mean) / (
            variance + node.eps
        ).sqrt()
    weight, bias = (_channels(state[f"{node.name}.{key}"], x) for key in ("weight", "bias"))
    return made * weight + bias


def _taken(size: int, out: int, factor: float | None, node: Upsample2d) -> Tensor:
    """[out, size]: how much of every element each place of an axis takes."""
    matrix = torch.zeros(out, size, dtype=torch.float64)
    ratio = size / out if factor is None else 1 / factor
    for place in range(out):
        if node.mode == "nearest":
            matrix[place, min(size - 1, math.floor(place * ratio))] = 1
            continue
        if node.align_corners:
            middle = place * (size - 1) / (out - 1) if out > 1 else 0.0
        else:
            middle = max(0.0, (place + 0.5) * ratio - 0.5)
        first = min(size - 1, math.floor(middle))
        matrix[place, first] += 1 - (middle - first)
        matrix[place, min(size - 1, first + 1)] += middle - first
    return matrix


def _resized(x: Tensor, node: Upsample2d) -> Tensor:
    sizes, scale = x.shape[2:], node.scale or [None, None]
    out = node.size or [math.floor(s * f) for s, f in zip(sizes, node.scale or [], strict=True)]
    rows, columns = (_taken(sizes[a], out[a], scale[a], node) for a in range(2))
    return torch.einsum("ih,nchw,jw->ncij", rows, x, columns)


def _computed(  # noqa: PLR0912
    node: Node, state: Mapping[str, Tensor], model: nn.Module, known: Mapping[str, Tensor]
) -> Tensor:
    x = known[node.sources[0]]
    match node:
        case Conv2d():
            weight, bias = (torch.from_numpy(each) for each in node.folded(model))
            top, left, bottom, right = node.padding
            padded = functional.pad(x, (left, right, top, bottom))
            window = (node.stride, 0, node.dilation, node.groups)
            made = functional.conv2d(padded, weight.permute(0, 3, 1, 2), bias, *window)
            made = made if node.residual is None else made + known[node.residual]
            return FUNCTIONS[node.activation](made)
        case BatchNorm():
            return _batch_norm(x, node.name, state)
        case Affine():
            return FUNCTIONS[node.activation](_affine(x, node.name, state))
        case Unary():
            return FUNCTIONS[node.function](x)
        case Clip():
            made = x if node.min is None else torch.where(x < node.min, node.min, x)
            return made if node.max is None else torch.where(made > node.max, node.max, made)
        case HardSigmoid():
            return (x * node.alpha + node.beta).clamp(0, 1)
        case Elu():
            return torch.where(x < 0, (x.exp() - 1) * node.alpha, x)
        case LeakyRelu():
            return torch.where(x < 0, x * node.slope, x)
        case Prelu():
            return torch.where(x < 0, x * _channels(state[f"{node.name}.weight"], x), x)
        case MaxPool2d() | AvgPool2d():
            return _pooled(x, node)
        case Binary():
            y = known[node.sources[1]]
            dimensions = max(x.dim(), y.dim())
            x, y = (each if each.dim() == dimensions else each[:, :, None, None] for each in (x, y))
            return FUNCTIONS[node.activation](FUNCTIONS[node.function](x, y))
        case Concat():
            return torch.cat([known[each] for each in node.inputs], 1)
        case Slice():
            for axis in range(1, x.dim()):
                bounds = (each[axis - 1] for each in (node.begin, node.end, node.step))
                x = x.index_select(axis, torch.arange(x.shape[axis])[slice(*bounds)])
            return x
        case Pad():
            top, left, bottom, right = node.padding
            around = (left, right, top, bottom)
            if node.mode == "constant":
                return functional.pad(x, around, value=node.value)
            return functional.pad(x, around, mode=node.mode)
        case ChannelShuffle():
            order = torch.arange(x.shape[1]).reshape(node.groups, -1).T.flatten()
            return x[:, order]
        case Upsample2d():
            return _resized(x, node)
        case GroupNorm():
            return _by_moments(x, node, state)
        case LocalResponseNorm():
            return _normalised(x, node)
        case GlobalPool():
            return x.mean((2, 3)) if node.function == "avg" else x.amax((2, 3))
        case Flatten():
            return x.reshape(len(x), -1)
        case Softmax():
            return x.exp() / x.exp().sum(1, keepdim=True)
        case Dropout():
            return x
        case FullyConnected():
            made = x @ state[f"{node.name}.weight"].T
            return made + state[f"{node.name}.bias"] if node.has_bias else made
    raise AssertionError(node)
