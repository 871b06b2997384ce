# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The work of im2col is that of its definition."""

from hypothesis import assume, given
from hypothesis import strategies as st

from colonnade.models.conv_shape import ConvShape, Pair, Sides
from colonnade.tuning.packing import packing_work


@given(
    size=st.tuples(st.integers(3, 12), st.integers(3, 12)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    padding=st.tuples(*[st.integers(0, 2)] * 4),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    block=st.integers(1, 40),
)
def test_packing_moves_every_element_of_im2col(
    size: Pair, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair, block: int
) -> None:
    """With vectors of one element, copies and zeros are the elements of im2col."""
    height, width = size
    conv = ConvShape(2, 3, height, width, 8, kernel, stride, padding, dilation)
    assume(min(conv.out_height, conv.out_width) >= 1)
    work = packing_work(conv, block, 1)
    top, left, _, _ = padding
    inside = sum(
        0 <= y * stride[0] + kh * dilation[0] - top < height
        and 0 <= x * stride[1] + kw * dilation[1] - left < width
        for y in range(conv.out_height)
        for x in range(conv.out_width)
        for kh in range(kernel[0])
        for kw in range(kernel[1])
    )
    taps, positions = kernel[0] * kernel[1], 2 * conv.out_height * conv.out_width
    assert round(work.copies * taps) == 2 * inside
    assert round((work.copies + work.zeros) * taps) == positions * taps
