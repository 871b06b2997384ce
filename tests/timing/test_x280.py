# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A second core is only data: the X280's description against LLVM's own tables of it."""

import json
import re

import pytest

from colonnade.validation import MICROBENCHMARKS, assembly

from .model import ROOT, WORK, TestedModel

X280 = "kernels/timing/cores/x280.json"
LMULS = ("mf8", "mf4", "mf2", "m1", "m2", "m4", "m8")

VECTOR = {
    "vload": "vle32.v v8, (a0)",
    "vload_strided": "vlse32.v v8, (a0), a1",
    "vload_segment2": "vlseg2e32.v v8, (a0)",
    "vstore": "vse32.v v8, (a0)",
    "vf_fma": "vfmacc.vf v8, fa0, v16",
    "vf_add": "vfadd.vv v8, v16, v24",
    "vf_mul": "vfmul.vf v8, v16, fa0",
    "vf_minmax": "vfmax.vf v8, v16, fa0",
    "vf_compare": "vmflt.vv v8, v16, v24",
    "vf_convert": "vfcvt.x.f.v v8, v16",
    "vf_div": "vfdiv.vv v8, v16, v24",
    "vf_reduce": "vfredusum.vs v8, v16, v24",
    "vf_reduce_ordered": "vfredosum.vs v8, v16, v24",
    "vf_move": "vfmv.v.f v8, fa0",
    "v_add": "vadd.vv v8, v16, v24",
    "v_logic": "vsll.vi v8, v16, 2",
    "v_mul": "vmul.vv v8, v16, v24",
    "v_reduce": "vredsum.vs v8, v16, v24",
    "v_slide": "vslideup.vx v8, v16, a0",
    "v_gather": "vrgather.vv v8, v16, v24",
}
SCALAR = {
    "mul": "mul a2, a3, a4",
    "div": "div a2, a3, a4",
    "load": "ld a2, (a0)",
    "fp_load": "flw fa0, (a0)",
    "fp_fma": "fmadd.s fa0, fa1, fa2, fa3",
    "fp_div": "fdiv.s fa0, fa1, fa2",
}


def described(name: str, key: str, lmul: str) -> float:
    """A cost of x280.json at e32."""
    value = json.loads((ROOT / X280).read_text())["classes"][name][key]
    if isinstance(value, dict) and "per_element" in value:
        elements = max(1, int(512 / 32 * 2.0 ** (LMULS.index(lmul) - 3)))
        return value.get("base", 0) + value["per_element"] * elements
    if isinstance(value, dict):
        value = value["e32"]
    return value[LMULS.index(lmul)] if isinstance(value, list) else value


def tables(timing: TestedModel, instructions: list[str], lmul: str) -> list[tuple[float, float]]:
    """Latency and reciprocal throughput that LLVM gives each instruction."""
    head = [f"# LLVM-MCA-RISCV-LMUL {lmul.upper()}", "# LLVM-MCA-RISCV-SEW E32"]
    command = ["llvm-mca-19", "-mtriple=riscv64", "-mcpu=sifive-x280", "-instruction-tables", "-"]
    text = "\n".join([*head, *instructions])
    printed = timing.container.run(command, stdin=text.encode()).stdout
    info = printed.partition("Instruction Info:")[2].partition("Resources:")[0]
    rows = re.findall(r"^ *\d+ +(\d+) +(\d+\.\d+) ", info, re.MULTILINE)
    return [(float(latency), float(throughput)) for latency, throughput in rows]


@pytest.mark.parametrize("lmul", ["m1", "m2", "m4"])
def test_vector_costs_are_llvms(timing: TestedModel, lmul: str) -> None:
    found = tables(timing, list(VECTOR.values()), lmul)
    ours = [
        (described(name, "latency", lmul), described(name, "occupancy", lmul)) for name in VECTOR
    ]
    # A vector unit is taken one cycle after issue; LLVM prints the cycle of its release.
    theirs = [(latency, release - 1) for latency, release in found]
    assert dict(zip(VECTOR, ours, strict=True)) == dict(zip(VECTOR, theirs, strict=True))


def test_scalar_costs_are_llvms(timing: TestedModel) -> None:
    found = tables(timing, list(SCALAR.values()), "m1")
    ours = [
        (described(name, "latency", "m1"), described(name, "occupancy", "m1")) for name in SCALAR
    ]
    assert dict(zip(SCALAR, ours, strict=True)) == dict(zip(SCALAR, found, strict=True))


def test_a_program_has_the_costs_of_the_second_core(timing: TestedModel) -> None:
    """At VLEN 512: 2 cycles for each register, dependent sums every 8 cycles."""
    vector = [item for item in MICROBENCHMARKS if item.name.startswith("vfmacc.vf")]
    source = WORK / "x280.S"
    (ROOT / source).write_text(assembly(vector))
    program = timing.compile("x280", [str(source)], "-nostdlib")
    regions = timing.regions(program, core=X280, vlen=512)
    cycles = {
        item.name: region["cycles"] / (item.iterations * item.unroll * (item.body.count("\n") + 1))
        for item, region in zip(vector, regions, strict=True)
    }
    for lmul, occupancy in {"m1": 2, "m2": 4, "m4": 8, "m8": 16}.items():
        assert cycles[f"vfmacc.vf {lmul}"] == pytest.approx(occupancy, rel=0.05)
        assert cycles[f"vfmacc.vf latency {lmul}"] == pytest.approx(max(8, occupancy), rel=0.05)
