# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Scale and shift of every channel."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from colonnade.models.layers.node import Activation, Size, UnaryNode, float64
from colonnade.models.shapes import TensorShape, need_channels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn


class Affine(UnaryNode):
    """x * scale + shift for every channel: constants, or a batch norm behind no convolution."""

    op: Literal["affine"] = "affine"
    channels: Size
    activation: Activation

    def shape(self, known: Mapping[str, TensorShape]) -> TensorShape:
        """That of its input."""
        return need_channels(self.where, self.input, known, self.channels)

    def module(self) -> "nn.Module":
        """Scale and shift alone: the activation is a node of its own in a network."""
        from colonnade.models.torch_layers import ScaleShift

        return ScaleShift(self.channels)

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Scale [C] and shift [C]."""
        return {"scale": (self.channels,), "shift": (self.channels,)}

    def weights(self, model: "nn.Module") -> "dict[str, NDArray[np.float32]]":
        """Scale and shift, those of a batch norm too."""
        import numpy as np

        scale, shift = scale_and_shift(model.get_submodule(self.name))
        return {"scale": scale.astype(np.float32), "shift": shift.astype(np.float32)}


def scale_and_shift(module: "nn.Module") -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """What a module of torch multiplies every channel by, and what it adds, in float64.

    Of a batch norm gamma / sqrt(var + eps), and beta - mean * gamma / sqrt(var + eps).
    """
    import numpy as np
    from torch import nn

    from colonnade.models.torch_layers import ScaleShift

    if isinstance(module, ScaleShift):
        return float64(module.scale), float64(module.shift)
    assert isinstance(module, nn.BatchNorm2d)
    scale = float64(module.weight) / np.sqrt(float64(module.running_var) + module.eps)
    return scale, float64(module.bias) - float64(module.running_mean) * scale
