# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The decoder against LLVM's assembler: class and registers of a broad list of instructions."""

import re

import pytest

from .model import ROOT, WORK, TestedModel

ATTRIBUTES = "+m,+a,+f,+d,+zfh,+zba,+v,+zvfh"

# Class of the model -> instructions. The first register is the destination unless the class is
# in NO_DESTINATION; all others are sources. Masks (v0.t) and destinations of vector instructions
# are sources too.
FULL = {
    "alu": ["add x5, x6, x7", "addi x5, x6, -4", "sub x1, x2, x3", "slli x3, x4, 60",
            "sraw x9, x10, x11", "lui x5, 3", "auipc x6, 4", "sltu x7, x8, x9"],
    "alu_address": ["sh1add x5, x6, x7", "sh3add.uw x5, x6, x7", "add.uw x9, x10, x11"],
    "mul": ["mul x5, x6, x7", "mulhu x5, x6, x7"],
    "mul_word": ["mulw x5, x6, x7"],
    "div": ["div x5, x6, x7", "remu x5, x6, x7"],
    "div_word": ["divw x5, x6, x7", "remuw x5, x6, x7"],
    "csr": ["csrrw x5, 0xc20, x6", "csrrsi x5, 3, 7", "fence rw, rw", "ecall"],
    "load": ["lb x5, 3(x6)", "ld x5, -8(x2)", "lwu x9, 0(x10)"],
    "store": ["sb x5, 3(x6)", "sd x5, -8(x2)"],
    "atomic": ["amoadd.w x5, x6, (x7)", "lr.d x5, (x7)", "sc.d x5, x6, (x7)"],
    "fp_load": ["flw f5, 4(x6)", "fld f5, 4(x6)", "flh f5, 4(x6)"],
    "fp_store": ["fsw f5, 4(x6)", "fsd f5, 4(x6)", "fsh f5, 4(x6)"],
    "branch": ["beq x5, x6, 64", "bltu x5, x6, -64", "bnez x7, 8"],
    "jump": ["jal x1, 2048", "j 16"],
    "jump_register": ["jalr x1, 4(x5)", "jr x1", "jr x15"],
    "fp_add": ["fadd.s f1, f2, f3", "fmul.h f1, f2, f3", "fsgnj.s f1, f2, f3",
               "fmin.d f1, f2, f3", "fsub.s f1, f2, f3"],
    "fp_add_double": ["fadd.d f1, f2, f3", "fmul.d f1, f2, f3"],
    "fp_fma": ["fmadd.s f1, f2, f3, f4", "fnmsub.h f1, f2, f3, f4"],
    "fp_fma_double": ["fmadd.d f1, f2, f3, f4"],
    "fp_div_half": ["fdiv.h f1, f2, f3", "fsqrt.h f1, f2"],
    "fp_div": ["fdiv.s f1, f2, f3", "fsqrt.s f1, f2"],
    "fp_div_double": ["fdiv.d f1, f2, f3", "fsqrt.d f1, f2"],
    "fp_compare": ["feq.s x1, f2, f3", "flt.d x1, f2, f3"],
    "fp_convert": ["fcvt.s.d f1, f2", "fcvt.d.s f1, f2", "fcvt.h.s f1, f2"],
    "fp_to_int": ["fcvt.w.s x1, f2, rtz", "fcvt.lu.d x1, f2, rtz", "fmv.x.w x1, f2",
                  "fclass.s x1, f2"],
    "int_to_fp": ["fcvt.s.w f1, x2", "fcvt.d.l f1, x2", "fmv.w.x f1, x2", "fmv.d.x f1, x2"],
    "vset": ["vsetvli x5, x6, e32, m4, ta, ma", "vsetivli x5, 8, e16, mf2, ta, mu",
             "vsetvl x5, x6, x7"],
    "vload": ["vle32.v v8, (x5)", "vle8.v v8, (x5), v0.t", "vle64ff.v v8, (x5)",
              "vl4re32.v v8, (x5)", "vl1re8.v v9, (x5)"],
    "vload_mask": ["vlm.v v8, (x5)"],
    "vload_strided": ["vlse32.v v8, (x5), x6", "vlse8.v v8, (x5), x6, v0.t"],
    "vload_indexed": ["vluxei32.v v8, (x5), v16", "vloxei8.v v8, (x5), v16, v0.t"],
    "vload_segment2": ["vlseg2e32.v v8, (x5)"],
    "vload_segment3": ["vlseg3e8.v v8, (x5)"],
    "vload_segment4": ["vlseg4e64.v v8, (x5), v0.t"],
    "vload_segment": ["vlseg8e32.v v8, (x5)", "vlsseg2e32.v v8, (x5), x6",
                      "vluxseg3ei32.v v8, (x5), v16"],
    "vstore": ["vse32.v v8, (x5)", "vse16.v v8, (x5), v0.t", "vs8r.v v8, (x5)"],
    "vstore_mask": ["vsm.v v8, (x5)"],
    "vstore_strided": ["vsse32.v v8, (x5), x6"],
    "vstore_indexed": ["vsuxei32.v v8, (x5), v16", "vsoxei64.v v8, (x5), v16, v0.t"],
    "vstore_segment2": ["vsseg2e32.v v8, (x5)"],
    "vstore_segment3": ["vsseg3e32.v v8, (x5)"],
    "vstore_segment4": ["vsseg4e32.v v8, (x5)"],
    "vstore_segment": ["vsseg5e32.v v8, (x5)", "vssseg2e32.v v8, (x5), x6"],
    "vf_fma": ["vfmacc.vf v8, f1, v16", "vfmacc.vv v8, v16, v24", "vfnmsub.vf v8, f1, v16, v0.t",
               "vfmadd.vv v8, v16, v24"],
    "vf_add": ["vfadd.vv v8, v16, v24", "vfrsub.vf v8, v16, f1", "vfsub.vf v8, v16, f1"],
    "vf_mul": ["vfmul.vf v8, v16, f1", "vfmul.vv v8, v16, v24, v0.t"],
    "vf_minmax": ["vfmax.vf v8, v16, f1", "vfmin.vv v8, v16, v24"],
    "vf_sign": ["vfsgnjx.vv v8, v16, v24", "vfneg.v v8, v16"],
    "vf_compare": ["vmflt.vv v8, v16, v24", "vmfge.vf v8, v16, f1", "vmfeq.vf v8, v16, f2"],
    "vf_convert": ["vfcvt.x.f.v v8, v16", "vfcvt.f.xu.v v8, v16", "vfclass.v v8, v16"],
    "vf_convert_narrow": ["vfncvt.f.f.w v8, v16", "vfncvt.rtz.x.f.w v8, v16"],
    "vf_convert_widen": ["vfwcvt.f.f.v v8, v16", "vfwcvt.x.f.v v8, v16, v0.t"],
    "vf_widen": ["vfwadd.vv v8, v16, v24", "vfwsub.wf v8, v16, f1",
                 "vfwmul.vf v8, v16, f1"],
    "vf_widen_fma": ["vfwmacc.vf v8, f1, v16", "vfwnmsac.vv v8, v16, v24"],
    "vf_div": ["vfdiv.vv v8, v16, v24", "vfrdiv.vf v8, v16, f1"],
    "vf_sqrt": ["vfsqrt.v v8, v16"],
    "vf_estimate": ["vfrec7.v v8, v16", "vfrsqrt7.v v8, v16"],
    "vf_reduce": ["vfredusum.vs v8, v16, v24", "vfredmax.vs v8, v16, v24"],
    "vf_reduce_ordered": ["vfredosum.vs v8, v16, v24"],
    "vf_move": ["vfmv.v.f v8, f1", "vfmerge.vfm v8, v16, f1, v0"],
    "v_add": ["vadd.vi v8, v16, 3", "vsub.vv v8, v16, v24", "vmaxu.vx v8, v16, x5, v0.t"],
    "v_logic": ["vand.vv v8, v16, v24", "vsll.vi v8, v16, 2", "vsra.vx v8, v16, x5"],
    "v_carry": ["vadc.vvm v8, v16, v24, v0", "vmadc.vx v8, v16, x5"],
    "v_compare": ["vmseq.vv v8, v16, v24", "vmsgt.vx v8, v16, x5", "vmsleu.vi v8, v16, 3"],
    "v_mul": ["vmul.vv v8, v16, v24", "vmacc.vx v8, x5, v16", "vmulhu.vx v8, v16, x5"],
    "v_div": ["vdivu.vv v8, v16, v24", "vrem.vx v8, v16, x5"],
    "v_widen": ["vwaddu.vv v8, v16, v24", "vwmacc.vx v8, x5, v16", "vwadd.wv v8, v16, v24"],
    "v_extend": ["vzext.vf4 v8, v16", "vsext.vf2 v8, v16"],
    "v_narrow": ["vnsrl.wi v8, v16, 3", "vnclip.wv v8, v16, v24"],
    "v_fixed": ["vsadd.vv v8, v16, v24", "vsmul.vx v8, v16, x5", "vaaddu.vv v8, v16, v24",
                "vssrl.vi v8, v16, 3"],
    "v_reduce": ["vredsum.vs v8, v16, v24", "vwredsumu.vs v8, v16, v24"],
    "v_mask": ["vmand.mm v8, v16, v24", "vmxnor.mm v8, v16, v24"],
    "v_mask_count": ["vcpop.m x5, v16", "vfirst.m x5, v16, v0.t"],
    "v_mask_set": ["vmsbf.m v8, v16", "vmsof.m v8, v16"],
    "v_iota": ["viota.m v8, v16", "vid.v v8"],
    "v_move": ["vmv.v.v v8, v16", "vmv.v.i v8, 3", "vmv.v.x v8, x5", "vmerge.vvm v8, v16, v24, v0"],
    "v_move_whole": ["vmv1r.v v8, v16", "vmv8r.v v8, v16"],
    "v_move_scalar": ["vmv.x.s x5, v16", "vmv.s.x v8, x5", "vfmv.f.s f5, v16", "vfmv.s.f v8, f5"],
    "v_slide": ["vslideup.vx v8, v16, x5", "vslidedown.vi v8, v16, 3", "vslide1up.vx v8, v16, x5",
                "vfslide1down.vf v8, v16, f5"],
    "v_gather": ["vrgather.vv v8, v16, v24", "vrgatherei16.vv v8, v16, v24",
                 "vrgather.vi v8, v16, 3"],
    "v_compress": ["vcompress.vm v8, v16, v24"],
}  # fmt: skip

