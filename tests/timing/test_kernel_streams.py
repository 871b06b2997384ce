# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the cost model reads off the kernels' code is what the timing model sees them execute."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import get_args

import pytest

from colonnade.config.target import load_target
from colonnade.tuning.core import F32_BYTES, KINDS, LMULS, core_of
from colonnade.tuning.cost_model.assembly import (
    TEMPLATE,
    arithmetics,
    generator,
    kernel_code,
    parse_code,
)
from colonnade.tuning.cost_model.calls import ROW_LOOP
from colonnade.tuning.cost_model.execution import Call, Region, Stores, execute
from colonnade.tuning.cost_model.operations import operations
from colonnade.tuning.cost_model.pipeline import cycles

from .model import ROOT, WORK, TestedModel
from .model import Region as Measured
from .test_decode import encode

VLEN, LINE = 256, 64
WAYS: tuple[Stores, ...] = get_args(Stores)
KERNELS = [
    (name, tile, lmul)
    for name, arithmetic in arithmetics().items()
    for lmul, tile in arithmetic.kernels()
]
# Columns, panels, whether a residual is added, and how results are stored.
SHAPES = list(itertools.product((1, 2, 5), (1, 3), (False, True), WAYS))
PROGRAM_NAME = "kernel-streams"
INVERTED = {"beqz": "bnez", "bnez": "beqz", "bltz": "bgez", "bgez": "bltz", "bltu": "bgeu"}
ATTRIBUTES = "+m,+a,+f,+d,+zfh,+zba,+v,+zvfh"

# A call runs until its lines are in L1 and its branches are foreseen as often as they can be.
REPEATS = 4
PROGRAM = r"""
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "marker.h"

typedef void kernel(size_t, const void*, const void*, const uint32_t*, size_t, const void*, void*, size_t,
                    const void*, size_t, const float*);
%(declarations)s
extern kernel nothing;
__asm__("nothing: ret");

enum { STRIDE = 1088, ROWS = 31, MOST_PANELS = 3 };
static char weights[4096], operand[16384], output[ROWS * STRIDE + 4096], added[ROWS * STRIDE + 4096];
static char panels[(MOST_PANELS + 1) * %(PANEL_SIZE)d];
static uint32_t offsets[16], places[256];
static uint8_t mask[64];
static const float params[2] = {-INFINITY, INFINITY};

static void set(int panel, int field, uint64_t value, size_t bytes) {
  memcpy(panels + panel * %(PANEL_SIZE)d + field, &value, bytes);
}

static void call(kernel* run, size_t kc, int count, int is_added, int way, uint32_t positions,
                 size_t element) {
  for (int i = 0; i < count; i++) {
    const uint64_t first = i * positions * element;
    set(i, %(PANEL_COUNT)d, positions, 4);
    set(i, %(PANEL_INPUT)d, 0, 8);
    set(i, %(PANEL_OUTPUT)d, first, 8);
    set(i, %(PANEL_RESIDUAL)d, first, 8);
    set(i, %(PANEL_OUTPUT_INDEX)d, way == 3 ? (uintptr_t) places : 0, 8);
    set(i, %(PANEL_RESIDUAL_INDEX)d, way == 3 ? (uintptr_t) places : 0, 8);
    set(i, %(PANEL_MASK)d, way == 1 || way == 2 ? (uintptr_t) mask : 0, 8);
    set(i, %(PANEL_HOLE)d, way == 1 ? element : 0, 8);
  }
  for (uint32_t i = 0; i < positions; i++) {
    places[i] = (uint32_t) (i * element);
  }
  const char* residual = is_added ? added : NULL;
  for (int i = 0; i < %(REPEATS)d; i++) {
    colonnade_region_begin();
    run(kc, operand, weights, offsets, count, panels, output, STRIDE, residual, STRIDE, params);
    colonnade_region_end();
  }
}

int main(void) {
  memset(mask, 0x55, sizeof(mask));
  for (uint32_t i = 0; i < 16; i++) {
    offsets[i] = 1024 * i;
  }
  static const struct listed { kernel* run; uint32_t positions; size_t element; } kernels[] = {
    {nothing, 1, 4},
    {nothing, 1, 4},
%(kernels)s
  };
  static const size_t columns[] = {1, 2, 5};
  for (const struct listed* each = kernels; each < kernels + sizeof(kernels) / sizeof(*kernels); each++) {
    // The places that call foresee where to from now on.
    call(each->run, columns[0], 1, 0, 0, each->positions, each->element);
    for (int c = 0; c < 3; c++)
      for (int count = 1; count <= 3; count += 2)
        for (int is_added = 0; is_added < 2; is_added++)
          for (int way = 0; way < 4; way++)
            call(each->run, columns[c], count, is_added, way, each->positions, each->element);
  }
  return 0;
}
"""


