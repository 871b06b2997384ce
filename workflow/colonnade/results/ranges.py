# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the cores of a band leave of a value."""

from collections.abc import Mapping
from statistics import median

from colonnade.results.records import Range


def range_of(values: Mapping[str, float]) -> Range:
    """Ends and median of values by core; of equal ones the first core is named."""
    low, high = (end(values, key=values.__getitem__) for end in (min, max))
    return {
        "lowest": values[low],
        "lowest_with": low,
        "median": median(values.values()),
        "highest": values[high],
        "highest_with": high,
        "cores": len(values),
    }
