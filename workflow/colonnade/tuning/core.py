# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the prior needs to know of a processor core.

For an emulated target it comes from the timing model's own description of the core
(`kernels/timing/cores/*.json`). A host gets a rougher one of the same form.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json
from colonnade.config.target import TargetConfig

LMULS = (1, 2, 4, 8)
F32_BYTES = 4
# The lists of a core description run over LMUL mf8, mf4, mf2, m1, m2, m4, m8.
_M1 = 3

ByLmul = tuple[float, float, float, float]
# Classes of instructions that the kernels and im2col are made of: every core has a cost for each.
Kind = Literal[
    "alu",
    "branch",
    "fp_load",
    "fp_store",
    "jump_register",
    "load",
    "vf_add",
    "vf_fma",
    "vf_minmax",
    "vf_move",
    "vload",
    "vload_strided",
    "vset",
    "vstore",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Cost:
    """One class of instructions: cycles until the result is there, and until the unit is free.

    Both by LMUL 1, 2, 4, 8. Without a unit any number of them may run at once.
    """

    unit: str | None
    latency: ByLmul
    occupancy: ByLmul


@dataclass(frozen=True)
class Cache:
    """A level: size and associativity, and what a line that is found here costs beyond an L1 hit.

    The next line of a stream comes `read` or `write` cycles after the one before; any other is there
    after `latency` cycles, and the way is free for the next one after `interval`.
    """

    bytes: int
    ways: int
    read: float
    write: float
    latency: float
    interval: float


@dataclass(frozen=True)
class Core:
    """A core, its caches, and the memory behind them.

    `lanes` f32 elements fill a vector register and `width` instructions start in a cycle: in program
    order, or with `in_order` false whenever their unit is free. `copy_lmul` is the LMUL with which
    im2col copies rows. At most `outstanding` lines are waited for at once, and the prefetcher follows a
    stream whose lines are at most `reach` apart. `memory` is a cache that holds everything.
    """

    lanes: int
    width: int
    in_order: bool
    copy_lmul: int
    mispredict: int
    line_bytes: int
    outstanding: int
    reach: int
    l1: Cache
    l2: Cache
    memory: Cache
    costs: Mapping[Kind, Cost]

    @cached_property
    def _timings(self) -> dict[tuple[Kind, int], tuple[str | None, float, float]]:
        return {
            (name, lmul): (cost.unit, cost.latency[index], cost.occupancy[index])
            for name, cost in self.costs.items()
            for index, lmul in enumerate(LMULS)
        }

    def timing(self, name: Kind, lmul: int) -> tuple[str | None, float, float]:
        """Unit, latency and occupancy of a class of instructions at an LMUL."""
        return self._timings[name, lmul]


def core_of(target: TargetConfig) -> Core:
    """The core of a target.

    Raises:
        ColonnadeError: the core description is missing or is none.
    """
    if target.core is None:
        return _host()
    description = read_json(target.core)
    try:
        return _parse(description, target.vlen or description["vlen"])
    except KeyError as error:
        raise ColonnadeError(f"{target.core}: not a core description: lacks {error}") from error
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise ColonnadeError(f"{target.core}: not a core description: {error}") from error


def _parse(description: Mapping[str, Any], vlen: int) -> Core:
    l1, l2, miss = description["l1"], description["l2"], description["miss"]
    found = {level: _line_costs(miss[level]) for level in ("l2", "memory")}
    return Core(
        lanes=vlen // 8 // F32_BYTES,
        width=description["issue"]["width"],
        in_order=True,
        copy_lmul=8,
        mispredict=description["branch"]["mispredict"],
        line_bytes=l1["line"],
        outstanding=miss.get("outstanding", 1),
        reach=miss.get("reach", 1),
        l1=Cache(l1["bytes"], l1["ways"], 0, 0, 0, 0),
        l2=Cache(l2["bytes"], l2["ways"], *found["l2"]),
        memory=Cache(1 << 62, 1, *found["memory"]),
        costs={name: _cost(description["classes"][name], vlen) for name in KINDS},
    )


def _line_costs(entry: Mapping[str, float]) -> tuple[float, float, float, float]:
    """Stream read and write, latency and interval; a model without streams has one cost for all."""
    if "latency" not in entry:
        return entry["read"], entry["write"], entry["read"], entry["read"]
    return entry["stream_read"], entry["stream_write"], entry["latency"], entry["interval"]


def _cost(entry: Mapping[str, Any], vlen: int) -> Cost:
    latency = _by_lmul(entry["latency"], vlen)
    return Cost(entry["unit"], latency, _by_lmul(entry.get("occupancy", 0), vlen))


def _by_lmul(value: Any, vlen: int) -> ByLmul:
    """Cycles at 32-bit elements from any of the forms that a core description may use."""
    if isinstance(value, dict) and "e32" in value:
        value = value["e32"]
    if isinstance(value, dict):
        base, each = value.get("base", 0), value["per_element"]
        value = [base + each * lmul * vlen // 32 for lmul in (*[0] * _M1, *LMULS)]
    m1, m2, m4, m8 = value[_M1:] if isinstance(value, list) else [value] * len(LMULS)
    return m1, m2, m4, m8


def _host() -> Core:
    """An out-of-order x86 core: two vector operations, two loads and a store a cycle, all assumed.

    Cache sizes are this machine's, where it tells them.
    """
    flags = Path("/proc/cpuinfo").read_text("utf-8")

    def by_lmul(cycles: float) -> ByLmul:
        return cycles, 2 * cycles, 4 * cycles, 8 * cycles

    free = Cost(None, (1, 1, 1, 1), (0, 0, 0, 0))
    vector = Cost("vector", (4, 4, 4, 4), by_lmul(0.5))
    scalar_load = Cost("load", (5, 5, 5, 5), (0.5, 0.5, 0.5, 0.5))
    load = Cost("load", (5, 5, 5, 5), by_lmul(0.5))
    scalar_store = Cost("store", (1, 1, 1, 1), (1, 1, 1, 1))
    store = Cost("store", (1, 1, 1, 1), by_lmul(1))
    return Core(
        lanes=16 if "avx512f" in flags else 8,
        width=4,
        in_order=False,
        copy_lmul=1,
        mispredict=15,
        line_bytes=64,
        outstanding=12,
        reach=4,
        l1=Cache(_size("SC_LEVEL1_DCACHE_SIZE", 32 << 10), 8, 0, 0, 0, 0),
        l2=Cache(_size("SC_LEVEL2_CACHE_SIZE", 1 << 20), 16, 2, 2, 2, 2),
        memory=Cache(1 << 62, 1, 10, 10, 20, 10),
        costs={
            **dict.fromkeys(("alu", "branch", "jump_register", "vset"), free),
            **dict.fromkeys(("vf_add", "vf_fma", "vf_minmax", "vf_move"), vector),
            **dict.fromkeys(("load", "fp_load"), scalar_load),
            **dict.fromkeys(("vload", "vload_strided"), load),
            "fp_store": scalar_store,
            "vstore": store,
        },
    )


def _size(name: str, otherwise: int) -> int:
    """A cache size in bytes; the kernel answers 0 or less where it does not know."""
    size = os.sysconf(name) if name in os.sysconf_names else 0
    return size if size > 0 else otherwise