def symbol(arithmetic: str, tile: int, lmul: int) -> str:
    isa = "rvv" if arithmetic == "f32" else "rvvfp16"
    return f"xnn_{arithmetic}_colnm_gemm_minmax_ukernel_{tile}x{lmul}v__{isa}"


@pytest.fixture(scope="module")
def measured(timing: TestedModel) -> list[list[Measured]]:
    """Regions of calls of nothing, then those of each kernel, one for each of `SHAPES`."""
    sources = []
    for template, name, variables in generator().renderings("riscv"):
        if template.endswith(TEMPLATE.name):
            sources.append(WORK / name)
            (ROOT / WORK / name).write_text(generator().render(template, variables))
    rows = []
    for name, tile, lmul in KERNELS:
        bits = arithmetics()[name].bits
        rows.append(f"    {{{symbol(name, tile, lmul)}, {VLEN * lmul // bits}, {bits // 8}}},")
    text = PROGRAM % {
        "declarations": "\n".join(f"extern kernel {symbol(*each)};" for each in KERNELS),
        "kernels": "\n".join(rows),
        "REPEATS": REPEATS,
        **generator().PANEL,
    }
    (ROOT / WORK / "kernel_streams.c").write_text(text)
    program = timing.compile(PROGRAM_NAME, [WORK / "kernel_streams.c", *sources])
    warm = timing.regions(program)[REPEATS - 1 :: REPEATS]
    size = 1 + len(SHAPES)
    assert len(warm) == (2 + len(KERNELS)) * size
    blocks = [warm[i + 1 : i + size] for i in range(0, len(warm), size)]
    # Those that first call nothing bring lines of the stack for all that follow.
    _, nothing, *_ = blocks
    assert not any(region["stalls"]["cache_miss"] for region in nothing)
    assert not any(region["mispredictions"] for region in nothing)
    return blocks[1:]


@pytest.fixture(scope="module")
def far(timing: TestedModel, measured: list[list[Measured]]) -> dict[str, set[int]]:
    """Branches of each kernel, by place, that reach too far: they are assembled as one around a jump."""
    assert measured
    command = ["llvm-objdump-19", "-d", "--no-show-raw-insn", str(WORK / PROGRAM_NAME)]
    found: dict[str, list[str]] = {}
    for line in timing.container.run(command).stdout.splitlines():
        if header := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            current = found.setdefault(header[1], [])
        elif match := re.match(r"\s*[0-9a-f]+:\s+(b\w+|j|ret)\b", line):
            current.append(match[1])
    places: dict[str, set[int]] = {}
    for kernel in KERNELS:
        assembled = iter(found[symbol(*kernel)])
        there = places.setdefault(symbol(*kernel), set())
        for place, instruction in enumerate(kernel_code(*kernel)):
            mnemonic = instruction.mnemonic
            if not re.fullmatch(r"b\w+|j|ret", mnemonic):
                continue
            if (seen := next(assembled)) != mnemonic:
                assert (seen, next(assembled)) == (INVERTED[mnemonic], "j")
                there.add(place)
        assert next(assembled, None) is None
    return places


def calls(arithmetic: str, tile: int, lmul: int) -> Iterator[Call]:
    for kept, panels, residual, stores in SHAPES:
        yield Call(arithmetic, tile, lmul, kept, panels, VLEN, LINE, 1, 0, residual, stores)


