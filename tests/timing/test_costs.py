"""The model against published cycles, instruction by instruction, and against miss costs."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from timing.microbenchmarks import MICROBENCHMARKS, Microbenchmark, assembly
from timing.model import CORE, ROOT, WORK, TimingModel

LINES = 512  # 32 KiB: as much as L1, a small part of L2


@pytest.fixture(scope="module")
def measured(timing: TimingModel) -> dict[str, float]:
    """Cycles of one sequence of each microbenchmark."""
    source = WORK / "microbenchmarks.S"
    (ROOT / source).write_text(assembly(MICROBENCHMARKS))
    program = timing.compile("microbenchmarks", [str(source)], "-nostdlib")
    regions = timing.run(program)
    assert len(regions) == len(MICROBENCHMARKS)
    return {
        benchmark.name: region["cycles"] / (benchmark.unroll * benchmark.iterations)
        for benchmark, region in zip(MICROBENCHMARKS, regions, strict=True)
    }


@pytest.mark.parametrize("benchmark", MICROBENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_published_cycles(benchmark: Microbenchmark, measured: dict[str, float]) -> None:
    assert measured[benchmark.name] == pytest.approx(benchmark.cycles, rel=benchmark.tolerance)


def streaming_program(instruction: str, passes: int, lines: int) -> str:
    """Touch `lines` cache lines in order, `passes` times; only the last pass is measured."""
    walk = f"""
  lla a0, buffer
  li t0, {lines // 2}
1:
  {instruction} v8, (a0)
  addi a0, a0, 64
  {instruction} v9, (a0)
  addi a0, a0, 64
  addi t0, t0, -1
  bnez t0, 1b
"""
    warm = (walk + "  slti x0, x0, 0x512\n") * (passes - 1)
    return f"""
.option norvc
.globl _start
_start:
  vsetvli t1, x0, e32, m1, ta, ma
  slti x0, x0, 0x511
{warm}
{walk}
  slti x0, x0, 0x513
  li a0, 0
  li a7, 93
  ecall
.bss
.balign 4096
buffer: .space 1048576
"""


@pytest.mark.parametrize(
    ("instruction", "occupancy", "access"),
    [("vle32.v", 2, "read"), ("vse32.v", 2.75, "write")],
)
@pytest.mark.parametrize("level", ["l2", "memory"])
def test_a_miss_adds_its_cost(
    timing: TimingModel, instruction: str, occupancy: float, access: str, level: str
) -> None:
    """A stream through twice the size of L1 misses L1 always and L2 in its first pass only."""
    source = WORK / "stream.S"
    lines = 2 * LINES
    (ROOT / source).write_text(
        streaming_program(instruction, passes=2 if level == "l2" else 1, lines=lines)
    )
    region = timing.run(timing.compile("stream", [str(source)], "-nostdlib"))[0]
    assert region["l1_accesses"] == lines
    assert region["l1_misses"] == lines
    assert region["l2_misses"] == (0 if level == "l2" else lines)
    cost = json.loads((ROOT / CORE).read_text())["miss"][level][access]
    assert region["cycles"] / lines == pytest.approx(occupancy + cost, rel=0.02)


def test_next_line_prefetch_saves_every_other_miss(
    timing: TimingModel, variant: Callable[[Callable[[Any], None]], str]
) -> None:
    source = WORK / "prefetch.S"
    (ROOT / source).write_text(streaming_program("vle32.v", passes=1, lines=LINES))
    program = timing.compile("prefetch", [str(source)], "-nostdlib")

    def switch_on(description: Any) -> None:
        description["miss"]["next_line_prefetch"] = True

    region = timing.run(program, core=variant(switch_on))[0]
    first_lines_of_pages = LINES * 64 // 4096
    assert region["l1_misses"] == LINES
    assert region["l2_misses"] == first_lines_of_pages


def test_single_issue_halves_the_rate(
    timing: TimingModel, variant: Callable[[Callable[[Any], None]], str]
) -> None:
    benchmark = next(item for item in MICROBENCHMARKS if item.name == "add")
    source = WORK / "single.S"
    (ROOT / source).write_text(assembly([benchmark]))
    program = timing.compile("single", [str(source)], "-nostdlib")

    def narrow(description: Any) -> None:
        description["issue"]["width"] = 1

    dual = timing.run(program)[0]["cycles"]
    single = timing.run(program, core=variant(narrow))[0]["cycles"]
    assert single / dual == pytest.approx(2, rel=0.05)


def test_a_misprediction_costs_the_pipeline(
    timing: TimingModel, variant: Callable[[Callable[[Any], None]], str]
) -> None:
    """A branch that alternates defeats a two-bit counter; each miss costs the nine stages."""
    benchmark = Microbenchmark(
        name="alternating",
        setup="li a2, 0",
        body="xori a2, a2, 1\nbeqz a2, 2f\nadd a3, t4, t5\n2:",
        cycles=0,
        source="llvm",
        unroll=3,
    )
    source = WORK / "branches.S"
    (ROOT / source).write_text(assembly([benchmark]))
    program = timing.compile("branches", [str(source)], "-nostdlib")

    def make_free(description: Any) -> None:
        description["branch"]["mispredict"] = 0

    region = timing.run(program)[0]
    free = timing.run(program, core=variant(make_free))[0]
    assert region["mispredictions"] == free["mispredictions"] > benchmark.iterations
    assert region["cycles"] - free["cycles"] == 9 * region["mispredictions"]


def test_a_second_core_is_only_data(timing: TimingModel) -> None:
    """The X280: 2 cycles for each register of 512 bits, dependent sums every 8 cycles [llvm]."""
    vector = [item for item in MICROBENCHMARKS if item.name.startswith("vfmacc.vf")]
    source = WORK / "x280.S"
    (ROOT / source).write_text(assembly(vector))
    program = timing.compile("x280", [str(source)], "-nostdlib")
    regions = timing.run(program, core="kernels/timing/cores/x280.json", vlen=512)
    cycles = {
        item.name: region["cycles"] / (item.iterations * item.unroll * (item.body.count("\n") + 1))
        for item, region in zip(vector, regions, strict=True)
    }
    expected = {"m1": 2, "m2": 4, "m4": 8, "m8": 16}
    for lmul, occupancy in expected.items():
        assert cycles[f"vfmacc.vf-{lmul}"] == pytest.approx(occupancy, rel=0.05)
        chained = max(8, occupancy)
        assert cycles[f"vfmacc.vf-latency-{lmul}"] == pytest.approx(chained, rel=0.05)


def test_stalls_and_issue_cycles_add_up(timing: TimingModel) -> None:
    """Cycles that are not stalls issue at least one instruction and at most two."""
    source = WORK / "sum.S"
    (ROOT / source).write_text(assembly(MICROBENCHMARKS))
    for region in timing.run(timing.compile("sum", [str(source)], "-nostdlib")):
        issuing = region["cycles"] - sum(region["stalls"].values())
        assert region["instructions"] / 2 <= issuing <= region["instructions"]
        assert sum(region["classes"].values()) == region["instructions"]
