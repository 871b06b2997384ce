# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Render the microkernel templates: `generate.py ARCHITECTURE OUTPUT_DIR`, run by CMake.

A template becomes one C or assembly file per instruction set, datatype and LMUL. The set of tiles follows
from the register file, so neither the kernels nor the tables that list them are typed by hand. Prints the
sources that are to be compiled, one a line.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

LMULS = (1, 2, 4, 8)
# Byte offsets of struct xnn_colnm_panel, which colnm-gemm-config.c checks.
PANEL = {
    "PANEL_COUNT": 0,
    "PANEL_INPUT": 8,
    "PANEL_OUTPUT": 16,
    "PANEL_RESIDUAL": 24,
    "PANEL_OUTPUT_INDEX": 32,
    "PANEL_RESIDUAL_INDEX": 40,
    "PANEL_MASK": 48,
    "PANEL_HOLE": 56,
    "PANEL_SIZE": 64,
}
# The RVV register file; the other instruction sets offer the same tiles, so that one mask fits all.
VECTOR_REGISTERS = 32
# Bits of an offset of an indexed load or store.
INDEX_BITS = 32
SOURCE = Path(__file__).parent / "src"
# Output channels that share their columns: XNNPACK's choice.
SPMM_CHANNELS = (1, 2, 4)
# What plain C calls an element, and how it converts one to and from float.
C_ELEMENTS = {
    "f32": {"element": "float", "to_float": "", "from_float": ""},
    "f16": {
        "element": "xnn_float16",
        "to_float": "xnn_float16_to_float",
        "from_float": "xnn_float16_from_float",
    },
}


