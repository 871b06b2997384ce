# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Modules that torch lacks, or computes slowly."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from colonnade.models.shapes import output_size, reach

# Measured with bfloat16 on AMX, forward and backward, batch 64: a matrix product takes 0.16 of the
# time that oneDNN's convolution takes on planes of 2x2, and 0.6 on 3x3.
SMALL_PLANE = 9


class PlaneConv2d(nn.Conv2d):
    """A convolution that trains as a matrix product where its planes have few pixels.

    That is so in mixed precision on a CPU alone; the products and their sums are the same.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[N, in_channels, H, W] -> [N, out_channels, H', W']."""
        mixed = input.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        if mixed and self.training and math.prod(self._plane(input)) <= SMALL_PLANE:
            return self._as_product(input.bfloat16(), self.weight.bfloat16())
        return super().forward(input)

    @property
    def _edges(self) -> tuple[int, int]:
        """Rows of zeros above and below, columns of zeros left and right."""
        assert not isinstance(self.padding, str)
        vertical, horizontal = self.padding
        return vertical, horizontal

    def _plane(self, image: Tensor) -> tuple[int, int]:
        """Rows and columns of the output."""
        windows = zip(self.kernel_size, self.stride, self._edges, self.dilation, strict=True)
        rows, columns = (
            output_size(size, *window)
            for size, window in zip(image.shape[2:], windows, strict=True)
        )
        return rows, columns

    def _as_product(self, image: Tensor, weight: Tensor) -> Tensor:
        (rows, columns), (down, across) = self._plane(image), self.stride
        vertical, horizontal = self._edges
        padded = pad(image, (horizontal, horizontal, vertical, vertical)).permute(0, 2, 3, 1)
        height, width = down * (rows - 1) + 1, across * (columns - 1) + 1
        # Slices, because the gradient of `unfold` costs more than the products. The order is that in
        # which channels_last keeps the weights, so that these need no copy.
        taps = [
            padded[:, y : y + height : down, x : x + width : across]
            for y in range(0, reach(self.kernel_size[0], self.dilation[0]), self.dilation[0])
            for x in range(0, reach(self.kernel_size[1], self.dilation[1]), self.dilation[1])
        ]
        patches = torch.cat(taps, 3).view(len(image) * rows * columns, -1)
        product = patches @ weight.permute(0, 2, 3, 1).reshape(len(weight), -1).t()
        if self.bias is not None:
            product = product + self.bias.bfloat16()
        return product.view(len(image), rows, columns, -1).permute(0, 3, 1, 2)


class Sum(nn.Module):
    """Element-wise sum of two tensors of one shape."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The sum."""
        return first + second