COMPRESSED = {
    "alu": ["c.add x5, x6", "c.mv x5, x6", "c.li x5, 3", "c.lui x5, 3", "c.addi x5, 3",
            "c.addiw x5, 3", "c.slli x5, 3", "c.and x8, x9", "c.srai x8, 3", "c.andi x8, 3",
            "c.addi4spn x8, x2, 16", "c.addi16sp x2, 32", "c.subw x8, x9"],
    "load": ["c.ld x8, 8(x9)", "c.lw x8, 8(x9)", "c.ldsp x5, 8(x2)", "c.lwsp x5, 8(x2)"],
    "store": ["c.sd x8, 8(x9)", "c.sw x8, 8(x9)", "c.sdsp x5, 8(x2)", "c.swsp x5, 8(x2)"],
    "fp_load": ["c.fld f8, 8(x9)", "c.fldsp f5, 8(x2)"],
    "fp_store": ["c.fsd f8, 8(x9)", "c.fsdsp f5, 8(x2)"],
    "branch": ["c.beqz x8, 16", "c.bnez x8, -16"],
    "jump": ["c.j 16"],
    "jump_register": ["c.jr x5"],
}  # fmt: skip

NO_DESTINATION = {"store", "fp_store", "branch", "jump_register", "jump"}
REGISTER = re.compile(r"\b[xfv](?:[12]?\d|3[01])\b")


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, texts in table.items() for text in texts]


