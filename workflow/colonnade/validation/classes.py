# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which cost of a core's description each microbenchmark measures."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from colonnade.validation.instructions import LMULS, Microbenchmark

Key = Literal["latency", "occupancy", "masked"]

# Lists of a description run over LMUL from mf8; this is the place of m1.
M1 = 3
# What the timing model takes at most for a cost, in cycles.
MOST = 4096

# Classes of the timing model by instruction. Those that cost otherwise than their class are left out:
# vslide1down, which takes one more than v_slide.
_CLASSES = {
    "vf_fma": ("vfmacc.vf", "vfmadd.vv"),
    "vf_add": ("vfadd.vv", "vfsub.vf"),
    "vf_minmax": ("vfmin.vv", "vfmax.vf", "vfmax.vv"),
    "vf_mul": ("vfmul.vv", "vfmul.vf"),
    "vf_sign": ("vfsgnj.vv", "vfsgnjn.vv"),
    "vf_compare": ("vmfeq.vv", "vmfle.vf"),
    "vf_convert": ("vfcvt.x.f.v", "vfcvt.f.xu.v"),
    "vf_convert_widen": ("vfwcvt.f.f.v",),
    "vf_convert_narrow": ("vfncvt.f.f.w",),
    "vf_div": ("vfdiv.vv",),
    "vf_reduce": ("vfredusum.vs", "vfredmax.vs"),
    "vf_reduce_ordered": ("vfredosum.vs",),
    "vf_move": ("vfmv.v.f",),
    "v_add": ("vadd.vv", "vsub.vx", "vminu.vv"),
    "v_logic": ("vsll.vv",),
    "v_fixed": ("vsaddu.vv", "vaaddu.vv"),
    "v_compare": ("vmsle.vv", "vmsgt.vx"),
    "v_mul": ("vmul.vv", "vmulh.vv"),
    "v_div": ("vrem.vv",),
    "v_narrow": ("vnsrl.wx", "vnclipu.wx"),
    "v_extend": ("vzext.vf2", "vsext.vf4"),
    "v_reduce": ("vredor.vs", "vredmin.vs"),
    "v_move": ("vmerge.vvm",),
    "v_slide": ("vslide1up.vx",),
    "v_compress": ("vcompress.vm",),
    "vload": ("vle32.v",),
    "vstore": ("vse32.v",),
    "vload_strided": ("vlse32.v",),
}
_CLASS_OF = {mnemonic: name for name, all_of in _CLASSES.items() for mnemonic in all_of}
# Of those that are measured by themselves: class, key, and the place of LMUL where they have one.
_SINGLE: dict[str, tuple[str, Key, int | None]] = {
    "vmv1r.v": ("v_move_whole", "occupancy", M1),
    "vmv2r.v": ("v_move_whole", "occupancy", M1 + 1),
    "vmv4r.v": ("v_move_whole", "occupancy", M1 + 2),
    "vmv8r.v": ("v_move_whole", "occupancy", M1 + 3),
    "vlseg2e32-m1": ("vload_segment2", "occupancy", M1),
    "vlseg4e32-m1": ("vload_segment4", "occupancy", M1),
    "mulw-latency": ("mul_word", "latency", None),
    "div-latency": ("div", "latency", None),
    "fmadd.s-latency": ("fp_fma", "latency", None),
    "fadd.d-latency": ("fp_add_double", "latency", None),
    "fdiv.s": ("fp_div", "occupancy", None),
}
_SWEPT = re.compile(r"(\S+)(?: e(\d+))?( masked| latency)? (m\d)")


@dataclass(frozen=True)
class CostKey:
    """A cost of a class: `latency`, `occupancy` or that of a `masked` instruction.

    `place` is that of LMUL in lists, None where it has none; `sew` the bits of an element.
    """

    name: str
    key: Key
    place: int | None
    sew: int = 32


def cost_key(benchmark: Microbenchmark) -> CostKey | None:
    """The cost that a microbenchmark measures; None if it is none of a single class."""
    if benchmark.name in _SINGLE:
        return CostKey(*_SINGLE[benchmark.name])
    swept = _SWEPT.fullmatch(benchmark.name)
    if swept is None or swept[1] not in _CLASS_OF:
        return None
    keys: dict[str | None, Key] = {None: "occupancy", " masked": "masked", " latency": "latency"}
    place = M1 + LMULS.index(swept[4])
    return CostKey(_CLASS_OF[swept[1]], keys[swept[3]], place, int(swept[2] or 32))


def instructions_of(benchmark: Microbenchmark) -> int:
    """How many instructions a sequence has."""
    return len(benchmark.body.splitlines())


def set_cost(entry: dict[str, Any], key: CostKey, cycles: float, vlen: int) -> bool:
    """Set a cost of a class's entry in a description, and say whether it has such a one.

    A cost is a number, a list over LMUL, one such for each width of elements, or a number of cycles for
    each element; it stays what it is, or becomes a list.
    """
    if key.key not in entry or (entry["unit"] is None and key.key != "latency"):
        return False
    value = entry[key.key]
    if key.place is None:
        entry[key.key] = cycles
    elif isinstance(value, dict) and "per_element" in value:
        elements = (vlen // key.sew) << (key.place - M1)
        value["per_element"] = round(max(0.0, cycles - value.get("base", 0)) / elements, 4)
    elif isinstance(value, dict):
        _set_place(value[f"e{key.sew}"], key.place, cycles)
    else:
        if not isinstance(value, list):
            value = entry[key.key] = [value] * (M1 + len(LMULS))
        _set_place(value, key.place, cycles)
    if key.key == "latency" and "late_latency" in entry:
        entry["late_latency"] = _at_least(entry["late_latency"], entry["latency"])
    return True


def _set_place(values: list[float], place: int, cycles: float) -> None:
    values[place] = cycles
    if place == M1:
        # A fraction of a register takes no longer than all of it.
        values[:M1] = [min(each, cycles) for each in values[:M1]]


def _at_least(late: Any, latency: Any) -> Any:
    if isinstance(late, list) and isinstance(latency, list):
        return [max(pair) for pair in zip(late, latency, strict=True)]
    return latency
