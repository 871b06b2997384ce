# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The instructions that a kernel executes, one after the other, and the lines of memory it asks for.

The scalar instructions are carried out on a small described memory: they decide where branches go and
what is loaded from where. Elements have no values.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from functools import cache
from typing import Literal, NamedTuple

from colonnade.common.errors import ColonnadeError
from colonnade.tuning.cost_model.assembly import TEMPLATE, arithmetics, generator, kernel_code
from colonnade.tuning.cost_model.operations import NUMBERS, Flow, Operation, operations

# How a kernel stores: all of a vector, all but one position in a gap, under a mask, or by an index.
Stores = Literal["whole", "hole", "mask", "index"]

_REGION_BITS = 32
# Between the rows of outputs, and between columns that the prefetcher does not follow. The panels of an
# operand lie farther apart than all columns of one: so short a run must not find their streams.
_FAR, _FARTHER = 1 << 16, 1 << 28
# No kernel executes as many instructions.
_LIMIT = 1_000_000


class Region(IntEnum):
    """Parts of the memory that a kernel sees."""

    STACK = 1
    PARAMS = 2
    PANELS = 3
    INDEX = 4
    WEIGHTS = 5
    OFFSETS = 6
    OPERAND = 7
    OUTPUT = 8
    RESIDUAL = 9
    RARE = 10  # the operand of one in `RARITY` columns

    @property
    def base(self) -> int:
        """Address of its first byte."""
        return self << _REGION_BITS


RARITY = 16

# Of these every panel reads the same lines, or its own from the same place: they come again.
_OF_PANEL = (Region.WEIGHTS, Region.OFFSETS, Region.OPERAND, Region.RARE)


class Call(NamedTuple):
    """A call of a kernel over `panels` panels of vectors of `vlen` bits.

    The operand of a column begins `apart` lines behind that of the column before, or far from it where
    `apart` is 0; it touches `vector_lines` lines of `line` bytes.
    """

    arithmetic: str
    tile: int
    lmul: int
    kept: int
    panels: int
    vlen: int
    line: int
    vector_lines: int
    apart: int
    residual: bool
    stores: Stores


class Executed(NamedTuple):
    """An instruction that was executed: the lines that are new to it, whether it branched away."""

    operation: Operation
    region: Region = Region.STACK
    lines: Sequence[int] = ()
    taken: bool = False


def execute(call: Call) -> list[Executed]:
    """All instructions of a call, in order.

    Raises:
        ColonnadeError: there is no such kernel, or it does what is not described here.
    """
    return _Execution(call).run()


@cache
def _program(arithmetic: str, tile: int, lmul: int) -> Sequence[tuple[Operation, Executed]]:
    """A kernel's operations, each with what is recorded where it neither branches nor fetches."""
    code = operations(kernel_code(arithmetic, tile, lmul))
    return [(operation, Executed(operation)) for operation in code]


def _memory(call: Call) -> dict[int, int]:
    """What pointers and counts the kernel finds, by address."""
    generate = generator()
    bits = arithmetics()[call.arithmetic].bits
    panel_bytes = call.vlen // 8 * call.lmul
    stack = Region.STACK.base + _FAR
    memory = {
        stack: Region.RESIDUAL.base if call.residual else 0,
        stack + 8: _FAR,
        stack + 16: Region.PARAMS.base,
    }
    for number in range(call.panels):
        fields = {
            "PANEL_COUNT": panel_bytes * 8 // bits,
            "PANEL_INPUT": number * _FARTHER,
            "PANEL_OUTPUT": number * panel_bytes,
            "PANEL_RESIDUAL": number * panel_bytes,
            "PANEL_OUTPUT_INDEX": Region.INDEX.base if call.stores == "index" else 0,
            "PANEL_RESIDUAL_INDEX": Region.INDEX.base if call.stores == "index" else 0,
            "PANEL_MASK": Region.INDEX.base if call.stores in {"hole", "mask"} else 0,
            "PANEL_HOLE": bits // 8 if call.stores == "hole" else 0,
        }
        first = Region.PANELS.base + number * generate.PANEL["PANEL_SIZE"]
        memory |= {first + generate.PANEL[name]: value for name, value in fields.items()}
    return memory


def _arguments(call: Call) -> Mapping[str, int]:
    """The registers in which a kernel gets its arguments."""
    vector = call.vlen // 8 * call.lmul
    # A vector that touches one more line than it fills begins within a line.
    begin = call.line // 2 if call.vector_lines > max(1, vector // call.line) else 0
    return {
        "sp": Region.STACK.base + _FAR,
        "a0": call.kept,
        "a1": Region.OPERAND.base + begin,
        "a2": Region.WEIGHTS.base,
        "a3": Region.OFFSETS.base,
        "a4": call.panels,
        "a5": Region.PANELS.base,
        "a6": Region.OUTPUT.base,
        "a7": _FAR,
    }


_BRANCHES: Mapping[str, Callable[[int, int], bool]] = {
    "beqz": lambda a, _: a == 0,
    "bnez": lambda a, _: a != 0,
    "bltz": lambda a, _: a < 0,
    "bgez": lambda a, _: a >= 0,
    "bltu": lambda a, b: a < b,
}
_ALU: Mapping[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "addi": lambda a, b: a + b,
    "mv": lambda a, _: a,
    "slli": lambda a, b: a << b,
    "srli": lambda a, b: a >> b,
    "sub": lambda a, b: a - b,
}
# What loads bring that are not of elements or biases, and bytes of an access but of vectors.
_POINTERS = ("ld", "lwu")
_SIZES = {"b": 1, "h": 2, "w": 4, "d": 8}


