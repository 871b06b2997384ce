# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Microbenchmarks of single instructions with the cycles published for the SpacemiT X60.

Each one is a short sequence repeated in a loop; `cycles` is the published average for one
sequence, so the table is a reference that does not come from the model's own description.

Sources: `bp3` preames/bp3-microarch; `rvv-bench` camel-cdr/rvv-bench-results, bpi_f3/index.html,
vl=VLMAX; `llvm` RISCVSchedSpacemitX60.td of LLVM. The role `rule` marks what follows from the issue
rules of the model (dual issue, one vector pipe for each kind of work), not from a measurement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

LMULS = ("m1", "m2", "m4", "m8")


@dataclass(frozen=True)
class Microbenchmark:
    """`body` is what is measured; `setup` runs once before it, with a0 = a 4 MiB buffer."""

    name: str
    body: str
    cycles: float
    source: str
    role: Literal["fitted", "held out", "rule"] = "fitted"
    setup: str = ""
    tolerance: float = 0.06
    unroll: int = 16
    iterations: int = 50


def _sweep(
    template: str,
    cycles: Sequence[float],
    source: str = "rvv-bench",
    role: Literal["fitted", "held out"] = "fitted",
    *,
    sew: int = 32,
    first: int = 8,
    widens: bool = False,
) -> list[Microbenchmark]:
    """One instruction at LMUL 1, 2, ... with independent destinations, `{d}` in the template.

    Destinations start at register `first`; with `widens` they are twice as long as LMUL says.
    """
    name = template.split(maxsplit=1)[0]
    name += "" if sew == 32 else f" e{sew}"
    name += " masked" if template.endswith("v0.t") else ""
    benchmarks = []
    for index, (lmul, expected) in enumerate(zip(LMULS, cycles, strict=False)):
        registers = range(first, 32, (2 if widens else 1) << index)
        registers = registers[: max(2, 16 >> index)]
        benchmarks.append(
            Microbenchmark(
                name=f"{name} {lmul}",
                setup=f"vsetvli t1, x0, e{sew}, {lmul}, ta, ma",
                body="\n".join(template.format(d=f"v{register}") for register in registers),
                cycles=expected * len(registers),
                source=source,
                role=role,
                unroll=4,
            )
        )
    return benchmarks


def _chain_sweep(instruction: str, cycles: Sequence[float], source: str) -> list[Microbenchmark]:
    """One instruction whose result is its own next operand: latency."""
    return [
        Microbenchmark(
            name=f"{instruction.split(maxsplit=1)[0]} latency {lmul}",
            setup=f"vsetvli t1, x0, e32, {lmul}, ta, ma",
            body=instruction,
            cycles=expected,
            source=source,
            tolerance=0.07,
        )
        for lmul, expected in zip(LMULS, cycles, strict=True)
    ]


ONE, TWO = (1, 2, 4, 8), (2, 4, 8, 16)

