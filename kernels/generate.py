# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Render the microkernel templates: `generate.py ARCHITECTURE OUTPUT_DIR`, run by CMake.

What datatypes, arithmetics and instruction sets there are is said here and nowhere else: C and C++ read
the lists of `colonnade-datatypes.h` and the tables of `colnm-kernels.h`, which are rendered too. A
template becomes one C or assembly file per instruction set, datatype and LMUL. The set of tiles follows
from the register file. Prints the sources that are to be compiled, one a line.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2

LMULS = (1, 2, 4, 8)
# Byte offsets of struct xnn_colnm_panel, which colnm-kernels.c checks.
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


@dataclass(frozen=True)
class Datatype:
    """An element of activations and weights.

    `element` is what plain C calls it, `vector_element` what RVV's intrinsics do, `to_float` and
    `from_float` are what converts one in plain C. `xnnpack` is XNNPACK's name. A number has `precision`
    significant bits, the first of which is not stored, and `exponent` bits of exponent.
    """

    name: str
    bits: int
    element: str
    vector_element: str
    to_float: str
    from_float: str
    xnnpack: str
    precision: int
    exponent: int

    @property
    def relative_error(self) -> str:
        """What rounding adds at most to a number, in relation to it, as C writes it."""
        return f"0x1p-{self.precision}"

    @property
    def least_error(self) -> str:
        """What rounding adds at most to a number near 0, as C writes it."""
        return f"0x1p-{(1 << (self.exponent - 1)) - 2 + self.precision}"


F32 = Datatype("f32", 32, "float", "float", "", "", "xnn_datatype_fp32", 24, 8)
F16 = Datatype(
    *("f16", 16, "xnn_float16", "_Float16", "xnn_float16_to_float", "xnn_float16_from_float"),
    *("xnn_datatype_fp16", 11, 5),
)
DATATYPES = (F32, F16)


