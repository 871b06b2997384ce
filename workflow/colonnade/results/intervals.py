# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How sure a top-1 is that was taken on so many images: 95% intervals, all in percent and points."""

import math

Interval = tuple[float, float]


def top1_interval(top1: float, n_images: int) -> Interval:
    """Wilson's score interval (1927) of a top-1 in percent, on `n_images` images, at least one."""
    from scipy.stats import binomtest  # takes a second, and few commands come here

    right = round(top1 * n_images / 100)
    found = binomtest(right, n_images).proportion_ci(0.95, method="wilson")
    return 100 * float(found.low), 100 * float(found.high)


def drop_interval(dense: float, top1: float, n_images: int) -> Interval:
    """Interval of the points from `dense` down to `top1`, both in percent on `n_images` images each.

    Newcombe's (1998, method 10), from the intervals of both. It takes them as independent: on the same
    images, which both mostly get right or wrong together, the drop is surer than that.
    """
    low, high = top1_interval(top1, n_images)
    dense_low, dense_high = top1_interval(dense, n_images)
    drop = dense - top1
    return (
        drop - math.hypot(dense - dense_low, high - top1),
        drop + math.hypot(dense_high - dense, top1 - low),
    )
