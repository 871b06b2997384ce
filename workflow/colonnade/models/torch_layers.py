# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Modules that torch lacks, or computes slowly."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d, pad

from colonnade.models.shapes import positions, reach

# Measured with bfloat16 on AMX, forward and backward, batch 64: a matrix product takes 0.16 of the
# time that oneDNN's convolution takes on planes of 2x2, and 0.6 on 3x3.
SMALL_PLANE = 9


Edges = tuple[int, int, int, int]
"""Left, right, top and bottom, as torch's `pad` takes them."""


def edges(padding: Sequence[int]) -> Edges:
    """Top, left, bottom and right in torch's order."""
    top, left, bottom, right = padding
    return left, right, top, bottom


class _Patches(torch.autograd.Function):
    """The patches that meet the weights: [N, H, W, Cin] -> [N * H' * W', K], K in (kh, kw, cin) order.

    That is the order in which channels_last keeps the weights, so that these need no copy. In the
    gradient, taps are added up in one tensor: autograd would fill another of the input's size for each.
    """

    @staticmethod
    def forward(
        ctx: Any,
        image: Tensor,
        taps: Sequence[tuple[int, int]],
        plane: tuple[int, int],
        stride: tuple[int, int],
    ) -> Tensor:
        ctx.shape, ctx.taken = image.shape, [_window(*tap, plane, stride) for tap in taps]
        patches = torch.cat([image[window] for window in ctx.taken], 3)
        return patches.view(len(image) * math.prod(plane), -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        image = gradient.new_zeros(ctx.shape)
        channels = ctx.shape[3]
        for index, window in enumerate(ctx.taken):
            part = image[window]
            part += gradient[:, index * channels : (index + 1) * channels].view(part.shape)
        return image, None, None, None


def _window(
    y: int, x: int, plane: tuple[int, int], stride: tuple[int, int]
) -> tuple[slice, slice, slice]:
    """The pixels of images that a tap meets."""
    (rows, columns), (down, across) = plane, stride
    return (
        slice(None),
        slice(y, y + down * (rows - 1) + 1, down),
        slice(x, x + across * (columns - 1) + 1, across),
    )


class PlaneConv2d(nn.Conv2d):
    """A convolution that is a matrix product where its planes have few pixels.

    That is so in mixed precision on a CPU alone, without groups; products and sums are the same.
    `padding` is top, left, bottom, right.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: Sequence[int] = (0, 0, 0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        *,
        bias: bool = True,
    ) -> None:
        self._edges = edges(padding)
        left, right, top, bottom = self._edges
        self._is_even = (top, left) == (bottom, right)
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            (top, left) if self._is_even else (0, 0),
            dilation,
            groups,
            bias,
        )

    def forward(self, input: Tensor) -> Tensor:
        """[N, in_channels, H, W] -> [N, out_channels, H', W']."""
        mixed = input.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        small = mixed and self.groups == 1
        if small and math.prod(self._plane(input)) <= SMALL_PLANE:
            return self._as_product(input.bfloat16(), self.weight.bfloat16())
        return super().forward(input if self._is_even else self.padded(input))

    def padded(self, image: Tensor) -> Tensor:
        """The input with its padding around it."""
        return pad(image, self._edges)

    def _plane(self, image: Tensor) -> tuple[int, int]:
        """Rows and columns of the output."""
        left, right, top, bottom = self._edges
        around = ((top, bottom), (left, right))
        windows = zip(self.kernel_size, self.stride, around, self.dilation, strict=True)
        rows, columns = (
            positions(size, *window) for size, window in zip(image.shape[2:], windows, strict=True)
        )
        return rows, columns

    def _as_product(self, image: Tensor, weight: Tensor) -> Tensor:
        rows, columns = self._plane(image)
        height, width = (
            range(0, reach(size, step), step)
            for size, step in zip(self.kernel_size, self.dilation, strict=True)
        )
        taps = [(y, x) for y in height for x in width]
        padded = self.padded(image).permute(0, 2, 3, 1)
        patches: Tensor = _Patches.apply(  # type: ignore[no-untyped-call]
            padded, taps, (rows, columns), self.stride
        )
        product = patches @ weight.permute(0, 2, 3, 1).reshape(len(weight), -1).t()
        if self.bias is not None:
            product = product + self.bias.bfloat16()
        return product.view(len(image), rows, columns, -1).permute(0, 3, 1, 2)


class ChannelNorm(nn.BatchNorm2d):
    """Batch normalisation of maps, and of features."""

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in (2, 4):
            raise ValueError(f"{input.dim()} dimensions; needed: 2 or 4")


def per_channel(values: Tensor, like: Tensor) -> Tensor:
    """Values [C] or [N, C] so that they meet the channels of a tensor."""
    if values.dim() == 1:
        values = values[None]
    return values.view(*values.shape[:2], *(1 for _ in range(like.dim() - 2)))


class ScaleShift(nn.Module):
    """x * scale + shift, one of each for every channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, input: Tensor) -> Tensor:
        """The shape stays."""
        return input * per_channel(self.scale, input) + per_channel(self.shift, input)


class PixelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of every pixel, or of features."""

    def forward(self, input: Tensor) -> Tensor:
        """The shape stays."""
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


class _Pool(nn.Module):
    """A window over planes, of any padding."""

    def __init__(
        self,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        padding: Sequence[int],
        dilation: tuple[int, int],
        ceil_mode: bool,
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.dilation = kernel, stride, dilation
        self.padding, self.ceil_mode = tuple(padding), ceil_mode
        top, left, bottom, right = padding
        # What torch has itself: the same before and behind, and at most half of the kernel.
        self.even: tuple[int, int] | None = None
        if (top, left) == (bottom, right) and top <= kernel[0] // 2 and left <= kernel[1] // 2:
            self.even = (top, left)

    def _reached(self, image: Tensor) -> Edges:
        """What is around the input up to where the last windows end, if they end behind it."""
        top, left, bottom, right = self.padding
        behind = []
        for axis, (before, after) in enumerate(((top, bottom), (left, right))):
            size = image.shape[2 + axis]
            window = (self.kernel[axis], self.stride[axis], (before, after), self.dilation[axis])
            count = positions(size, *window, ceil_mode=self.ceil_mode)
            end = (count - 1) * self.stride[axis] + reach(self.kernel[axis], self.dilation[axis])
            behind.append(max(0, end - size - before))
        return left, behind[1], top, behind[0]


class MaxPool(_Pool):
    """Maximum over a window; padding never wins."""

    def forward(self, input: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H', W']."""
        if self.even is not None:
            window = (self.kernel, self.stride, self.even, self.dilation)
            return max_pool2d(input, *window, ceil_mode=self.ceil_mode)
        padded = pad(input, self._reached(input), value=-math.inf)
        return max_pool2d(padded, self.kernel, self.stride, 0, self.dilation)


class AvgPool(_Pool):
    """Mean over a window, of the elements in it, or of its padding too."""

    def __init__(
        self,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        padding: Sequence[int],
        ceil_mode: bool,
        count_include_pad: bool,
    ) -> None:
        super().__init__(kernel, stride, padding, (1, 1), ceil_mode)
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H', W']."""
        if self.even is not None:
            modes = (self.ceil_mode, self.count_include_pad)
            return avg_pool2d(input, self.kernel, self.stride, self.even, *modes)
        left, right, top, bottom = self._reached(input)
        counted = input.new_ones(1, 1, *input.shape[2:])
        if self.count_include_pad:
            own = edges(self.padding)
            counted = pad(counted, own, value=1.0)
            beyond = (left - own[0], right - own[1], top - own[2], bottom - own[3])
            counted = pad(counted, beyond)
        else:
            counted = pad(counted, (left, right, top, bottom))
        window = (self.kernel, self.stride, 0, False, True, 1)
        return avg_pool2d(pad(input, (left, right, top, bottom)), *window) / avg_pool2d(
            counted, *window
        )


class ElementWise(nn.Module):
    """An operation on two tensors of one shape, or a map and one number for each of its planes."""

    def __init__(self, function: str) -> None:
        super().__init__()
        functions: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
            "add": torch.add,
            "sub": torch.sub,
            "mul": torch.mul,
            "max": torch.maximum,
            "min": torch.minimum,
        }
        self.function = functions[function]

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The result, of the larger one's shape."""
        if first.dim() < second.dim():
            first = per_channel(first, second)
        elif second.dim() < first.dim():
            second = per_channel(second, first)
        return self.function(first, second)


class Apply(nn.Module):
    """A function of every element by itself."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, input: Tensor) -> Tensor:
        """The shape stays."""
        return self.function(input)


class Join(nn.Module):
    """Tensors put together, channel after channel."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """[N, the sum of C, ...]."""
        return torch.cat(inputs, 1)


class Part(nn.Module):
    """Some channels, rows and columns; features have channels alone."""

    def __init__(self, taken: Sequence[slice]) -> None:
        super().__init__()
        self.taken = tuple(taken)

    def forward(self, input: Tensor) -> Tensor:
        """[N, C, ...] -> [N, C', ...]."""
        return input[(slice(None), *self.taken[: input.dim() - 1])]


class Clamp(nn.Module):
    """At least one number and at most another; None where there is no such limit."""

    def __init__(self, least: float | None, most: float | None) -> None:
        super().__init__()
        self.least, self.most = least, most

    def forward(self, input: Tensor) -> Tensor:
        """The shape stays."""
        return input.clamp(self.least, self.most)


class HardLine(nn.Module):
    """x * alpha + beta, from 0 to 1."""

    def __init__(self, alpha: float, beta: float) -> None:
        super().__init__()
        self.alpha, self.beta = alpha, beta

    def forward(self, input: Tensor) -> Tensor:
        """The shape stays."""
        return (input * self.alpha + self.beta).clamp(0, 1)
