# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the cost model needs to know of a processor core.

It comes from the timing model's own description of the core (`kernels/timing/cores/*.json`). Where time
is measured there is no cost model: of a machine only what bounds the search space is known.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, get_args

from colonnade.common.datatypes import F32_BYTES
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json
from colonnade.config.target import TargetConfig
from colonnade.targets.target import Target

LMULS = (1, 2, 4, 8)
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
    "v_slide",
    "vf_add",
    "vf_convert_narrow",
    "vf_fma",
    "vf_minmax",
    "vf_widen",
    "vf_widen_fma",
    "vload",
    "vload_indexed",
    "vload_mask",
    "vload_segment2",
    "vload_segment4",
    "vload_strided",
    "vset",
    "vstore",
    "vstore_indexed",
    "vstore_segment2",
    "vstore_segment4",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Cost:
    """One class of instructions: cycles until the result is there, and until the unit is free.

    Both by LMUL 1, 2, 4, 8. Without a unit any number of them may run at once. Instructions of the
    core's late units can use the result after `late_latency` cycles.
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
    `vector_width` may be vector ones, in program order. Vector instructions wait `vtype_latency` cycles
    for the one that sets their type. A branch that was not foreseen costs `mispredict` cycles, another
    one that is taken `taken`. `copy_lmul` is the LMUL with which im2col copies rows. At most
    `outstanding` lines are waited for at once, and the prefetcher follows `streams` whose lines are at
    most `reach` apart: when `confirm` lines of one were used it asks for up to `degree` more with every
    line that is, until it is `distance` ahead. A line that comes keeps L1 for `fill` cycles.
    `store_queue` scalar stores wait for their data at once. `memory` is a cache that holds everything.
    """

    lanes: int
    width: int
    vector_width: int
    vtype_latency: int
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

    @property
    def l2_bytes(self) -> int:
        """Size of the second cache."""
        return self.l2.bytes


class Machine(Protocol):
    """What the search space needs to know of a machine: see `Core`."""

    @property
    def lanes(self) -> int:
        """Elements of f32 that fill a vector register."""

    @property
    def l2_bytes(self) -> int:
        """Size of the second cache."""


class _Measured(NamedTuple):
    lanes: int
    l2_bytes: int


_NEON_LANES = 4
# Without AVX-512, and with it.
_X86_LANES = (8, 16)
# Where the machine does not tell its second cache.
_L2_BYTES = 1 << 20


def core_of(target: TargetConfig) -> Core:
    """The core of an emulated target.

    Raises:
        ColonnadeError: the core description is missing or is none, or the target has none.
    """
    if target.core is None:
        raise ColonnadeError(f"a target of kind {target.kind} has no core: its time is measured")
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


def machine_of(target: Target) -> Machine:
    """What the search space needs of a target: its core's description, or what the machine itself tells.

    Raises:
        ColonnadeError: the core description is missing or is none, or a board cannot be asked.
    """
    if target.config.core is not None:
        return core_of(target.config)
    if target.config.board is not None:
        machine = target.board.machine
        features, l2_bytes = machine.isa or "", machine.l2_bytes
    else:
        features, l2_bytes = Path("/proc/cpuinfo").read_text("utf-8"), _l2_bytes()
    lanes = _NEON_LANES if target.config.part == "aarch64" else _X86_LANES["avx512f" in features]
    return _Measured(lanes, l2_bytes or _L2_BYTES)


def _l2_bytes() -> int | None:
    """That of this machine; the kernel answers 0 or less where it does not know."""
    name = "SC_LEVEL2_CACHE_SIZE"
    size = os.sysconf(name) if name in os.sysconf_names else 0
    return size if size > 0 else None
