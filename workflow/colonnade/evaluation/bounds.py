# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How far each convolution is from what its core could do, and what stands in the way.

Two bounds: a core that did nothing but multiply-accumulates of kept columns, and one that did nothing
but bring every line of the input, the kept weights, a residual and the output from memory once, in
streams. No schedule of an algorithm can be faster than the slower of the two, even if both ran side by
side all the time. Winograd's algorithm has fewer multiplications, and more weights.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from colonnade.common.datatypes import F32_BYTES
from colonnade.common.files import read_json
from colonnade.models.conv_shape import ConvShape, winograd_matrices
from colonnade.results.records import ModelledProfile
from colonnade.results.tables import BOUNDS, write_table
from colonnade.targets.target import Target
from colonnade.tuning.choice import choose
from colonnade.tuning.core import Core, core_of
from colonnade.tuning.space import SCHEDULE, WINOGRAD

# Groups of the model's instruction classes, by the column that has their share in %.
MIX = {
    "vector_fma": ("vfma",),
    "vector_load": ("vload",),
    "vector_store": ("vstore",),
    "vector_other": ("vfp", "vint", "vreduce", "vmask", "vmove", "vpermute", "vset"),
    "scalar_load": ("scalar_load",),
    "scalar_other": ("scalar", "scalar_store", "scalar_fp", "branch"),
}
# Stall reasons, by the column that has their share of the cycles in %.
STALLS = {
    "stalled_on_caches": ("cache_miss",),
    "stalled_on_units": ("execute_unit", "memory_unit"),
    "stalled_otherwise": ("load_result", "result", "branch", "idle"),
}


def bounds_table(
    profiles: Sequence[Path], model: str, threads: int, target: Target, table: Path
) -> None:
    """Write `bounds.csv`: XNNPACK's dense operator and the winners of every convolution.

    Raises:
        ColonnadeError: a profile or the core description is missing or damaged, or the target's time
            is measured.
    """
    target.need_model(str(table))
    core = core_of(target.config)
    same = {"model": model, "target": target.name, "evidence": target.evidence}
    rows = [
        {**same, "sparsity": sparsity, **_row(conv, report, core, threads)}
        for profile in (read_json(path, ModelledProfile) for path in profiles)
        for conv in [ConvShape.parse(profile["conv"])]
        for sparsity, report in _reports(conv, profile)
    ]
    write_table(table, BOUNDS, rows)


def _reports(
    conv: ConvShape, profile: Mapping[str, Any]
) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """The reports to compare, each with its sparsity."""
    yield 0.0, profile["reference"]
    searches = {search["kept"]: search for search in profile["searches"]}
    trials = {kept: search["trials"] for kept, search in searches.items()}
    for kept, winner in choose(trials, conv.reduction).items():
        if winner is not None:
            yield searches[kept]["sparsity"], winner


def _row(conv: ConvShape, report: Mapping[str, Any], core: Core, threads: int) -> dict[str, Any]:
    cycles, counters = report["cycles"], report["counters"]
    macs, kept = report["useful_macs"], report["useful_macs"] / conv.macs
    if outputs := WINOGRAD.get(report["algorithm"]):
        macs, kept = conv.winograd_macs(outputs), winograd_matrices(outputs) / conv.taps
    fma = fma_cycles(macs, core) / threads
    memory = memory_cycles(conv, kept, core)
    bound = max(fma, memory)
    return {
        "conv": str(conv),
        **{name: report[name] for name in SCHEDULE},
        "cycles": cycles,
        "mac_per_cycle": report["mac_per_cycle"],
        "fma_bound_cycles": math.ceil(fma),
        "memory_bound_cycles": math.ceil(memory),
        "bound_mac_per_cycle": report["useful_macs"] / bound,
        "bound_percent": 100 * bound / cycles,
        "instructions": counters["instructions"],
        **_shares(counters["classes"], MIX, counters["instructions"]),
        **_shares(counters["stalls"], STALLS, cycles * counters["threads"]),
        "l1_misses": counters["l1_misses"],
        "l2_misses": counters["l2_misses"],
    }


def _shares(
    counts: Mapping[str, int], groups: Mapping[str, Sequence[str]], total: int
) -> dict[str, float]:
    return {
        f"{name}_percent": 100 * sum(counts[each] for each in members) / total
        for name, members in groups.items()
    }


def fma_cycles(macs: float, core: Core) -> float:
    """Cycles of one core for `macs` f32 multiply-accumulates, its vector unit never idle."""
    return macs / core.lanes * core.costs["vf_fma"].occupancy[0]


def memory_cycles(conv: ConvShape, kept: float, core: Core) -> float:
    """Cycles that memory needs for input, the share `kept` of the weights, residual and output.

    Of the transformed weights of Winograd's algorithm there are more than 1.

    Of the input those rows and columns count that a tap meets: with a stride above the kernel's size
    some are never read.
    """
    met = math.prod(
        min(1.0, taps / stride) for taps, stride in zip(conv.kernel, conv.stride, strict=True)
    )
    read = conv.batch * conv.in_channels * conv.height * conv.width * met
    read += kept * conv.out_channels * conv.reduction
    written = conv.batch * conv.out_channels * conv.out_height * conv.out_width
    read += written if conv.residual else 0
    line = core.line_bytes / F32_BYTES
    return read / line * core.memory.read + written / line * core.memory.write
