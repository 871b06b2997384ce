# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Two-dimensional convolution."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from colonnade.models.conv_shape import ConvShape, sides
from colonnade.models.layers.affine import scale_and_shift
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
    groups: Size
    residual: Name | None
    activation: Activation

    @property
    def sources(self) -> tuple[str, ...]:
        """Its input, and the residual if it has one."""
        return (self.input,) if self.residual is None else (self.input, self.residual)

    @property
    def in_order(self) -> tuple[str, ...]:
        """The residual; the input where each channel has a filter of its own, and not all of them."""
        return self.sources if self.is_depthwise else self.sources[1:]

    @property
    def is_depthwise(self) -> bool:
        """Whether output channel i depends on input channel i alone."""
        return self.groups == self.in_channels == self.out_channels

    @property
    def reduction(self) -> int:
        """Columns K of the weight matrix."""
        return math.prod(self.kernel) * (self.in_channels // self.groups)

    def check(self) -> None:
        """Make sure that groups divide the channels, and that the weights are not too many."""
        for key in ("in_channels", "out_channels"):
            if getattr(self, key) % self.groups:
                raise ValueError(
                    f"{self.where}: groups: {self.groups}; allowed: what divides {key},"
                    f" {getattr(self, key)}"
                )
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
            padding=self.padding,
            dilation=pair(self.dilation),
            groups=self.groups,
            bias=self.has_bias,
        )

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Weight [Cout, KH, KW, Cin / groups] and bias [Cout]."""
        shape = (self.out_channels, *self.kernel, self.in_channels // self.groups)
        return {"weight": shape, "bias": (self.out_channels,)}

    def conv_shape(self, source: MapShape) -> ConvShape:
        """What identifies it, or one of its groups, in tables and schedules; sizes are known."""
        assert source.n is not None
        assert source.h is not None
        assert source.w is not None
        return ConvShape(
            batch=source.n,
            in_channels=self.in_channels // self.groups,
            height=source.h,
            width=source.w,
            out_channels=self.out_channels // self.groups,
            kernel=pair(self.kernel),
            stride=pair(self.stride),
            padding=sides(self.padding),
            dilation=pair(self.dilation),
            residual=self.residual is not None,
        )


class Conv2d(Convolution):
    """A convolution of a network.

    `batch_norm` names the node that became a part of it, if any: a batch norm, or another affine one.
    """

    unpackaged: ClassVar[frozenset[str]] = frozenset({"bias", "batch_norm"})

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
        """Weight [Cout, KH, KW, Cin / groups] and bias [Cout] with the batch norm folded in.

        In float64: w' = w * scale, b' = b * scale + shift, of `scale_and_shift`.
        """
        import numpy as np
        from torch import nn

        module = model.get_submodule(self.name)
        assert isinstance(module, nn.Conv2d)
        weight = float64(module.weight).transpose(0, 2, 3, 1)
        bias = np.zeros(self.out_channels) if module.bias is None else float64(module.bias)
        if self.batch_norm is None:
            return weight, bias
        scale, shift = scale_and_shift(model.get_submodule(self.batch_norm))
        return weight * scale[:, None, None, None], bias * scale + shift
