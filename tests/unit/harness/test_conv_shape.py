"""The string that names a convolution."""

import pytest

from colonnade.conv import ConvShape
from colonnade.errors import ColonnadeError


def test_round_trip_and_derived_sizes() -> None:
    text = "n2c3h224w200-o64-k7x5-s2-p3-d1"
    shape = ConvShape.parse(text)
    assert str(shape) == text
    assert (shape.out_height, shape.out_width) == (112, 101)
    assert shape.reduction == 7 * 5 * 3
    assert shape.macs == 2 * 112 * 101 * 64 * 105


def test_a_residual_is_part_of_the_name() -> None:
    text = "n1c64h56w56-o64-k3x3-s1-p1-d1"
    shape, plain = ConvShape.parse(f"{text}-r"), ConvShape.parse(text)
    assert (str(shape), shape.residual, plain.residual) == (f"{text}-r", True, False)
    assert shape != plain
    assert shape.macs == plain.macs


@pytest.mark.parametrize(
    "text",
    [
        "",
        "n1c3",
        "n1c3h4w4-o8-k7x7-s1-p0-d1",
        "n1c3h4w4-o8-k3x3-s0-p1-d1",
        "n1c3h4w4-o8-k3x3-s1-p1-d1-x",
    ],
)
def test_impossible_shapes_are_refused(text: str) -> None:
    with pytest.raises(ColonnadeError, match="convolution shape"):
        ConvShape.parse(text)
