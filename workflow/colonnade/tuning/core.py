# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the cost model needs to know of a processor core.

For an emulated target it comes from the timing model's own description of the core
(`kernels/timing/cores/*.json`). A host gets a rougher one of the same form.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
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
    "fp_convert",
    "fp_load",
    "fp_store",
    "jump",
    "jump_register",
    "load",
    "store",
    "v_move",
    "vf_add",
    "vf_convert_narrow",
    "vf_fma",
    "vf_minmax",
    "vf_widen",
    "vf_widen_fma",
    "vload",
    "vload_indexed",
    "vload_mask",
    "vload_strided",
    "vset",
    "vstore",
    "vstore_indexed",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Those that take nothing on a host but a place among those that start at once.
_FREE: tuple[Kind, ...] = ("alu", "branch", "jump", "jump_register", "vset")


@dataclass(frozen=True)
class Cost:
    """One class of instructions: cycles until the result is there, and until the unit is free.

    Both by LMUL 1, 2, 4, 8. Without a unit any number of them may run at once. Instructions of the core's
    late units can use the result after `late_latency` cycles.
    """

    unit: str | None
    latency: ByLmul
    occupancy: ByLmul
    late_latency: ByLmul


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

    `lanes` f32 elements fill a vector register and `width` instructions start in a cycle, of which
    `vector_width` may be vector ones: in program order, or with `in_order` false whenever their unit is
    free. Vector instructions wait `vtype_latency` cycles for the one that sets their type. A branch
    that was not foreseen costs `mispredict` cycles, another one that is taken `taken`. `copy_lmul` is
    the LMUL with which im2col copies rows. At most `outstanding` lines are waited for at once, and the
    prefetcher follows `streams` whose lines are at most `reach` apart: when `confirm` lines of one were
    used it asks for up to `degree` more with every line that is, until it is `distance` ahead. A line
    that comes keeps L1 for `fill` cycles. `store_queue` scalar stores wait for their data at once.
    `memory` is a cache that holds everything.
    """

    lanes: int
    width: int
    vector_width: int
    vtype_latency: int
    in_order: bool
    copy_lmul: int
    mispredict: int
    taken: int
    line_bytes: int
    outstanding: int
    streams: int
    reach: int
    confirm: int
    distance: int
    degree: int
    fill: int
    store_queue: int
    late_units: frozenset[str]
    l1: Cache
    l2: Cache
    memory: Cache
    costs: Mapping[Kind, Cost]


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
        vector_width=description["issue"]["vector_width"],
        vtype_latency=description["issue"]["vtype_latency"],
        in_order=True,
        copy_lmul=8,
        mispredict=description["branch"]["mispredict"],
        taken=description["branch"]["taken"],
        line_bytes=l1["line"],
        outstanding=miss["outstanding"],
        streams=miss["streams"],
        reach=miss["reach"],
        confirm=miss["confirm"],
        distance=miss["distance"],
        degree=miss["degree"],
        fill=miss["fill"],
        store_queue=description["issue"]["store_queue"],
        late_units=frozenset(description["issue"]["late_units"]),
        l1=Cache(l1["bytes"], l1["ways"], 0, 0, 0, 0),
        l2=Cache(l2["bytes"], l2["ways"], *found["l2"]),
        memory=Cache(1 << 62, 1, *found["memory"]),
        costs={name: _cost(description["classes"][name], vlen) for name in KINDS},
    )


def _line_costs(entry: Mapping[str, float]) -> tuple[float, float, float, float]:
    """Stream read and write, latency and interval."""
    return entry["stream_read"], entry["stream_write"], entry["latency"], entry["interval"]


def _cost(entry: Mapping[str, Any], vlen: int) -> Cost:
    latency = entry["latency"]
    late = entry.get("late_latency", latency)
    occupancy = entry.get("occupancy", 0)
    return Cost(entry["unit"], *(_by_lmul(each, vlen) for each in (latency, occupancy, late)))


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

    def cost(unit: str | None, latency: float, occupancy: ByLmul) -> Cost:
        latencies = (latency, latency, latency, latency)
        return Cost(unit, latencies, occupancy, latencies)

    free = cost(None, 1, (0, 0, 0, 0))
    scalar = cost("vector", 4, (0.5, 0.5, 0.5, 0.5))
    vector = cost("vector", 4, by_lmul(0.5))
    scalar_load = cost("load", 5, (0.5, 0.5, 0.5, 0.5))
    load = cost("load", 5, by_lmul(0.5))
    scalar_store = cost("store", 1, (1, 1, 1, 1))
    store = cost("store", 1, by_lmul(1))
    return Core(
        lanes=16 if "avx512f" in flags else 8,
        width=4,
        vector_width=4,
        vtype_latency=0,
        in_order=False,
        copy_lmul=1,
        mispredict=15,
        taken=0,
        line_bytes=64,
        outstanding=12,
        streams=16,
        reach=4,
        confirm=2,
        distance=16,
        degree=2,
        fill=0,
        store_queue=32,
        late_units=frozenset(),
        l1=Cache(_size("SC_LEVEL1_DCACHE_SIZE", 32 << 10), 8, 0, 0, 0, 0),
        l2=Cache(_size("SC_LEVEL2_CACHE_SIZE", 1 << 20), 16, 2, 2, 2, 2),
        memory=Cache(1 << 62, 1, 10, 10, 20, 10),
        costs={
            **dict.fromkeys(_FREE, free),
            **dict.fromkeys((name for name in KINDS if name.startswith("vload")), load),
            **dict.fromkeys((name for name in KINDS if name.startswith("vstore")), store),
            **dict.fromkeys((name for name in KINDS if name.startswith(("v_", "vf_"))), vector),
            **dict.fromkeys(("load", "fp_load"), scalar_load),
            **dict.fromkeys(("store", "fp_store"), scalar_store),
            "fp_convert": scalar,
        },
    )


def _size(name: str, otherwise: int) -> int:
    """A cache size in bytes; the kernel answers 0 or less where it does not know."""
    size = os.sysconf(name) if name in os.sysconf_names else 0
    return size if size > 0 else otherwise