@dataclass(frozen=True)
class Arithmetic:
    """What a convolution computes in: `elements`, and `sums` of their products.

    Sums of more than `columns` products lose too much; None: of any number they are good.
    """

    name: str
    elements: Datatype
    sums: Datatype
    columns: int | None = None

    @property
    def bits(self) -> int:
        """Of an element."""
        return self.elements.bits

    def tiles(self, lmul: int, held: Datatype | None = None) -> range:
        """Tiles T whose accumulators fit RVV's registers beside what else a kernel needs.

        That is a panel vector of LMUL registers, or an index of offsets in its place. `held` is what the
        accumulators are, if not `sums`.
        """
        held_bits = (held or self.sums).bits
        index = lmul * INDEX_BITS // self.bits
        if index > max(LMULS):
            return range(0)
        return range(1, (VECTOR_REGISTERS - index) // (lmul * held_bits // self.bits) + 1)

    def kernels(self, held: Datatype | None = None) -> list[tuple[int, int]]:
        """(LMUL, T) of every kernel."""
        return [(lmul, tile) for lmul in LMULS for tile in self.tiles(lmul, held)]


# Of a datatype the fastest first. The error of an f16 sum of K columns, relative to the root mean square
# of such sums, was measured against float64 as 1.05e-4 sqrt(K) for rectified normal inputs and normal
# weights. Up to so many columns it is below 2^-8.
ARITHMETICS = (
    Arithmetic("f32", F32, F32),
    Arithmetic("f16", F16, F16, columns=1152),
    Arithmetic("f16_f32acc", F16, F32),
)
BY_NAME = {each.name: each for each in ARITHMETICS}


@dataclass(frozen=True)
class Copy:
    """An im2col kernel, which copies elements, or makes elements of `converted` out of f32 ones."""

    bits: int
    converted: Datatype | None = None

    @property
    def name(self) -> str:
        """What XNNPACK would call it."""
        return f"f32_{self.converted.name}_im2col" if self.converted else f"x{self.bits}_im2col"

    @classmethod
    def making(cls, datatype: Datatype) -> "Copy":
        """The one that makes elements of f32 ones; those of f32 are copied."""
        return cls(datatype.bits, None if datatype == F32 else datatype)


def copies_of(datatypes: tuple[Datatype, ...]) -> tuple[Copy, ...]:
    """Those that networks of these datatypes need."""
    pairs = ((Copy(each.bits), Copy.making(each)) for each in datatypes)
    return tuple(dict.fromkeys(chain.from_iterable(pairs)))


@dataclass(frozen=True)
class InstructionSet:
    """All kernels of one: `template` is that of its GEMM, copies are rendered of `family`'s.

    Depthwise and elementwise kernels, of the datatypes of `planes`, have one template for all sets, and
    pools have one for all sets with a header of `vectors`, else one of `family`'s.

    `lanes` is how many elements a vector register of the GEMM holds; None where that is known at run time
    only, of RVV.
    """

    name: str
    template: str
    lanes: int | None
    arithmetics: tuple[Arithmetic, ...]
    family: str
    copies: tuple[Copy, ...] = ()
    pools: tuple[Datatype, ...] = ()
    planes: tuple[Datatype, ...] = ()
    # Vector registers, where a template cuts a tile into blocks that fit them.
    registers: int = 0
    # Whether an FMA can broadcast a weight from memory, which then needs no register.
    broadcasts: bool = False
    # Registers with weights otherwise, at one time.
    weights: int = 1
    # Most positions behind a panel's whole vectors that are computed with channels in the lanes; 0: none.
    narrow: int = 0
    # The LMUL whose kernels compute all vectors but one and the positions behind them at once; 0: none.
    joint_lmul: int = 0
    # Template of a header with vectors of an arithmetic, which the other templates are made of.
    vectors: str | None = None

    def kernels(self, arithmetic: Arithmetic) -> list[tuple[int, int]]:
        """(LMUL, T) of the kernels of an arithmetic; only RVV's are limited by wide accumulators."""
        return arithmetic.kernels(arithmetic.sums if self.lanes is None else arithmetic.elements)

    def stand_in(self, arithmetic: Arithmetic) -> Arithmetic | None:
        """The arithmetic whose kernels run it: its own, or one with wider sums, or none."""
        if arithmetic in self.arithmetics:
            return arithmetic
        wider = (a for a in self.arithmetics if a.sums.bits >= arithmetic.sums.bits)
        return next((a for a in wider if a.elements == arithmetic.elements), None)

    def copy(self, copy: Copy) -> str | None:
        """The name of the kernel."""
        return f"xnn_{copy.name}_ukernel__{self.name}" if copy in self.copies else None

    def header(self, arithmetic: Arithmetic) -> str | None:
        """The name of the header with vectors of an arithmetic."""
        return f"{arithmetic.name}-vectors-{self.name}.h" if self.vectors else None

    def weight_registers(self, arithmetic: Arithmetic, lmul: int) -> int:
        """Registers with weights, and with what these are made of where sums are wider than elements."""
        # One that is broadcast from memory is loaded for each vector: with several, loads bind, not FMAs.
        if self.broadcasts and lmul == 1:
            return 0
        return self.weights * arithmetic.sums.bits // arithmetic.elements.bits

    def register_blocks(
        self, arithmetic: Arithmetic, tile: int, lmul: int
    ) -> list[tuple[range, range]]:
        """Rows and panel vectors of the blocks of a tile, whose accumulators fit the registers.

        Beside them a block needs its panel vectors and weights. If not all rows fit, they are divided
        evenly, and pairs of vectors share the loading of a weight.
        """
        weights = self.weight_registers(arithmetic, lmul)
        if (tile + 1) * lmul + weights <= self.registers:
            return [(range(tile), range(lmul))]
        vectors = min(lmul, 2)
        parts = -(-tile // ((self.registers - weights) // vectors - 1))
        rows = [range(tile * part // parts, tile * (part + 1) // parts) for part in range(parts)]
        return [(each, range(v, v + vectors)) for v in range(0, lmul, vectors) for each in rows]

    def partial_panels(self, lmul: int) -> list[tuple[int, int]]:
        """Whole vectors, and positions behind them, of panels that kernels of an LMUL have code for.

        Of LMUL 4 with three vectors: 7 x 7 positions are three vectors of AVX-512 and one more.
        """
        if lmul != self.joint_lmul:
            return []
        return [(lmul - 1, behind) for behind in (0, 1, self.narrow)]


# Plain C has all datatypes, and adds up in float.
SCALAR = InstructionSet(
    "scalar",
    "scalar.c.in",
    8,
    tuple(each for each in ARITHMETICS if each.sums == F32),
    family="scalar",
    copies=copies_of(DATATYPES),
    pools=DATATYPES,
    planes=DATATYPES,
)
# The best first.
INSTRUCTION_SETS = {
    "riscv": (
        InstructionSet(
            *("rvv", "rvv.S.in", None, (BY_NAME["f32"],), "rvv"),
            copies=(Copy(32), Copy(16)),
            pools=(F32,),
            planes=(F32,),
        ),
        InstructionSet(
            *("rvvfp16", "rvv.S.in", None, (BY_NAME["f16"], BY_NAME["f16_f32acc"]), "rvv"),
            copies=(Copy(16, F16),),
            pools=(F16,),
            planes=(F16,),
        ),
        SCALAR,
    ),
    # Without FEAT_FP16, elements of f16 are converted when they are loaded. Weights are loaded four at a
    # time, four more ahead.
    "arm": (
        InstructionSet(
            *("neonfp16", "neon.c.in", 8, (BY_NAME["f16"],), "neon"),
            planes=(F16,),
            registers=32,
            weights=2,
            vectors="neon.h.in",
        ),
        InstructionSet(
            *("neon", "neon.c.in", 4, (BY_NAME["f32"], BY_NAME["f16_f32acc"]), "neon"),
            copies=copies_of(DATATYPES),
            pools=DATATYPES,
            planes=DATATYPES,
            registers=32,
            weights=2,
            vectors="neon.h.in",
        ),
        SCALAR,
    ),
    "x86": (
        InstructionSet(
            *("avx512f", "simd.c.in", 16, (BY_NAME["f32"],), "simd"),
            pools=(F32,),
            planes=(F32,),
            registers=32,
            broadcasts=True,
            narrow=4,
            joint_lmul=4,
            vectors="simd.h.in",
        ),
        InstructionSet(
            *("fma3", "simd.c.in", 8, (BY_NAME["f32"],), "simd"),
            pools=(F32,),
            planes=(F32,),
            registers=16,
            narrow=4,
            vectors="simd.h.in",
        ),
        SCALAR,
    ),
}


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
    lists = {"datatypes": DATATYPES, "arithmetics": ARITHMETICS}
    yield "configs/datatypes.h.in", "colonnade-datatypes.h", lists
    for datatype in DATATYPES:
        yield "colnm-gemm/store-row.h.in", f"{datatype.name}-store-row.h", vars(datatype)
    for isa in INSTRUCTION_SETS[architecture]:
        yield from gemm_renderings(isa)
        for arithmetic in isa.arithmetics:
            if header := isa.header(arithmetic):
                yield f"vectors/{isa.vectors}", header, arithmetic_variables(isa, arithmetic)
        for copy in isa.copies:
            name = f"{copy.name.replace('_', '-')}-{isa.name}.c"
            yield f"im2col/{isa.family}.c.in", name, {"copy": copy, "isa": isa.name}
        for datatype in isa.pools:
            name = f"{datatype.name}-cnhw-pool-{isa.name}.c"
            template = "vectors" if isa.vectors else isa.family
            yield f"cnhw-pool/{template}.c.in", name, datatype_variables(isa, datatype)
        for datatype in isa.planes:
            variables = datatype_variables(isa, datatype)
            kinds = {"kinds": DWCONV_KINDS, "order": dwconv_order}
            name = f"{datatype.name}-dwconv-{isa.name}.c"
            yield "dwconv/dwconv.c.in", name, variables | kinds
            name = f"{datatype.name}-elementwise-{isa.name}.c"
            yield "elementwise/elementwise.c.in", name, variables
            if datatype == F32:
                lanes = {"lanes": isa.lanes}
                yield "winograd/winograd.c.in", f"f32-winograd-{isa.name}.c", variables | lanes
    if architecture == "riscv":
        for channels in SPMM_CHANNELS:
            name = f"f32-spmm-4vx{channels}-minmax-rvv.c"
            yield "f32-spmm/rvv.c.in", name, {"channels": channels}
    tables = {"instruction_sets": INSTRUCTION_SETS[architecture], "Copy": Copy, **lists}
    yield "configs/kernels.h.in", "colnm-kernels.h", tables


def arithmetic_variables(isa: InstructionSet, arithmetic: Arithmetic) -> dict[str, Any]:
    """What the templates of an instruction set are told of an arithmetic."""
    return {
        "isa": isa.name,
        "arithmetic": arithmetic.name,
        "datatype": arithmetic.elements.name,
        "acc_bits": arithmetic.sums.bits,
        "vectors": isa.header(arithmetic),
        **vars(arithmetic.elements),
    }


def datatype_variables(isa: InstructionSet, datatype: Datatype) -> dict[str, Any]:
    """What they are told of the elements of planes, which have the set's arithmetic of that datatype."""
    arithmetic = next(each for each in isa.arithmetics if each.elements == datatype)
    return arithmetic_variables(isa, arithmetic)


def gemm_renderings(isa: InstructionSet) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Those of the GEMM kernels of an instruction set."""
    suffix = Path(isa.template).suffixes[0]
    for arithmetic in isa.arithmetics:
        for lmul in sorted({lmul for lmul, _ in isa.kernels(arithmetic)}):
            yield (
                f"colnm-gemm/{isa.template}",
                f"{arithmetic.name}-colnm-gemm-{lmul}v-minmax-{isa.name}{suffix}",
                {
                    **arithmetic_variables(isa, arithmetic),
                    "lanes": isa.lanes,
                    "narrow": isa.narrow,
                    "registers": isa.registers,
                    "register_blocks": partial(isa.register_blocks, arithmetic),
                    "partial_panels": isa.partial_panels,
                    "lmul": lmul,
                    "tiles": [tile for each, tile in isa.kernels(arithmetic) if each == lmul],
                    **PANEL,
                },
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
        text = render(template, variables)
        # What stays as it was is not compiled again.
        if not (output / name).is_file() or (output / name).read_text("utf-8") != text:
            (output / name).write_text(text, encoding="utf-8")
        if not name.endswith(".h"):
            print(name)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
