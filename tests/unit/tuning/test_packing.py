# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The work of im2col is that of its definition."""

from hypothesis import assume, given
from hypothesis import strategies as st

from colonnade.models.conv_shape import ConvShape
from colonnade.tuning.packing import packing_work


@given(
    height=st.integers(3, 12),
    width=st.integers(3, 12),
    kernel=st.sampled_from([1, 3]),
    stride=st.integers(1, 2),
    padding=st.integers(0, 1),
    dilation=st.integers(1, 2),
    block=st.integers(1, 40),
)
def test_packing_moves_every_element_of_im2col(
    height: int, width: int, kernel: int, stride: int, padding: int, dilation: int, block: int
) -> None:
    """With vectors of one element, copies and zeros are the elements of im2col."""
    conv = ConvShape(2, 3, height, width, 8, kernel, kernel, stride, padding, dilation)
    assume(min(conv.out_height, conv.out_width) >= 1)
    work = packing_work(conv, block, 1)
    inside = sum(
        0 <= y * stride + kh * dilation - padding < height
        and 0 <= x * stride + kw * dilation - padding < width
        for y in range(conv.out_height)
        for x in range(conv.out_width)
        for kh in range(kernel)
        for kw in range(kernel)
    )
    taps, positions = kernel * kernel, 2 * conv.out_height * conv.out_width
    assert work.copies * taps == 2 * inside
    assert (work.copies + work.zeros) * taps == positions * taps
