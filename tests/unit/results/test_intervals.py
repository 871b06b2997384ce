# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Intervals of top-1 are those of the literature."""

import math

import pytest

from colonnade.results.intervals import drop_interval, top1_interval


@pytest.mark.parametrize(
    ("right", "images"), [(0, 20), (3, 20), (17, 20), (20, 20), (355, 360), (38_000, 50_000)]
)
def test_wilsons_interval_is_that_of_its_formula(right: int, images: int) -> None:
    z, p = 1.959963984540054, right / images
    centre = (p + z * z / (2 * images)) / (1 + z * z / images)
    half = z / (1 + z * z / images)
    half *= math.sqrt(p * (1 - p) / images + z * z / (4 * images * images))
    assert top1_interval(100 * p, images) == pytest.approx(
        (100 * (centre - half), 100 * (centre + half))
    )


def test_the_interval_of_a_drop_has_it_and_mirrors() -> None:
    low, high = drop_interval(85.0, 95.0, 20)
    assert low < -10 < high
    assert drop_interval(95.0, 85.0, 20) == pytest.approx((-high, -low))
    # Of large numbers it is the normal one: 1.96 standard errors of the difference.
    low, high = drop_interval(76.0, 74.0, 50_000)
    half = 196 * math.sqrt((0.76 * 0.24 + 0.74 * 0.26) / 50_000)
    assert (low, high) == pytest.approx((2 - half, 2 + half), abs=0.001)


def test_more_images_are_surer_and_none_leave_what_is_possible() -> None:
    widths = [high - low for low, high in (top1_interval(85, n) for n in (20, 100, 1000, 100_000))]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 25
    assert widths[-1] < 0.5
    assert top1_interval(100, 20)[1] == 100
    assert top1_interval(0, 20)[0] == 0
