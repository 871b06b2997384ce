# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The one exception a user may see: it becomes a single line on stderr and a nonzero exit code."""

from collections.abc import Iterable

NAMED_AT_MOST = 10


class ColonnadeError(Exception):
    """Bad input or a failed stage, phrased for a user.

    The message names the file, the key, the value seen and what is allowed, as far as each applies.
    """


def some(names: Iterable[object]) -> str:
    """At most ten of some names, and how many more there are."""
    listed = [str(name) for name in names]
    rest = len(listed) - NAMED_AT_MOST
    return ", ".join(listed[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")
