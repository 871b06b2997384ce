# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The model against published cycles, instruction by instruction, and against miss costs."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from colonnade.validation import MICROBENCHMARKS, Microbenchmark, assembly
from colonnade.validation.compare import microbenchmark_cycles

from .model import CORE, ROOT, WORK, TestedModel

LINES = 1024  # 64 KiB: twice L1, a small part of L2


@pytest.fixture(scope="module")
def measured(timing: TestedModel) -> dict[str, float]:
    """Cycles of one sequence of each microbenchmark."""
    return microbenchmark_cycles(timing)


# Points held out of the fit are judged as a whole: see test_validation.py.
@pytest.mark.parametrize(
    "benchmark",
    [benchmark for benchmark in MICROBENCHMARKS if benchmark.role != "held out"],
    ids=lambda benchmark: benchmark.name,
)
def test_published_cycles(benchmark: Microbenchmark, measured: dict[str, float]) -> None:
    assert measured[benchmark.name] == pytest.approx(benchmark.cycles, rel=benchmark.tolerance)


def test_names_are_unique() -> None:
    assert len({benchmark.name for benchmark in MICROBENCHMARKS}) == len(MICROBENCHMARKS)


def walk_program(body: str, passes: int, stride: int, lines: int = LINES) -> str:
    """Do `body` with a0 at every `stride`th byte, `passes` times; the last pass is measured.

    v8 to v15 take turns, so that no load waits for another.
    """
    steps = "".join(f"  {body.format(v=f'v{8 + i}')}\n  add a0, a0, t2\n" for i in range(8))
    walk = f"""
  lla a0, buffer
  li t0, {lines // 8}
1:
{steps}
  addi t0, t0, -1
  bnez t0, 1b
"""
    warm = (walk + "  slti x0, x0, 0x512\n") * (passes - 1)
    return f"""
.option norvc
.globl _start
_start:
  vsetvli t1, x0, e32, m1, ta, ma
  li t2, {stride}
  slti x0, x0, 0x511
{warm}
{walk}
  slti x0, x0, 0x513
  li a0, 0
  li a7, 93
  ecall
.bss
.balign 4096
buffer: .space {stride * lines}
"""


def walk(timing: TestedModel, *arguments: Any, core: str = CORE, **options: Any) -> Any:
    source = WORK / "walk.S"
    (ROOT / source).write_text(walk_program(*arguments, **options))
    return timing.regions(timing.compile("walk", [str(source)], "-nostdlib"), core=core)[0]


def costs(level: str) -> Any:
    return json.loads((ROOT / CORE).read_text())["miss"][level]


VLE, VSE, FLW = "vle32.v {v}, (a0)", "vse32.v {v}, (a0)", "flw fa0, (a0)"


@pytest.mark.parametrize(
    ("body", "own", "cost"), [(VLE, 2, "stream_read"), (VSE, 2.75, "stream_write")]
)
@pytest.mark.parametrize("level", ["l2", "memory"])
def test_a_stream_comes_at_the_rate_of_its_level(
    timing: TestedModel, body: str, own: float, cost: str, level: str
) -> None:
    """A walk through twice the size of L1 misses L1 always and L2 in its first pass only."""
    region = walk(timing, body, 2 if level == "l2" else 1, 64)
    assert region["l1_accesses"] == region["l1_misses"] == LINES
    assert region["l2_misses"] == (0 if level == "l2" else LINES)
    assert region["cycles"] / LINES == pytest.approx(max(own, costs(level)[cost]), rel=0.05)


def test_scalar_loads_use_the_bandwidth_that_vector_loads_use(timing: TestedModel) -> None:
    region = walk(timing, FLW, 1, 64)
    assert region["cycles"] / LINES == pytest.approx(costs("memory")["stream_read"], rel=0.05)


def test_lines_far_apart_wait_for_memory_a_few_at_once(
    timing: TestedModel, variant: Callable[[Callable[[Any], None]], str]
) -> None:
    def one_at_once(description: Any) -> None:
        description["miss"]["outstanding"] = 1

    lines = 256
    far = walk(timing, VLE, 1, 4096 + 64, lines)
    alone = walk(timing, VLE, 1, 4096 + 64, lines, core=variant(one_at_once))
    latency = costs("memory")["latency"]
    assert alone["cycles"] / lines == pytest.approx(latency, rel=0.05)
    assert far["cycles"] / lines == pytest.approx(latency / 4, rel=0.05)


def test_without_a_prefetcher_every_line_waits(
    timing: TestedModel, variant: Callable[[Callable[[Any], None]], str]
) -> None:
    def switch_off(description: Any) -> None:
        description["miss"]["streams"] = 0

    region = walk(timing, VLE, 1, 64, core=variant(switch_off))
    assert region["cycles"] / LINES == pytest.approx(costs("memory")["latency"] / 4, rel=0.05)


def test_lines_that_a_stream_skips_come_with_it(timing: TestedModel) -> None:
    region = walk(timing, VLE, 1, 3 * 64)
    assert region["cycles"] / LINES == pytest.approx(3 * costs("memory")["stream_read"], rel=0.05)


def test_single_issue_halves_the_rate(
    timing: TestedModel, variant: Callable[[Callable[[Any], None]], str]
) -> None:
    benchmark = next(item for item in MICROBENCHMARKS if item.name == "add")
    source = WORK / "single.S"
    (ROOT / source).write_text(assembly([benchmark]))
    program = timing.compile("single", [str(source)], "-nostdlib")

    def narrow(description: Any) -> None:
        description["issue"]["width"] = 1

    dual = timing.regions(program)[0]["cycles"]
    single = timing.regions(program, core=variant(narrow))[0]["cycles"]
    assert single / dual == pytest.approx(2, rel=0.05)


def test_a_misprediction_costs_the_pipeline(
    timing: TestedModel, variant: Callable[[Callable[[Any], None]], str]
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

    region = timing.regions(program)[0]
    free = timing.regions(program, core=variant(make_free))[0]
    assert region["mispredictions"] == free["mispredictions"] > benchmark.iterations
    assert region["cycles"] - free["cycles"] == 9 * region["mispredictions"]


def test_stalls_and_issue_cycles_add_up(timing: TestedModel) -> None:
    """Cycles that are not stalls issue at least one instruction and at most two."""
    source = WORK / "sum.S"
    (ROOT / source).write_text(assembly(MICROBENCHMARKS))
    regions = timing.regions(timing.compile("sum", [str(source)], "-nostdlib"))
    assert len(regions) == len(MICROBENCHMARKS)
    for region in regions:
        issuing = region["cycles"] - sum(region["stalls"].values())
        assert region["instructions"] / 2 <= issuing <= region["instructions"]
        assert sum(region["classes"].values()) == region["instructions"]
