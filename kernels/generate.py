"""Render the microkernel templates: `generate.py ARCHITECTURE OUTPUT_DIR`, run by CMake.

A template becomes one C or assembly file per instruction set and LMUL. The set of tiles follows from the register
file, so neither the kernels nor the table that lists them is typed by hand.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import jinja2

LMULS = (1, 2, 4, 8)
# Byte offsets of struct xnn_colnm_strip, which colnm-gemm-config.c checks.
STRIP = {
    "STRIP_COUNT": 0,
    "STRIP_INPUT": 8,
    "STRIP_OUTPUT": 16,
    "STRIP_RESIDUAL": 24,
    "STRIP_OUTPUT_INDEX": 32,
    "STRIP_RESIDUAL_INDEX": 40,
    "STRIP_MASK": 48,
    "STRIP_HOLE": 56,
    "STRIP_SIZE": 64,
}
# The RVV register file; the other instruction sets offer the same tiles, so that one mask fits all.
VECTOR_REGISTERS = 32
SOURCE = Path(__file__).parent / "src" / "f32-colnm-gemm"
SPMM_SOURCE = Path(__file__).parent / "src" / "f32-spmm"
# Output channels that share their columns: XNNPACK's choice.
SPMM_CHANNELS = (1, 2, 4)


@dataclass(frozen=True)
class InstructionSet:
    """One rendering of a template; `lanes` is 0 where the vector length is known at run time only."""

    name: str
    template: str
    lanes: int


INSTRUCTION_SETS = {
    "riscv": (InstructionSet("rvv", "rvv.S.in", 0), InstructionSet("scalar", "scalar.c.in", 0)),
    "x86": (
        InstructionSet("avx512f", "simd.c.in", 16),
        InstructionSet("fma3", "simd.c.in", 8),
        InstructionSet("scalar", "scalar.c.in", 0),
    ),
}


def tiles(lmul: int) -> range:
    """Tiles T whose accumulators fit the register file beside a strip vector: (T + 1) * LMUL <= 32."""
    return range(1, VECTOR_REGISTERS // lmul)


def main(architecture: str, output: Path) -> None:
    """Write the generated sources of one architecture below `output`."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([SOURCE, SPMM_SOURCE]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    output.mkdir(parents=True, exist_ok=True)
    kernels = [(lmul, tile) for lmul in LMULS for tile in tiles(lmul)]
    for isa in INSTRUCTION_SETS[architecture]:
        template = environment.get_template(isa.template)
        for lmul in LMULS:
            text = template.render(
                isa=isa.name, lanes=isa.lanes, lmul=lmul, tiles=tiles(lmul), **STRIP
            )
            suffix = Path(isa.template).suffixes[0]
            name = f"f32-colnm-gemm-{lmul}v-minmax-{isa.name}{suffix}"
            (output / name).write_text(text, encoding="utf-8")
        table = environment.get_template("table.h.in").render(isa=isa.name, kernels=kernels)
        name = f"f32-colnm-gemm-minmax-{isa.name}.h"
        (output / name).write_text(table, encoding="utf-8")
    if architecture == "riscv":
        for channels in SPMM_CHANNELS:
            text = environment.get_template("rvv.c.in").render(channels=channels)
            (output / f"f32-spmm-4vx{channels}-minmax-rvv.c").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