VECTOR = [
    *_sweep("vfmacc.vf {d}, fa0, v0", ONE),
    *_sweep("vfmadd.vv {d}, v0, v0", ONE, role="held out"),
    *_sweep("vfmadd.vv {d}, {d}, {d}, v0.t", TWO, role="held out"),
    *_sweep("vfadd.vv {d}, v0, v0", ONE),
    *_sweep("vfsub.vf {d}, v0, fa0", ONE, role="held out"),
    *_sweep("vfmin.vv {d}, v0, v0", ONE),
    *_sweep("vfmax.vf {d}, v0, fa0", ONE, role="held out"),
    *_sweep("vfmax.vv {d}, {d}, {d}, v0.t", TWO, role="held out"),
    *_sweep("vfmul.vv {d}, v0, v0", ONE),
    *_sweep("vfmul.vf {d}, v0, fa0", (1.1, 2.1, 4.1, 8), role="held out"),
    *_sweep("vfsgnj.vv {d}, v0, v0", TWO),
    *_sweep("vfsgnjn.vv {d}, v0, v0", TWO, role="held out"),
    *_sweep("vmfeq.vv {d}, v0, v0", (2, 4, 8, 18)),
    *_sweep("vmfle.vf {d}, v0, fa0", (2, 4, 8, 18), role="held out"),
    *_sweep("vfcvt.x.f.v {d}, v0", TWO),
    *_sweep("vfcvt.f.xu.v {d}, v0", TWO, role="held out"),
    *_sweep("vfwcvt.f.f.v {d}, v0", (4, 8, 16), sew=16, widens=True),
    *_sweep("vfncvt.f.f.w {d}, v0", (4, 8, 16), sew=16),
    *_sweep("vfdiv.vv {d}, v0, v0", (38.3, 76.7, 153.4, 307)),
    *_sweep("vfredusum.vs {d}, v0, v0", (6.5, 11, 17, 54)),
    *_sweep("vfredmax.vs {d}, v0, v0", (6.5, 11, 17, 54), role="held out"),
    *_sweep("vfredusum.vs {d}, v0, v0", (8, 14, 20, 57), sew=16),
    *_sweep("vfredosum.vs {d}, v0, v0", (11, 23, 48, 192)),
    *_sweep("vfmv.v.f {d}, fa0", TWO),
    *_sweep("vfslide1down.vf {d}, v0, fa0", (3, 5, 9, 17), role="held out"),
    *_sweep("vadd.vv {d}, v0, v0", ONE, "bp3"),
    *_sweep("vadd.vv {d}, {d}, {d}, v0.t", TWO),
    *_sweep("vsub.vx {d}, v0, t2", ONE, role="held out"),
    *_sweep("vminu.vv {d}, {d}, {d}, v0.t", TWO, role="held out"),
    *_sweep("vsll.vv {d}, v0, v0", TWO),
    *_sweep("vsaddu.vv {d}, v0, v0", ONE),
    *_sweep("vaaddu.vv {d}, v0, v0", ONE, role="held out"),
    *_sweep("vmsle.vv {d}, v0, v0", (2, 4, 8, 18)),
    *_sweep("vmsgt.vx {d}, v0, t2", (2, 4, 8, 18), role="held out"),
    *_sweep("vmul.vv {d}, v0, v0", ONE),
    *_sweep("vmulh.vv {d}, v0, v0", (4, 8, 16, 32), role="held out", sew=64),
    *_sweep("vrem.vv {d}, v0, v0", (25.7, 51.4, 102.9, 205.5)),
    *_sweep("vnsrl.wx {d}, v0, t2", (4, 8, 16), sew=16),
    *_sweep("vnclipu.wx {d}, v0, t2", (4, 8, 16), role="held out", sew=16),
    *_sweep("vzext.vf2 {d}, v0", TWO),
    *_sweep("vsext.vf4 {d}, v0", TWO, role="held out"),
    *_sweep("vredor.vs {d}, v0, v0", (2, 4, 9, 34)),
    *_sweep("vredmin.vs {d}, v0, v0", (2, 4, 9.5, 35), role="held out"),
    *_sweep("vmerge.vvm {d}, {d}, {d}, v0", TWO),
    *_sweep("vslide1up.vx {d}, v0, t2", TWO),
    *_sweep("vslide1down.vx {d}, v0, t2", (3, 5, 9, 17), role="held out"),
    *_sweep("vcompress.vm {d}, v8, v0", (3, 10, 36, 136), first=16),
    *_sweep("vmand.mm {d}, v0, v0", (1, 1)),
    *_sweep("vle32.v {d}, (a0)", TWO, "bp3"),
    *_sweep("vse32.v {d}, (a0)", (2.75, 4.8, 8.5, 19.7)),
    *_sweep("vlse32.v {d}, (a0), t2", (7.87, 15.58, 30.73), "bp3"),
    *_chain_sweep("vfmacc.vf v8, fa0, v0", (5, 5, 5, 8), "llvm"),
    *_chain_sweep("vadd.vv v8, v8, v8", (4, 4, 5, 7.5), "bp3"),
    Microbenchmark("vcpop.m", "vcpop.m t3, v0\nvcpop.m t4, v1", 4, "rvv-bench"),
    Microbenchmark("vfirst.m", "vfirst.m t3, v0\nvfirst.m t4, v1", 4, "rvv-bench", "held out"),
    Microbenchmark("vmv1r.v", "vmv1r.v v8, v1\nvmv1r.v v9, v1\nvmv1r.v v10, v1", 6, "bp3"),
    Microbenchmark("vmv2r.v", "vmv2r.v v8, v2\nvmv2r.v v10, v2", 8, "bp3"),
    Microbenchmark("vmv4r.v", "vmv4r.v v8, v4\nvmv4r.v v12, v4", 16, "bp3"),
    Microbenchmark("vmv8r.v", "vmv8r.v v8, v0\nvmv8r.v v16, v0", 32, "bp3"),
    Microbenchmark(
        "vlseg2e32-m1",
        "vlseg2e32.v v8, (a0)\nvlseg2e32.v v10, (a0)",
        2 * 11.77,
        "bp3",
        setup="vsetvli t1, x0, e32, m1, ta, ma",
    ),
    Microbenchmark(
        "vlseg4e32-m1",
        "vlseg4e32.v v8, (a0)\nvlseg4e32.v v12, (a0)",
        2 * 23.2,
        "bp3",
        setup="vsetvli t1, x0, e32, m1, ta, ma",
    ),
    Microbenchmark(
        "vlseg8e64-m1",
        "vlseg8e64.v v8, (a0)\nvlseg8e64.v v16, (a0)\nvlseg8e64.v v24, (a0)",
        3 * 30.09,
        "bp3",
        setup="vsetvli t1, x0, e64, m1, ta, ma",
        tolerance=0.15,
    ),
    Microbenchmark(
        "vle8-mf2",
        "\n".join(f"vle8.v v{register}, (a0)" for register in range(8, 16)),
        8,
        "bp3",
        setup="vsetvli t1, x0, e8, mf2, ta, ma",
    ),
    Microbenchmark(
        "vsetvl-register",
        "\n".join(f"vfmacc.vf v{register}, fa0, v0" for register in (8, 12, 16, 20, 24, 28)),
        24,
        "rvv-bench",
        setup="li t3, 0xd2\nvsetvl t1, x0, t3",  # e32, m4, ta, ma
    ),
]

