# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What programs of GoogleTest print."""

import re


def passed(log: str) -> int:
    """How many tests passed."""
    found = re.search(r"\[  PASSED  \] (\d+) tests", log)
    assert found is not None, log[-2000:]
    return int(found[1])