@dataclass(frozen=True)
class Arithmetic:
    """What a GEMM kernel computes in: elements of `bits`, accumulators of `acc_bits` bits."""

    name: str
    datatype: str
    bits: int
    acc_bits: int

    def tiles(self, lmul: int) -> range:
        """Tiles T whose accumulators fit the register file beside what else a kernel needs.

        That is a panel vector of LMUL registers, or an index of offsets in its place.
        """
        index = lmul * INDEX_BITS // self.bits
        if index > max(LMULS):
            return range(0)
        return range(1, (VECTOR_REGISTERS - index) // (lmul * self.acc_bits // self.bits) + 1)

    def kernels(self) -> list[tuple[int, int]]:
        """(LMUL, T) of every kernel."""
        return [(lmul, tile) for lmul in LMULS for tile in self.tiles(lmul)]


F32 = Arithmetic("f32", "f32", 32, 32)
F16 = Arithmetic("f16", "f16", 16, 16)
F16_F32ACC = Arithmetic("f16_f32acc", "f16", 16, 32)


@dataclass(frozen=True)
class InstructionSet:
    """One rendering of a GEMM template.

    `lanes` is 0 where the vector length is known at run time only.
    """

    name: str
    template: str
    lanes: int
    arithmetics: tuple[Arithmetic, ...]
    # Vector registers, where a template cuts a tile into blocks that fit them.
    registers: int = 0
    # Whether an FMA can broadcast a weight from memory, which then needs no register.
    broadcasts: bool = False
    # Most positions behind a panel's whole vectors that are computed with channels in the lanes; 0: none.
    narrow: int = 0
    # The LMUL whose kernels compute all vectors but one and the positions behind them at once; 0: none.
    joint_lmul: int = 0

    def register_blocks(self, tile: int, lmul: int) -> list[tuple[range, range]]:
        """Rows and panel vectors of the blocks of a tile, whose accumulators fit the registers.

        Beside them a block needs its panel vectors and the weight. If not all rows fit, they are
        divided evenly, and pairs of vectors share the loading of a weight.
        """
        weight = 0 if self.broadcasts else 1
        if (tile + 1) * lmul + weight <= self.registers:
            return [(range(tile), range(lmul))]
        vectors = min(lmul, 2)
        parts = -(-tile // ((self.registers - weight) // vectors - 1))
        rows = [range(tile * part // parts, tile * (part + 1) // parts) for part in range(parts)]
        return [(each, range(v, v + vectors)) for v in range(0, lmul, vectors) for each in rows]

    def partial_panels(self, lmul: int) -> list[tuple[int, int]]:
        """Whole vectors, and positions behind them, of panels that kernels of an LMUL have code for.

        Of LMUL 4 with three vectors: 7 x 7 positions are three vectors of AVX-512 and one more.
        """
        if lmul != self.joint_lmul:
            return []
        return [(lmul - 1, behind) for behind in (0, 1, self.narrow)]


# Plain C always adds up in float, and has no register file that limits its tiles.
F16_IN_C = Arithmetic("f16_f32acc", "f16", 16, 16)
SCALAR = InstructionSet("scalar", "scalar.c.in", 0, (F32, F16_IN_C))
INSTRUCTION_SETS = {
    "riscv": (
        InstructionSet("rvv", "rvv.S.in", 0, (F32,)),
        InstructionSet("rvvfp16", "rvv.S.in", 0, (F16, F16_F32ACC)),
        SCALAR,
    ),
    "x86": (
        InstructionSet(
            "avx512f",
            "simd.c.in",
            16,
            (F32,),
            registers=32,
            broadcasts=True,
            narrow=4,
            joint_lmul=4,
        ),
        InstructionSet("fma3", "simd.c.in", 8, (F32,), registers=16, narrow=4),
        SCALAR,
    ),
}


@dataclass(frozen=True)
class Copy:
    """An im2col kernel; it rounds where the output has fewer bits. `isa`: what its vector form needs."""

    name: str
    in_bits: int
    out_bits: int
    isa: str


COPIES = (
    Copy("x32_im2col", 32, 32, "rvv"),
    Copy("x16_im2col", 16, 16, "rvv"),
    Copy("f32_f16_im2col", 32, 16, "rvvfp16"),
)
# Instruction sets of the kernels whose template is the same for all of them, by datatype.
PLANE_KERNELS = {
    "riscv": {"f32": ("rvv", "scalar"), "f16": ("rvvfp16", "scalar")},
    "x86": {"f32": ("avx512f", "fma3", "scalar"), "f16": ("scalar",)},
}
# The instruction set of each datatype's pooling kernels.
POOLS = {"f32": "rvv", "f16": "rvvfp16"}


# Groups of taps, by kernel and stride, for which the depthwise kernels have code of their own.
DWCONV_KINDS = {"3x3": [3] * 3, "3x3s2": [2, 1] * 3, "5x5": [5] * 5, "5x5s2": [3, 2] * 5}
# Vectors that a depthwise kernel loads before it uses the first of them.
DWCONV_AHEAD = 4


def dwconv_steps(rows: int, groups: list[int]) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Order in which a strip of `rows` output rows loads vectors and multiplies them.

    Yields the group and the row of each vector, and the (sum, weight) pairs that it is multiplied for.
    Neighbours in that order add to different sums where there are any: an in-order core waits for a sum.
    """
    first = [sum(groups[:g]) for g in range(len(groups))]
    most = rows + max(groups) - 1
    from_both_ends = sorted(range(most), key=lambda i: (min(i, most - 1 - i), i))
    for i in from_both_ends:
        for g, taps in enumerate(groups):
            sums = [r for r in range(rows) if 0 <= i - r < taps]
            if sums:
                yield g, i, [(r, first[g] + i - r) for r in sums]


def dwconv_order(rows: int, groups: list[int]) -> Iterator[tuple[str, int, int]]:
    """Loads ("load", group, row) and multiplications ("multiply", sum, weight) of a strip, as they run.

    A multiplication takes its vector from the "use" (group, row) before it.
    """
    waiting = list(dwconv_steps(rows, groups))
    loaded = waiting[:DWCONV_AHEAD]
    del waiting[:DWCONV_AHEAD]
    yield from (("load", g, i) for g, i, _ in loaded)
    recent: list[int] = []
    while loaded:
        # Of the vectors at hand the one with a product for the sum that rests longest.
        window = loaded[: DWCONV_AHEAD - 1] if waiting else loaded
        options = [(vector, product) for vector in window for product in vector[2]]
        age = {r: place for place, r in enumerate(recent)}
        vector, product = min(options, key=lambda option: age.get(option[1][0], -1))
        recent = [r for r in recent if r != product[0]] + [product[0]]
        yield "use", vector[0], vector[1]
        yield "multiply", *product
        vector[2].remove(product)
        if not vector[2]:
            loaded.remove(vector)
            if waiting:
                loaded.append(waiting.pop(0))
                yield "load", loaded[-1][0], loaded[-1][1]


def renderings(architecture: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Template, file to write and variables of each file of an architecture."""
    for datatype, names in C_ELEMENTS.items():
        yield "colnm-gemm/store-row.h.in", f"{datatype}-store-row.h", names
    for isa in INSTRUCTION_SETS[architecture]:
        for arithmetic in isa.arithmetics:
            for lmul in LMULS:
                if not arithmetic.tiles(lmul):
                    continue
                suffix = Path(isa.template).suffixes[0]
                yield (
                    f"colnm-gemm/{isa.template}",
                    f"{arithmetic.name}-colnm-gemm-{lmul}v-minmax-{isa.name}{suffix}",
                    {
                        "isa": isa.name,
                        "lanes": isa.lanes,
                        "narrow": isa.narrow,
                        "registers": isa.registers,
                        "register_blocks": isa.register_blocks,
                        "partial_panels": isa.partial_panels,
                        "lmul": lmul,
                        "arithmetic": arithmetic.name,
                        "datatype": arithmetic.datatype,
                        "bits": arithmetic.bits,
                        "acc_bits": arithmetic.acc_bits,
                        "tiles": arithmetic.tiles(lmul),
                        **C_ELEMENTS[arithmetic.datatype],
                        **PANEL,
                    },
                )
        tables = {arithmetic.name: arithmetic.kernels() for arithmetic in isa.arithmetics}
        yield (
            "colnm-gemm/table.h.in",
            f"colnm-gemm-minmax-{isa.name}.h",
            {"isa": isa.name, "tables": tables, "narrow": isa.narrow, "joint_lmul": isa.joint_lmul},
        )
    if architecture == "riscv":
        for channels in SPMM_CHANNELS:
            name = f"f32-spmm-4vx{channels}-minmax-rvv.c"
            yield "f32-spmm/rvv.c.in", name, {"channels": channels}
    for datatype, isas in PLANE_KERNELS[architecture].items():
        for isa_name in isas:
            variables = {"datatype": datatype, "isa": isa_name, **C_ELEMENTS[datatype]}
            kinds = {"kinds": DWCONV_KINDS, "order": dwconv_order}
            yield "dwconv/dwconv.c.in", f"{datatype}-dwconv-{isa_name}.c", variables | kinds
            yield "elementwise/elementwise.c.in", f"{datatype}-elementwise-{isa_name}.c", variables
    for template in ["scalar", "rvv"] if architecture == "riscv" else ["scalar"]:
        for kernel in COPIES:
            isa_name = "scalar" if template == "scalar" else kernel.isa
            name = f"{kernel.name.replace('_', '-')}-{isa_name}.c"
            yield f"im2col/{template}.c.in", name, {**vars(kernel), "isa": isa_name}
        for datatype, pool_isa in POOLS.items():
            isa_name = "scalar" if template == "scalar" else pool_isa
            name = f"{datatype}-cnhw-pool-{isa_name}.c"
            yield (
                f"cnhw-pool/{template}.c.in",
                name,
                {"datatype": datatype, "isa": isa_name, **C_ELEMENTS[datatype]},
            )


ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(SOURCE),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
)


def render(template: str, variables: dict[str, Any]) -> str:
    """Text of one of the `renderings`."""
    return ENVIRONMENT.get_template(template).render(variables)


def main(architecture: str, output: Path) -> None:
    """Write the generated sources of one architecture below `output`."""
    output.mkdir(parents=True, exist_ok=True)
    for template, name, variables in renderings(architecture):
        file, text = output / name, render(template, variables)
        # What stays the same is not compiled again.
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
        if not name.endswith(".h"):
            print(name)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