def encode(timing: TestedModel, instructions: list[str], attributes: str) -> list[str]:
    """Instruction words in hexadecimal, from LLVM's assembler."""
    command = ["llvm-mc-19", "-triple=riscv64", f"-mattr={attributes}", "-show-encoding"]
    result = timing.container.run(command, stdin="\n".join(instructions).encode())
    words = re.findall(r"encoding: \[([^\]]*)\]", result.stdout)
    return ["".join(reversed(word.replace("0x", "").split(","))) for word in words]


def expected_registers(name: str, text: str) -> tuple[str, set[str]]:
    """Destination and sources that the assembly text names."""
    operands = text.partition(" ")[2]
    mentioned = [register for register in REGISTER.findall(operands) if register != "x0"]
    is_store = name in NO_DESTINATION or name.startswith("vstore")
    writes_first = not is_store or text.startswith("jal")
    if not writes_first or not mentioned:
        return "x0", set(mentioned)
    destination, sources = mentioned[0], set(mentioned[1:])
    reads_destination = destination.startswith("v") or text.startswith(
        ("c.add ", "c.addi ", "c.addiw", "c.addi16sp", "c.slli", "c.and", "c.srai", "c.subw")
    )
    return destination, sources | ({destination} if reads_destination else set())


@pytest.mark.parametrize(
    ("table", "attributes"),
    [(FULL, ATTRIBUTES), (COMPRESSED, ATTRIBUTES + ",+c")],
    ids=["full", "compressed"],
)
def test_class_and_registers(
    timing: TestedModel, table: dict[str, list[str]], attributes: str
) -> None:
    expected = cases(table)
    words = encode(timing, [text for _, text in expected], attributes)
    decoded = timing.dump("decode", stdin="\n".join(words))
    assert len(words) == len(decoded) == len(expected) > 25
    for (name, text), line in zip(expected, decoded, strict=True):
        seen, destination, *sources = line.split()
        assert (text, seen, destination, set(sources)) == (
            text,
            name,
            *expected_registers(name, text),
        )


def test_every_class_has_an_instruction() -> None:
    listing = (ROOT / "kernels/timing/src/classes.h").read_text()
    assert set(re.findall(r'CLASS\(\w+, "(\w+)"', listing)) == set(FULL)


def test_markers_do_not_look_like_other_hints(timing: TestedModel) -> None:
    program = WORK / "hints.S"
    body = "\n".join(f"  slti x0, x0, {value}" for value in (0x510, 0x514, 1))
    (ROOT / program).write_text(
        f".globl _start\n_start:\n{body}\n  li a0, 0\n  li a7, 93\n  ecall\n"
    )
    assert timing.regions(timing.compile("hints", [str(program)], "-nostdlib")) == []
