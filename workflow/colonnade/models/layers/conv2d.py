# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Two-dimensional convolution."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from colonnade.models.conv_shape import ConvShape, sides
from colonnade.models.layers.node import (
    Activation,
    Name,
    Padding,
    Positive,
    Size,
    UnaryNode,
    check_weights,
    float64,
    pair,
)
from colonnade.models.shapes import MapShape, TensorShape, need_map, windowed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn


class Convolution(UnaryNode):
    """What a convolution is in a network and in a package.

    To the result the tensor `residual` is added, if any, and the activation is applied to the sum.
    """

    op: Literal["conv2d"] = "conv2d"
    in_channels: Size
    out_channels: Size
    kernel: Positive
    stride: Positive
    padding: Padding
    dilation: Positive
    residual: Name | None
    activation: Activation

    @property
    def sources(self) -> tuple[str, ...]:
        """Its input, and the residual if it has one."""
        return (self.input, *self.in_order)

    @property
    def in_order(self) -> tuple[str, ...]:
        """The residual alone: every output channel depends on all input channels."""
        return () if self.residual is None else (self.residual,)

    @property
    def reduction(self) -> int:
        """Columns K of the weight matrix."""
        return math.prod(self.kernel) * self.in_channels

    def check(self) -> None:
        """Make sure that the weights are not too many."""
        check_weights(self.where, "out_channels", self.out_channels, self.reduction)

    def shape(self, known: Mapping[str, TensorShape]) -> MapShape:
        """[N, out_channels, H', W'], which is also the residual's."""
        source = need_map(self.where, self.input, known, self.in_channels)
        window = {key: getattr(self, key) for key in ("kernel", "stride", "padding", "dilation")}
        made = windowed(self.where, self.input, source, self.out_channels, **window)
        if self.residual is not None and known[self.residual] != made:
            raise ValueError(
                f"{self.where}: residual: {self.residual!r} is {known[self.residual]};"
                f" needed: {made}, the shape of its output"
            )
        return made

    @property
    def has_bias(self) -> bool:
        """Whether a bias is added; a package's convolutions all have one."""
        return True

    def module(self) -> "nn.Module":
        """The convolution alone: activation and residual are nodes of their own in a network."""
        from colonnade.models.torch_layers import PlaneConv2d

        return PlaneConv2d(
            self.in_channels,
            self.out_channels,
            kernel_size=pair(self.kernel),
            stride=pair(self.stride),
            padding=pair(self.padding),
            dilation=pair(self.dilation),
            bias=self.has_bias,
        )

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Weight [Cout, KH, KW, Cin] and bias [Cout]."""
        shape = (self.out_channels, *self.kernel, self.in_channels)
        return {"weight": shape, "bias": (self.out_channels,)}

    def conv_shape(self, source: MapShape) -> ConvShape:
        """What identifies it in tables and schedules, over a map whose sizes are known."""
        assert source.n is not None
        assert source.h is not None
        assert source.w is not None
        return ConvShape(
            batch=source.n,
            in_channels=self.in_channels,
            height=source.h,
            width=source.w,
            out_channels=self.out_channels,
            kernel=pair(self.kernel),
            stride=pair(self.stride),
            padding=sides(self.padding),
            dilation=pair(self.dilation),
            residual=self.residual is not None,
        )


class Conv2d(Convolution):
    """A convolution of a network; `batch_norm` names the node that became a part of it, if any."""

    bias: bool
    batch_norm: Name | None

    @property
    def has_bias(self) -> bool:
        """Whether the convolution itself has one; a batch norm that became a part of it adds one."""
        return self.bias

    def weights(self, model: "nn.Module") -> "dict[str, NDArray[np.float32]]":
        """Weight and bias, the batch norm folded in."""
        import numpy as np

        weight, bias = self.folded(model)
        return {"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}

    def folded(self, model: "nn.Module") -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
        """Weight [Cout, KH, KW, Cin] and bias [Cout] with the batch norm folded in.

        In float64: w' = w * gamma / sqrt(var + eps), b' = beta + (b - mean) * gamma / sqrt(var + eps).
        """
        import numpy as np
        from torch import nn

        module = model.get_submodule(self.name)
        assert isinstance(module, nn.Conv2d)
        weight = float64(module.weight).transpose(0, 2, 3, 1)
        bias = np.zeros(self.out_channels) if module.bias is None else float64(module.bias)
        if self.batch_norm is None:
            return weight, bias
        norm = model.get_submodule(self.batch_norm)
        assert isinstance(norm, nn.BatchNorm2d)
        factor = float64(norm.weight) / np.sqrt(float64(norm.running_var) + norm.eps)
        shift = float64(norm.bias) + (bias - float64(norm.running_mean)) * factor
        return weight * factor[:, None, None, None], shift
