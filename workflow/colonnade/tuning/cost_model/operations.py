# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Instructions as a core sees them: class, registers read and written, access to memory.

Classes have the names of the timing model (`kernels/timing/src/classes.h`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from colonnade.common.errors import ColonnadeError
from colonnade.tuning.core import Kind
from colonnade.tuning.cost_model.assembly import Code, Instruction

CLASSES: Mapping[str, Kind] = {
    **dict.fromkeys(("add", "addi", "mv", "slli", "srli", "sub"), "alu"),
    **dict.fromkeys(("beqz", "bgez", "bltu", "bltz", "bnez"), "branch"),
    **dict.fromkeys(("fcvt.h.s",), "fp_convert"),
    **dict.fromkeys(("fld", "flh", "flw"), "fp_load"),
    **dict.fromkeys(("fsd",), "fp_store"),
    **dict.fromkeys(("j",), "jump"),
    **dict.fromkeys(("ret",), "jump_register"),
    **dict.fromkeys(("lb", "ld", "lh", "lw", "lwu"), "load"),
    **dict.fromkeys(("sd", "sh", "sw"), "store"),
    **dict.fromkeys(("vmv.v.x",), "v_move"),
    **dict.fromkeys(("vfadd.vv",), "vf_add"),
    **dict.fromkeys(("vfncvt.f.f.w",), "vf_convert_narrow"),
    **dict.fromkeys(("vfmacc.vf",), "vf_fma"),
    **dict.fromkeys(("vfmax.vf", "vfmin.vf"), "vf_minmax"),
    **dict.fromkeys(("vfwadd.wv",), "vf_widen"),
    **dict.fromkeys(("vfwmacc.vf",), "vf_widen_fma"),
    **dict.fromkeys(("vle16.v", "vle32.v"), "vload"),
    **dict.fromkeys(("vluxei32.v",), "vload_indexed"),
    **dict.fromkeys(("vlm.v",), "vload_mask"),
    **dict.fromkeys(("vlse32.v",), "vload_strided"),
    **dict.fromkeys(("vsetvli",), "vset"),
    **dict.fromkeys(("vse16.v", "vse32.v"), "vstore"),
    **dict.fromkeys(("vsuxei32.v",), "vstore_indexed"),
}
_STORES = ("fp_store", "store", "vstore", "vstore_indexed")
# Classes whose first operand is read, not written.
_NO_RESULT = (*_STORES, "branch", "jump", "jump_register")

# Numbers of registers: x0 to x31, then f0 to f31, then v0 to v31. A group of vector registers goes by
# its first one. Nothing is written to x0, nor waits for it.
FIRST_FLOAT, FIRST_VECTOR, REGISTERS = 32, 64, 96
_INTEGERS = ("zero", "ra", "sp", "gp", "tp", *(f"t{i}" for i in range(3)), "s0", "s1")
_INTEGERS += (*(f"a{i}" for i in range(8)), *(f"s{i}" for i in range(2, 12)))
_INTEGERS += tuple(f"t{i}" for i in range(3, 7))
NUMBERS: Mapping[str, int] = {
    **{name: number for number, name in enumerate(_INTEGERS)},
    **{f"f{number}": FIRST_FLOAT + number for number in range(32)},
    **{f"v{number}": FIRST_VECTOR + number for number in range(32)},
}
_ADDRESS = re.compile(r"(-?\d*)\((\w+)\)")


class Flow(IntEnum):
    """Where an instruction may go on but behind itself."""

    NEXT = 0
    CONDITIONAL = 1
    JUMP = 2


@dataclass(frozen=True, slots=True)
class Operation:
    """An instruction in its place of a kernel: what a pipeline needs to know of it.

    `result` is 0 where nothing waits for one. `base` and `displacement` make the address of an access.
    A vector instruction, `is_vector`, waits for vtype; one that sets it is none.
    """

    place: int
    instruction: Instruction
    kind: Kind
    result: int
    sources: tuple[int, ...]
    base: int | None
    displacement: int
    flow: Flow
    backward: bool
    is_vector: bool
    is_store: bool


def operations(code: Code) -> tuple[Operation, ...]:
    """The operations of a kernel's code, in its order.

    Raises:
        ColonnadeError: an instruction is of no class that is known here.
    """
    return tuple(_operation(place, instruction) for place, instruction in enumerate(code))


def _operation(place: int, instruction: Instruction) -> Operation:
    if instruction.mnemonic not in CLASSES:
        raise ColonnadeError(
            f"instruction '{instruction.mnemonic}' has no class in {__name__}; known: "
            + ", ".join(sorted(CLASSES))
        )
    kind = CLASSES[instruction.mnemonic]
    named, base, displacement = [], None, 0
    for operand in instruction.operands:
        if address := _ADDRESS.fullmatch(operand):
            base, displacement = NUMBERS[address[2]], int(address[1] or 0)
            named.append(base)
        elif (register := operand.removesuffix(".t")) in NUMBERS:
            named.append(NUMBERS[register])
    result = 0 if kind in _NO_RESULT or not named else named[0]
    sources = named if kind in _NO_RESULT else named[1:]
    if result >= FIRST_VECTOR:
        # Elements that are not written keep their value: the old one is waited for.
        sources = [result, *sources]
    if kind == "jump_register":
        sources = [NUMBERS["ra"]]
    flow = {"branch": Flow.CONDITIONAL, "jump": Flow.JUMP, "jump_register": Flow.JUMP}
    target = instruction.target
    return Operation(
        place=place,
        instruction=instruction,
        kind=kind,
        result=result,
        sources=tuple(dict.fromkeys(each for each in sources if each != 0)),
        base=base,
        displacement=displacement,
        flow=flow.get(kind, Flow.NEXT),
        backward=target is not None and target <= place,
        is_vector=kind.startswith("v") and kind != "vset",
        is_store=kind in _STORES,
    )