class _Execution:
    """Registers and memory of a call, and what was executed so far."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._program = _program(call.arithmetic, call.tile, call.lmul)
        self._memory = _memory(call)
        self._registers = [0] * len(NUMBERS)
        for name, value in _arguments(call).items():
            self._registers[NUMBERS[name]] = value
        # From the operand of one column to the next.
        self._step = call.apart * call.line or _FAR
        self._input = generator().PANEL["PANEL_INPUT"]
        self._panel = 0
        self._known: set[tuple[int, int]] = set()
        self._vl = self._sew = 0
        self._executed: list[Executed] = []

    def run(self) -> list[Executed]:
        """See `execute`."""
        place = 0
        record = self._executed.append
        while place < len(self._program):
            operation, plain = self._program[place]
            place += 1
            if operation.base is not None:
                record(self._access(operation, plain))
            elif operation.kind == "alu":
                record(plain)
                self._compute(operation)
            elif operation.flow == Flow.CONDITIONAL:
                taken = self._branches(operation)
                record(Executed(operation, taken=taken))
                place = self._target(operation) if taken else place
            elif operation.flow == Flow.JUMP:
                record(Executed(operation, taken=True))
                if operation.kind == "jump_register":
                    return self._executed
                place = self._target(operation)
            else:
                record(plain)
                if operation.kind == "vset":
                    self._set_vector(operation)
            if len(self._executed) > _LIMIT:
                break
        raise ColonnadeError(f"{TEMPLATE}: {self._call} does not return")

    def _target(self, operation: Operation) -> int:
        if operation.instruction.target is None:
            raise self._unknown(operation)
        return operation.instruction.target

    def _value(self, operand: str) -> int:
        return self._registers[NUMBERS[operand]] if operand in NUMBERS else int(operand)

    def _compute(self, operation: Operation) -> None:
        _, first, *second = operation.instruction.operands
        function = _ALU[operation.instruction.mnemonic]
        value = function(self._value(first), self._value(second[0]) if second else 0)
        self._registers[operation.result] = value

    def _branches(self, operation: Operation) -> bool:
        first, *second = operation.instruction.operands
        function = _BRANCHES[operation.instruction.mnemonic]
        return function(self._value(first), self._value(second[0]) if second else 0)

    def _set_vector(self, operation: Operation) -> None:
        """`vsetvli`: of x0 the longest vector, or where nobody asks how long it is, as many as before."""
        into, count, sew, lmul, *_ = operation.instruction.operands
        self._sew = int(sew.removeprefix("e"))
        longest = self._call.vlen * int(lmul.removeprefix("m")) // self._sew
        if count != "zero":
            self._vl = min(self._value(count), longest)
        elif into != "zero":
            self._vl = longest
        if into != "zero":
            self._registers[operation.result] = self._vl

    def _access(self, operation: Operation, plain: Executed) -> Executed:
        assert operation.base is not None
        address = self._registers[operation.base] + operation.displacement
        mnemonic = operation.instruction.mnemonic
        if mnemonic in _POINTERS:
            self._registers[operation.result] = self._load(operation, address)
            self._registers[0] = 0
        elif mnemonic == "sd":
            self._memory[address] = self._value(operation.instruction.operands[0])
        region = Region(address >> _REGION_BITS)
        if region < Region.WEIGHTS:
            return plain
        if region == Region.OPERAND:
            column = (address - region.base) % _FARTHER // self._step
            region = Region.RARE if column % RARITY == RARITY // 2 else region
        lines = self._new_lines(region, address, self._size(operation))
        return Executed(operation, region, lines) if lines else plain

    def _load(self, operation: Operation, address: int) -> int:
        region = address >> _REGION_BITS
        if region == Region.OFFSETS:
            return (address - Region.OFFSETS.base) // 4 * self._step
        if region == Region.PANELS:
            # All that a panel reads is read behind its input.
            size = generator().PANEL["PANEL_SIZE"]
            number, field = divmod(address - Region.PANELS.base, size)
            self._panel = number if field == self._input else self._panel
        if address not in self._memory:
            raise self._unknown(operation)
        return self._memory[address]

    def _size(self, operation: Operation) -> int:
        """Bytes of an access; those by an index lie close together here."""
        mnemonic = operation.instruction.mnemonic
        if not operation.is_vector:
            return _SIZES[mnemonic.rstrip("u")[-1]]
        if operation.kind == "vload_mask":
            return (self._vl + 7) // 8
        indexed = operation.kind in {"vload_indexed", "vstore_indexed"}
        bits = self._sew if indexed else int("".join(filter(str.isdigit, mnemonic)))
        return self._vl * bits // 8

    def _new_lines(self, region: int, address: int, size: int) -> Sequence[int]:
        panel = self._panel if region in _OF_PANEL else 0
        first, last = address // self._call.line, (address + size - 1) // self._call.line
        lines = [line for line in range(first, last + 1) if (panel, line) not in self._known]
        self._known.update((panel, line) for line in lines)
        return lines

    def _unknown(self, operation: Operation) -> ColonnadeError:
        text = f"{operation.instruction.mnemonic} {', '.join(operation.instruction.operands)}"
        return ColonnadeError(f"{TEMPLATE}: '{text}' is not described in {__name__}")