def groups() -> dict[str, str]:
    """Group of each class in the timing model's report."""
    listing = (ROOT / "kernels/timing/src/classes.h").read_text()
    names = dict(re.findall(r'GROUP\((\w+), "(\w+)"\)', listing))
    found = re.findall(r'CLASS\(\w+, "(\w+)", (\w+)\)', listing)
    return {name: names[group] for name, group in found}


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: "{}-{}x{}v".format(*kernel))
def test_kernels_execute_what_the_cost_model_says(
    measured: list[list[Measured]], far: dict[str, set[int]], kernel: tuple[str, int, int]
) -> None:
    """As many instructions, of the same kinds."""
    group_of, far_places = groups(), far[symbol(*kernel)]
    regions = measured[1 + KERNELS.index(kernel)]
    for call, region, nothing in zip(calls(*kernel), regions, measured[0], strict=True):
        executed = execute(call)
        counts = Counter(group_of[each.operation.kind] for each in executed)
        # The call of nothing returns too.
        counts["branch"] -= 1
        counts["branch"] += sum(
            each.taken and each.operation.place in far_places for each in executed
        )
        seen = {name: count - nothing["classes"][name] for name, count in region["classes"].items()}
        assert {name: count for name, count in seen.items() if count} == dict(counts), call
        assert region["instructions"] - nothing["instructions"] == counts.total()


def test_cycles_of_kernels_are_those_of_the_timing_model(measured: list[list[Measured]]) -> None:
    """With all lines in L1, and branches that were met before.

    Here a call begins while the last store of the one before still occupies its unit.
    """
    core = core_of(load_target(ROOT / "config/targets", "x60"))
    assert core.lanes == VLEN // 8 // F32_BYTES
    levels = dict.fromkeys(Region, core.l1)
    compared = 0
    for number, (name, tile, lmul) in enumerate(KERNELS):
        if name != "f32":
            continue
        last_store = core.costs["vstore"].occupancy[LMULS.index(lmul)]
        regions = zip(calls(name, tile, lmul), measured[number + 1], measured[0], strict=True)
        for call, region, nothing in regions:
            executed = execute(call)
            before, behind = (
                cycles(core, executed * times, lmul, levels) for times in (REPEATS - 1, REPEATS)
            )
            theirs = region["cycles"] - nothing["cycles"]
            compared += 1
            assert behind - before == pytest.approx(theirs, rel=0.06, abs=2 + last_store), call
    assert compared == 56 * len(SHAPES)


# What Winograd's transforms are counted in, beside the classes of kernels.
TRANSFORMS = {
    "vlseg2e32.v v8, (a0)": "vload_segment2",
    "vlseg4e32.v v8, (a0)": "vload_segment4",
    "vsseg2e32.v v8, (a0)": "vstore_segment2",
    "vsseg4e32.v v8, (a0)": "vstore_segment4",
    "vfslide1down.vf v8, v12, fa0": "v_slide",
}


def test_classes_are_those_of_the_decoder(timing: TestedModel) -> None:
    """Of every instruction that any kernel has, of im2col's loop, and of Winograd's transforms."""
    loop = [
        line.format(load=load, stride=stride)
        for load, stride in (("vle32.v", ""), ("vlse32.v", ", t1"))
        for line in ROW_LOOP.split("\n")[1:-1]
    ]
    found = {each.instruction.mnemonic: each for each in operations(parse_code(loop))}
    for kernel in KERNELS:
        found |= {each.instruction.mnemonic: each for each in operations(kernel_code(*kernel))}
    texts = []
    for mnemonic, operation in found.items():
        operands = [*operation.instruction.operands]
        operands += ["8"] if operation.instruction.target is not None else []
        texts.append(f"{mnemonic} {', '.join(operands)}")
    words = encode(timing, [*texts, *TRANSFORMS], ATTRIBUTES)
    decoded = timing.dump("decode", stdin="\n".join(words))
    assert len(found) > 40
    kinds = [*(each.kind for each in found.values()), *TRANSFORMS.values()]
    assert [line.split()[0] for line in decoded] == kinds
    assert set(kinds) == set(KINDS)
