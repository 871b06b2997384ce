# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The implementations of a whole network that the runner has, by name."""

from colonnade.common.errors import ColonnadeError
from colonnade.common.reference import REFERENCE

IMPLEMENTATIONS = (
    REFERENCE,
    "xnnpack_spmm",
    "colnm_dense",
    "colnm_unpipelined",
    "colnm_unfused",
    "colnm_packed",
    "colnm_direct",
    "colnm_tuned",
    "colnm_untuned",
    "rownm",
)
"""In the order of `colonnade-run --list`, which says more of each."""


def known_implementation(name: str, where: str) -> str:
    """The name, if it is an implementation's.

    Raises:
        ColonnadeError: it is not; `where` begins the message.
    """
    if name not in IMPLEMENTATIONS:
        raise ColonnadeError(f"{where}: {name!r}; allowed: {', '.join(IMPLEMENTATIONS)}")
    return name
