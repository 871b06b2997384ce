# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Fully connected layer, such as a classifier."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from colonnade.models.layers.node import Size, UnaryNode, check_weights
from colonnade.models.shapes import FeatureShape, TensorShape, need_features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn


class FullyConnected(UnaryNode):
    """Matrix product with a bias: [N, in_features] -> [N, out_features]."""

    op: Literal["fully_connected"] = "fully_connected"
    in_features: Size
    out_features: Size

    @property
    def in_order(self) -> tuple[str, ...]:
        """None: every output feature depends on all input features."""
        return ()

    def check(self) -> None:
        """Make sure that the weights are not too many."""
        check_weights(self.where, "out_features", self.out_features, self.in_features)

    def shape(self, known: Mapping[str, TensorShape]) -> FeatureShape:
        """[N, out_features]."""
        source = need_features(self.where, self.input, known, self.in_features)
        return FeatureShape(source.n, self.out_features)

    @property
    def has_bias(self) -> bool:
        """Whether a bias is added; a package's layers all have one."""
        return True

    def module(self) -> "nn.Module":
        """The module of torch."""
        from torch import nn

        return nn.Linear(self.in_features, self.out_features, bias=self.has_bias)

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Weight [out_features, in_features] and bias [out_features]."""
        return {"weight": (self.out_features, self.in_features), "bias": (self.out_features,)}


class Linear(FullyConnected):
    """A fully connected layer of a network."""

    unpackaged: ClassVar[frozenset[str]] = frozenset({"bias"})

    bias: bool = True

    @property
    def has_bias(self) -> bool:
        """Whether it has one of its own."""
        return self.bias

    def weights(self, model: "nn.Module") -> "dict[str, NDArray[np.float32]]":
        """Weight and bias as they are, zeros if there is none."""
        import numpy as np

        weight = model.get_parameter(f"{self.name}.weight").detach().numpy()
        if not self.bias:
            return {"weight": weight, "bias": np.zeros(self.out_features, np.float32)}
        return {"weight": weight, "bias": model.get_parameter(f"{self.name}.bias").detach().numpy()}
