# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Machine code of the RVV microkernels: all there, none spills, loops are tight, rows end in vectors."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from colonnade.container import Container

from .machine_code import disassembly

VECTOR_REGISTERS = 32
CALLEE_SAVED = re.compile(r"f?s\d+")


@dataclass(frozen=True)
class Instruction:
    """One line of the disassembly."""

    address: int
    mnemonic: str
    operands: list[str]

    @classmethod
    def parse(cls, address: int, text: str) -> "Instruction":
        mnemonic, _, operands = text.partition("\t")
        return cls(address, mnemonic, re.sub(r"\s*<.*>", "", operands).split(", "))

    def touches_stack(self) -> bool:
        return any(re.search(r"\bsp\b", operand) for operand in self.operands)

    def is_vector(self) -> bool:
        return self.mnemonic.startswith("v")

    def branch_target(self) -> int | None:
        match = re.match(r"0x([0-9a-f]+)", self.operands[-1]) if self.operands else None
        return int(match[1], 16) if match and self.mnemonic.startswith("b") else None


@dataclass(frozen=True)
class Family:
    """Kernels of one arithmetic: their instruction set, and the largest tile of each LMUL.

    A tile's accumulators, LMUL registers each or twice as many where they are wider than elements,
    leave room for a panel vector, and for an index of 32-bit offsets in its place.
    """

    isa: str
    multiply: str
    largest_tiles: dict[int, int]

    def names(self, arithmetic: str) -> set[str]:
        return {
            f"xnn_{arithmetic}_colnm_gemm_minmax_ukernel_{tile}x{lmul}v__{self.isa}"
            for lmul, largest in self.largest_tiles.items()
            for tile in range(1, largest + 1)
        }


FAMILIES = {
    "f32": Family("rvv", "vfmacc.vf", {1: 31, 2: 15, 4: 7, 8: 3}),
    "f16": Family("rvvfp16", "vfmacc.vf", {1: 30, 2: 14, 4: 6}),
    "f16_f32acc": Family("rvvfp16", "vfwmacc.vf", {1: 15, 2: 7, 4: 3}),
}


@pytest.fixture(scope="module")
def kernels(
    toolchain: Container, riscv64_programs: Path, root: Path
) -> dict[str, list[Instruction]]:
    """Code of every kernel that the generator lists for RVV, by name."""
    tables = (riscv64_programs / "generated/colnm-kernels.h").read_text("utf-8")
    listed = set(re.findall(r"void (xnn_\w+_colnm_gemm_\w+__rvv\w*)\(", tables))
    found = disassembly(toolchain, root, riscv64_programs / "colonnade-tests", listed)
    assert set(found) == listed
    return {
        name: [Instruction.parse(address, text) for address, text in code]
        for name, code in found.items()
    }


def describe(name: str) -> tuple[Family, int, int]:
    """Family, tile and LMUL of a kernel."""
    match = re.fullmatch(r"xnn_(\w+)_colnm_gemm_minmax_ukernel_(\d+)x(\d)v__\w+", name)
    assert match is not None, name
    return FAMILIES[match[1]], int(match[2]), int(match[3])


def innermost_loop(code: list[Instruction]) -> list[Instruction]:
    """The shortest body that multiplies and ends in a branch back to its beginning."""
    bodies = []
    for last in code:
        first = last.branch_target()
        if first is not None and first < last.address:
            body = [i for i in code if first <= i.address <= last.address]
            if any(re.match(r"vfw?macc", i.mnemonic) for i in body):
                bodies.append(body)
    return min(bodies, key=len)


def test_every_kernel_is_there(kernels: dict[str, list[Instruction]]) -> None:
    expected = set[str]().union(*(f.names(name) for name, f in FAMILIES.items()))
    assert set(kernels) == expected


def test_no_kernel_spills(kernels: dict[str, list[Instruction]]) -> None:
    assert len(kernels) > 100
    for name, code in kernels.items():
        vectors = [index for index, i in enumerate(code) if i.is_vector()]
        frame = next((-int(i.operands[2]) for i in code if i.operands[:2] == ["sp", "sp"]), 0)
        for index, i in enumerate(code):
            where = f"{name}: {i.mnemonic} {', '.join(i.operands)}"
            assert not re.fullmatch(r"vs[1248]r\.v|vl[1248]re\d+\.v", i.mnemonic), where
            assert "vlenb" not in i.operands, where
            if not i.touches_stack():
                continue
            before, behind = index < vectors[0], index > vectors[-1]
            if i.operands[:2] == ["sp", "sp"]:
                assert i.mnemonic == "addi" and (before or behind), where
            elif i.mnemonic in {"fsd", "sd"}:
                assert before and CALLEE_SAVED.fullmatch(i.operands[0]), where
            elif behind:
                assert i.mnemonic in {"fld", "ld"}, where
                assert CALLEE_SAVED.fullmatch(i.operands[0]), where
            else:  # an argument of the caller's, behind the kernel's own frame
                offset = re.fullmatch(r"(\d+)\(sp\)", i.operands[1])
                assert i.mnemonic == "ld" and offset is not None, where
                assert int(offset[1]) >= frame, where


def test_loops_hold_nothing_but_loads_and_multiplications(
    kernels: dict[str, list[Instruction]],
) -> None:
    assert len(kernels) > 100
    for name, code in kernels.items():
        family, tile, lmul = describe(name)
        accumulators = tile * lmul * (2 if family.multiply == "vfwmacc.vf" else 1)
        columns = 2 if VECTOR_REGISTERS - accumulators >= 2 * lmul else 1
        body = innermost_loop(code)
        counts = {
            kind: sum(bool(re.fullmatch(kind, i.mnemonic)) for i in body)
            for kind in (re.escape(family.multiply), r"vle\d+\.v", r"fl[wh]", r"v.*")
        }
        assert counts == {
            re.escape(family.multiply): columns * tile,
            r"vle\d+\.v": columns,
            r"fl[wh]": columns * tile,
            r"v.*": columns * (tile + 1),
        }, name


@pytest.mark.parametrize("name", ["f32-elementwise-rvv", "f16-elementwise-rvvfp16"])
def test_the_last_elements_of_a_row_are_a_shorter_vector(
    toolchain: Container, riscv64_programs: Path, root: Path, name: str
) -> None:
    """The compiler makes these loops: planes of 7 by 7 and 14 by 14 are narrower than its vectors."""
    (compiled,) = riscv64_programs.rglob(f"{name}.c.o")
    of_any_length = {
        function: sum(bool(re.match(r"vsetvli\s+\w+, (?!zero)", text)) for _, text in code)
        for function, code in disassembly(toolchain, root, compiled).items()
    }
    assert len(of_any_length) > 20
    assert all(of_any_length.values()), of_any_length
    # Sums of channels, twice, the root, and what is written.
    assert of_any_length["normalize_pixels"] >= 4
