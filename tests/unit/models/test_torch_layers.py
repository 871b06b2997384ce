# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Modules of our own: a convolution as a matrix product, and what PyTorch's pools refuse."""

import pytest
import torch
from torch.nn.functional import conv2d

from colonnade.models.torch_layers import SMALL_PLANE, MaxPool, PlaneConv2d

# (in, out, kernel, stride, padding, height, width)
SHAPES = [
    (16, 24, 3, 1, 1, 2, 2),
    (16, 24, 3, 2, 1, 3, 3),
    (16, 24, 1, 2, 0, 3, 4),
    (8, 12, 3, 1, 1, 1, 4),
    (8, 12, 5, 3, 2, 4, 2),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format], ids=str)
def test_small_planes_train_like_the_float64_convolution(
    shape: tuple[int, ...], layout: torch.memory_format
) -> None:
    inputs, outputs, kernel, stride, padding, height, width = shape
    torch.manual_seed(1)
    conv = PlaneConv2d(
        inputs, outputs, (kernel, kernel), (stride, stride), [padding] * 4, bias=False
    )
    conv.weight.data = conv.weight.data.to(memory_format=layout)
    image = torch.randn(6, inputs, height, width).to(memory_format=layout).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        result = conv(image)
    assert result.dtype == torch.bfloat16
    assert result.shape[2] * result.shape[3] <= SMALL_PLANE
    factors = torch.randn(result.shape)
    (result.float() * factors).sum().backward()  # type: ignore[no-untyped-call]

    # The operands that autocast makes; products and sums in float64.
    wide = image.detach().bfloat16().double().requires_grad_()
    weight = conv.weight.detach().bfloat16().double().requires_grad_()
    reference = conv2d(wide, weight, None, stride, padding)
    (reference * factors.bfloat16()).sum().backward()  # type: ignore[no-untyped-call]
    for ours, exact in [
        (result, reference),
        (image.grad, wide.grad),
        (conv.weight.grad, weight.grad),
    ]:
        assert ours is not None
        assert exact is not None
        # bfloat16 has 8 bits; a sum is rounded once.
        assert (ours.double() - exact).abs().max() <= 2**-7 * exact.abs().max()


def test_large_planes_and_full_precision_stay_with_pytorch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("computed as a product")

    monkeypatch.setattr(PlaneConv2d, "_as_product", refuse)
    conv = PlaneConv2d(4, 4, (3, 3), padding=[1] * 4)
    small, large = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 4, 4)
    conv(small)
    with torch.autocast("cpu", torch.bfloat16):
        conv(large)
        with pytest.raises(AssertionError, match="computed as a product"):
            conv(small)


@pytest.mark.parametrize("seed", [3], ids="seed{}".format)
def test_a_dilated_pool_has_more_padding_than_half_of_its_kernel(seed: int) -> None:
    image = torch.randn(2, 3, 6, 7, generator=torch.Generator().manual_seed(seed))
    made = MaxPool((4, 3), (1, 1), [3, 2, 3, 2], (2, 2), ceil_mode=False)(image)
    bordered = torch.full((2, 3, 12, 11), -torch.inf)
    bordered[:, :, 3:9, 2:9] = image
    expected = [
        bordered[:, :, i : i + 7 : 2, j : j + 5 : 2].amax((2, 3))
        for i in range(6)
        for j in range(7)
    ]
    assert torch.equal(made, torch.stack(expected, 2).view(2, 3, 6, 7))
