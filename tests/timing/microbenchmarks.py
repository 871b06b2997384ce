"""Microbenchmarks of single instructions with the cycles published for the SpacemiT X60.

Each one is a short sequence repeated in a loop; `cycles` is the published average for one
sequence, so the table is a reference that does not come from the model's own description.

Sources: `bp3` preames/bp3-microarch, `rvv` camel-cdr/rvv-bench-results (spacemit_x60), `llvm`
RISCVSchedSpacemitX60.td of LLVM; `rule` marks what follows from the issue rules of the model
(dual issue, one vector pipe for each kind of work), not from a measurement.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Microbenchmark:
    """`body` is what is measured; `setup` runs once before it, with a0 = a 4 MiB buffer."""

    name: str
    body: str
    cycles: float
    source: str
    setup: str = ""
    tolerance: float = 0.06
    unroll: int = 16
    iterations: int = 50


def _lmul_sweep(
    name: str, template: str, cycles: dict[str, float], source: str, tolerance: float = 0.06
) -> list[Microbenchmark]:
    """Use one instruction at each LMUL with independent destinations (`{d}` in the template)."""
    registers = {
        "m1": range(8, 24),
        "m2": range(8, 32, 2),
        "m4": range(8, 32, 4),
        "m8": range(8, 32, 8),
    }
    return [
        Microbenchmark(
            name=f"{name}-{lmul}",
            setup=f"vsetvli t1, x0, e32, {lmul}, ta, ma",
            body="\n".join(template.format(d=f"v{register}") for register in registers[lmul]),
            cycles=expected * len(registers[lmul]),
            source=source,
            tolerance=tolerance,
            unroll=4,
        )
        for lmul, expected in cycles.items()
    ]


def _chain_sweep(
    name: str, instruction: str, cycles: dict[str, float], source: str
) -> list[Microbenchmark]:
    """Use one instruction whose result is its own next operand: latency."""
    return [
        Microbenchmark(
            name=f"{name}-latency-{lmul}",
            setup=f"vsetvli t1, x0, e32, {lmul}, ta, ma",
            body=instruction,
            cycles=expected,
            source=source,
            tolerance=0.07,
        )
        for lmul, expected in cycles.items()
    ]


def _powers(m1: float) -> dict[str, float]:
    return {"m1": m1, "m2": 2 * m1, "m4": 4 * m1, "m8": 8 * m1}


VECTOR = [
    *_lmul_sweep("vfmacc.vf", "vfmacc.vf {d}, fa0, v0", _powers(1), "rvv"),
    *_lmul_sweep("vfadd.vv", "vfadd.vv {d}, v0, v0", _powers(1), "rvv"),
    *_lmul_sweep("vadd.vv", "vadd.vv {d}, v0, v0", _powers(1), "bp3"),
    *_lmul_sweep("vfmv.v.f", "vfmv.v.f {d}, fa0", _powers(2), "rvv"),
    *_lmul_sweep("vle32", "vle32.v {d}, (a0)", _powers(2), "bp3"),
    *_lmul_sweep(
        "vse32", "vse32.v {d}, (a0)", {"m1": 2.75, "m2": 4.8, "m4": 8.5, "m8": 19.7}, "rvv"
    ),
    *_lmul_sweep("vlse32", "vlse32.v {d}, (a0), t2", _powers(8), "bp3"),
    *_chain_sweep(
        "vfmacc.vf", "vfmacc.vf v8, fa0, v0", {"m1": 5, "m2": 5, "m4": 5, "m8": 8}, "llvm"
    ),
    *_chain_sweep("vadd.vv", "vadd.vv v8, v8, v8", {"m1": 4, "m2": 4, "m4": 5, "m8": 7.5}, "bp3"),
    Microbenchmark("vmv1r.v", "vmv1r.v v8, v1\nvmv1r.v v9, v1\nvmv1r.v v10, v1", 6, "bp3"),
    Microbenchmark("vmv2r.v", "vmv2r.v v8, v2\nvmv2r.v v10, v2", 8, "bp3"),
    Microbenchmark("vmv4r.v", "vmv4r.v v8, v4\nvmv4r.v v12, v4", 16, "bp3"),
    Microbenchmark("vmv8r.v", "vmv8r.v v8, v0\nvmv8r.v v16, v0", 32, "bp3"),
    Microbenchmark(
        "vlseg2e32-m1",
        "vlseg2e32.v v8, (a0)\nvlseg2e32.v v10, (a0)",
        2 * 11.77,
        "bp3",
        "vsetvli t1, x0, e32, m1, ta, ma",
    ),
    Microbenchmark(
        "vlseg4e32-m1",
        "vlseg4e32.v v8, (a0)\nvlseg4e32.v v12, (a0)",
        2 * 23.2,
        "bp3",
        "vsetvli t1, x0, e32, m1, ta, ma",
    ),
    Microbenchmark(
        "vlseg8e64-m1",
        "vlseg8e64.v v8, (a0)\nvlseg8e64.v v16, (a0)\nvlseg8e64.v v24, (a0)",
        3 * 30.09,
        "bp3",
        "vsetvli t1, x0, e64, m1, ta, ma",
        tolerance=0.15,
    ),
    Microbenchmark(
        "vle8-mf2",
        "\n".join(f"vle8.v v{register}, (a0)" for register in range(8, 16)),
        8,
        "bp3",
        "vsetvli t1, x0, e8, mf2, ta, ma",
    ),
    Microbenchmark(
        "vsetvl-register",
        "\n".join(f"vfmacc.vf v{register}, fa0, v0" for register in (8, 12, 16, 20, 24, 28)),
        24,
        "rvv",
        "li t3, 0xd2\nvsetvl t1, x0, t3",  # e32, m4, ta, ma
    ),
]

SCALAR = [
    Microbenchmark("add", "add a2, t4, t5\nadd a3, t4, t5", 1, "rule", unroll=64),
    Microbenchmark("add-latency", "add a2, a2, t4", 1, "llvm", unroll=64),
    Microbenchmark("mulw-latency", "mulw a2, a2, t4", 3, "llvm"),
    Microbenchmark("mul-latency", "mul a2, a2, t4", 5.5, "llvm", tolerance=0.1),
    Microbenchmark("div-latency", "div a2, a2, t4", 20, "llvm"),
    Microbenchmark("ld-latency", "ld a2, 0(a2)", 4, "llvm", setup="mv a2, a0\nsd a0, 0(a0)"),
    Microbenchmark(
        "flw-use-latency",
        "flw fa0, 0(a0)\nfmv.x.w a2, fa0\nadd a0, a0, a2",
        4 + 6 + 1,
        "llvm",
        setup="sw x0, 0(a0)",
    ),
    Microbenchmark("fmadd.s-latency", "fmadd.s fa1, fa2, fa3, fa1", 5, "llvm"),
    Microbenchmark("fadd.d-latency", "fadd.d fa1, fa2, fa1", 5, "llvm"),
    Microbenchmark("fdiv.s", "fdiv.s fa1, fa2, fa3", 15, "llvm"),
    Microbenchmark("taken-jump", "j 2f\n2:", 1, "rule", unroll=64),
]

PAIRS = [
    Microbenchmark(
        "flw-with-vfmacc",
        "\n".join(
            f"vfmacc.vf v{8 + i}, fa{i % 4}, v0\nflw fa{4 + i % 4}, {4 * i}(a0)" for i in range(8)
        ),
        8,
        "rule",
        "vsetvli t1, x0, e32, m1, ta, ma",
    ),
    Microbenchmark(
        "vle32-with-vfmacc",
        "\n".join(
            f"vle32.v v{24 + i % 4}, (a0)\n"
            f"vfmacc.vf v{8 + i}, fa0, v0\n"
            f"vfmacc.vf v{16 + i}, fa0, v0"
            for i in range(8)
        ),
        16,
        "rule",
        "vsetvli t1, x0, e32, m1, ta, ma",
    ),
]

MICROBENCHMARKS = [*VECTOR, *SCALAR, *PAIRS]

_HEADER = """
.option norvc
.macro mark value
  slti x0, x0, \\value
.endm
.text
.globl _start
_start:
"""

_FOOTER = """
  li a0, 0
  li a7, 93
  ecall
.bss
.balign 4096
buffer: .space 4194304
"""


def assembly(benchmarks: list[Microbenchmark]) -> str:
    """One program for all benchmarks; region i of its run measures benchmark i.

    The loop runs once to warm caches and predictor, then in the region.
    """
    parts = [_HEADER]
    for benchmark in benchmarks:
        body = "\n".join([benchmark.body] * benchmark.unroll)
        parts.append(f"""
  lla a0, buffer
  li t2, 4
  li t4, 3
  li t5, 5
  {benchmark.setup}
  mark 0x511
  li t6, 2
9:
  li t0, {benchmark.iterations}
1:
  {body}
  addi t0, t0, -1
  bnez t0, 1b
  addi t6, t6, -1
  beqz t6, 8f
  mark 0x512
  j 9b
8:
  mark 0x513
""")
    parts.append(_FOOTER)
    return "\n".join(parts)