SCALAR = [
    Microbenchmark("add", "add a2, t4, t5\nadd a3, t4, t5", 1, "rvv-bench", unroll=64),
    Microbenchmark("add-latency", "add a2, a2, t4", 1, "llvm", unroll=64),
    Microbenchmark("mulw-latency", "mulw a2, a2, t4", 3, "llvm"),
    Microbenchmark("mul-latency", "mul a2, a2, t4", 5.5, "llvm", tolerance=0.1),
    Microbenchmark("div-latency", "div a2, a2, t4", 20, "llvm"),
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
    Microbenchmark("taken-jump", "j 2f\n2:", 1, "model", "rule", unroll=64),
]

PAIRS = [
    Microbenchmark(
        "flw-with-vfmacc",
        "\n".join(
            f"vfmacc.vf v{8 + i}, fa{i % 4}, v0\nflw fa{4 + i % 4}, {4 * i}(a0)" for i in range(8)
        ),
        8,
        "model",
        "rule",
        setup="vsetvli t1, x0, e32, m1, ta, ma",
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
        "model",
        "rule",
        setup="vsetvli t1, x0, e32, m1, ta, ma",
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


def functions(benchmarks: Sequence[Microbenchmark]) -> str:
    """The same sequences as functions in a table `sequences`, for a processor with a clock.

    Each takes a buffer and a number of iterations, runs once to warm caches and predictor, and returns
    the ticks of a second run; see kernels/timing/board/microbenchmarks.c.
    """
    parts = [".option norvc", ".text"]
    for index, benchmark in enumerate(benchmarks):
        body = "\n".join([benchmark.body] * benchmark.unroll)
        parts.append(f"""
sequence_{index}:
  mv a5, a1
  li t2, 4
  li t4, 3
  li t5, 5
  {benchmark.setup}
  li t6, 2
9:
  mv t0, a5
  fence
  rdtime a6
1:
  {body}
  addi t0, t0, -1
  bnez t0, 1b
  addi t6, t6, -1
  bnez t6, 9b
  fence
  rdtime a7
  sub a0, a7, a6
  ret
""")
    names = ", ".join(f"sequence_{index}" for index in range(len(benchmarks)))
    parts.append(f"""
.section .rodata
.balign 8
.globl sequences, sequence_count
sequences: .dword {names}
sequence_count: .dword {len(benchmarks)}
""")
    return "\n".join(parts)
