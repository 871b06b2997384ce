# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What packing costs, convolution by convolution: the packed algorithm, its packing, and direct.

The timing model counts cycles by function. Packing is what runs in im2col kernels and in the geometry
they need; bringing the input's lines into the cache is no part of it, since direct does that too.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from colonnade.common.files import read_json
from colonnade.models.conv_shape import ConvShape
from colonnade.results.records import ModelledProfile
from colonnade.results.tables import PACKING, write_table
from colonnade.targets.target import Target
from colonnade.tuning.search import choose_each, fastest

# Parts of the names of the functions that pack.
_FUNCTIONS = ("im2col", "colnm_tap_run", "colnm_split_into_rows")


def packing_table(profiles: Sequence[Path], model: str, target: Target, table: Path) -> None:
    """Write `packing.csv`: the fastest packed and direct candidate of every convolution and sparsity.

    Where it is pruned both have the winner's tile. Convolutions that only one of them ran are left
    out.

    Raises:
        ColonnadeError: a profile is missing or damaged, or the target's time is measured.
    """
    target.need_model(str(table))
    same = {"model": model, "target": target.name, "evidence": target.evidence}
    rows = [
        {**same, "conv": profile["conv"], **row}
        for profile in (read_json(path, ModelledProfile) for path in profiles)
        for search in profile["searches"]
        for row in _rows(search, ConvShape.parse(profile["conv"]).reduction)
    ]
    write_table(table, PACKING, rows)


def _rows(search: Mapping[str, Any], reduction: int) -> Iterator[dict[str, Any]]:
    trials, pruned = search["trials"], search["kept"] < reduction
    best = choose_each(trials, fastest(trials), same_tile=pruned)
    if {"packed", "direct"} <= set(best):
        packed, direct = best["packed"], best["direct"]
        packing = packing_cycles(packed["counters"])
        yield {
            "sparsity": search["sparsity"],
            "packed_cycles": packed["cycles"],
            "packing_cycles": packing,
            "packing_percent": 100 * packing / packed["cycles"],
            "direct_cycles": direct["cycles"],
            "packed_to_direct": packed["cycles"] / direct["cycles"],
        }


def packing_cycles(counters: Mapping[str, Any]) -> int:
    """Cycles of packing in a region, per core, from the timing model's counters."""
    functions: Mapping[str, int] = counters["functions"]
    found = sum(
        cycles for name, cycles in functions.items() if any(part in name for part in _FUNCTIONS)
    )
    threads: int = counters["threads"]
    return round(found / threads)
