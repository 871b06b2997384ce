# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The implementations of a whole network that the runner has, as `colonnade-run --list` prints them."""

from dataclasses import dataclass
from typing import Any, Literal

from colonnade.common.reference import REFERENCE

Layout = Literal["nhwc", "planes", "nchw"]
"""How activations lie in memory; `planes` is our own, channel-major with halos."""

PrunedWeights = Literal["dense", "sparse", "rows", "refused"]
"""What becomes of pruned convolutions: dense ones with zeros, kept columns alone, the same where every
row has columns of its own, or an error."""

Schedules = Literal["none", "fastest", "direct", "packed"]
"""Whose entries of a schedules file are used: of the fastest algorithm, or always of the same one."""


@dataclass(frozen=True)
class Implementation:
    """One of them.

    `fixed_schedule` is that of all convolutions, or where there are `schedules` of all pruned ones.
    """

    name: str
    layout: Layout
    pruned: PrunedWeights
    schedules: Schedules
    fixed_schedule: str | None = None

    @property
    def needs_schedules(self) -> bool:
        """Whether the runner refuses to start without a schedules file."""
        return self.schedules != "none"

    def to_json(self) -> dict[str, Any]:
        """As the runner prints it, without the datatypes."""
        return dict(vars(self))


IMPLEMENTATIONS = {
    each.name: each
    for each in (
        Implementation(REFERENCE, "nhwc", "dense", "none"),
        Implementation("xnnpack_spmm", "nchw", "sparse", "packed"),
        Implementation("colnm_dense", "planes", "refused", "fastest"),
        Implementation("colnm_unpipelined", "planes", "refused", "none", "unfused:15:2:4:1"),
        Implementation("colnm_unfused", "planes", "sparse", "packed"),
        Implementation("colnm_packed", "planes", "sparse", "packed"),
        Implementation("colnm_direct", "planes", "sparse", "direct"),
        Implementation("colnm_tuned", "planes", "sparse", "fastest"),
        Implementation("colnm_untuned", "planes", "sparse", "none", "direct:14:2:4:1"),
        Implementation("rownm", "planes", "rows", "fastest", "direct:1:4:2:1"),
    )
}
"""By name, in the runner's order."""
