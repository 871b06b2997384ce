"""The convolution of the networks, with another way to compute it where oneDNN is slow."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

# Measured with bfloat16 on AMX, forward and backward, batch 64: on planes of 2x2 a matrix product
# takes 0.3 of the time that oneDNN's convolution takes, on 3x3 already 1.3.
SMALL_PLANE = 4


class PlaneConv2d(nn.Conv2d):
    """A convolution that trains as a matrix product where its planes have few pixels.

    That is so in mixed precision on a CPU alone; the products and their sums are the same.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[N, in_channels, H, W] -> [N, out_channels, H', W']."""
        mixed = input.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        if mixed and self.training and self._output_pixels(input) <= SMALL_PLANE:
            return self._as_product(input.bfloat16(), self.weight.bfloat16())
        return super().forward(input)

    @property
    def _edges(self) -> tuple[int, int]:
        """Rows of zeros above and below, columns of zeros left and right."""
        assert not isinstance(self.padding, str)
        vertical, horizontal = self.padding
        return vertical, horizontal

    def _output_pixels(self, image: Tensor) -> int:
        rows, columns = (
            (size + 2 * edge - kernel) // stride + 1
            for size, edge, kernel, stride in zip(
                image.shape[2:], self._edges, self.kernel_size, self.stride, strict=True
            )
        )
        return rows * columns

    def _as_product(self, image: Tensor, weight: Tensor) -> Tensor:
        (down, across), (kernel_h, kernel_w) = self.stride, self.kernel_size
        vertical, horizontal = self._edges
        padded = pad(image, (horizontal, horizontal, vertical, vertical))
        taps = padded.unfold(2, kernel_h, down).unfold(3, kernel_w, across)
        count, _, rows, columns = taps.shape[:4]
        # Columns ordered as channels_last keeps the weights, so that these need no copy.
        patches = taps.permute(0, 2, 3, 4, 5, 1).reshape(count * rows * columns, -1)
        product = patches @ weight.permute(0, 2, 3, 1).reshape(len(weight), -1).t()
        return product.view(count, rows, columns, -1).permute(0, 3, 1, 2)
