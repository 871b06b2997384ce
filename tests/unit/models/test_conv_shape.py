# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The string that names a convolution."""

import json
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.models.conv_shape import ConvShape


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


def test_groups_divide_the_weights() -> None:
    text = "n1c12h9w9-o6-k3x5-s1x2-p0x1x2x3-d1-g3-r"
    shape = ConvShape.parse(text)
    assert (str(shape), shape.groups, shape.padding) == (text, 3, (0, 1, 2, 3))
    assert shape.reduction == 3 * 5 * 4
    assert (shape.out_height, shape.out_width) == (9, 5)
    assert shape.macs == 9 * 5 * 6 * 60


CASES = json.loads((Path(__file__).parents[2] / "data/conv_shapes.json").read_text("utf-8"))


@pytest.mark.parametrize("text", CASES["accepted"])
def test_possible_shapes_keep_their_name(text: str) -> None:
    assert str(ConvShape.parse(text)) == text


@pytest.mark.parametrize(("text", "reason"), CASES["refused"].items())
def test_impossible_shapes_are_refused(text: str, reason: str) -> None:
    """The bench refuses the same ones with the same words."""
    with pytest.raises(ColonnadeError) as refused:
        ConvShape.parse(text)
    assert reason in str(refused.value)
    assert str(refused.value).startswith("convolution shape '")


def test_endless_names_are_refused_in_short() -> None:
    with pytest.raises(ColonnadeError) as refused:
        ConvShape.parse("n" + "1" * 10**6)
    assert len(str(refused.value)) < 400
