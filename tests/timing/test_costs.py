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
AHEAD = 16  # lines that the prefetcher gets ahead, at most


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


def taken(own: float) -> float:
    """Cycles of a load of a line that comes meanwhile: L1 takes it before it serves the next one."""
    return own + json.loads((ROOT / CORE).read_text())["miss"]["fill"]


@pytest.mark.parametrize("level", ["l2", "memory"])
def test_a_stream_is_read_at_the_rate_of_its_level(timing: TestedModel, level: str) -> None:
    """A walk through twice the size of L1 finds nothing in L1, and all in L2 in its second pass."""
    region = walk(timing, VLE, 2 if level == "l2" else 1, 64)
    assert region["l1_accesses"] == LINES
    # The prefetcher runs on behind the end.
    assert 0 <= region["l2_misses"] - (0 if level == "l2" else LINES) < 2 * AHEAD
    rate = max(taken(2), costs(level)["stream_read"])
    assert region["cycles"] / LINES == pytest.approx(rate, rel=0.1)


@pytest.mark.parametrize("level", ["l2", "memory"])
def test_a_stream_is_written_at_the_rate_of_its_level(timing: TestedModel, level: str) -> None:
    region = walk(timing, VSE, 2 if level == "l2" else 1, 64)
    assert region["l1_accesses"] == region["l1_misses"] == LINES
    assert region["l2_misses"] == (0 if level == "l2" else LINES)
    rate = max(2.75, costs(level)["stream_write"])
    assert region["cycles"] / LINES == pytest.approx(rate, rel=0.05)


def test_a_stream_runs_ahead_of_who_reads_it_slowly(timing: TestedModel) -> None:
    """With as much work for each line as it takes to come, lines cost nothing but their way into L1."""
    work = "\n".join(["div a2, a3, t2"] * 2)
    slow = walk(timing, f"{VLE}\n{work}", 1, 64)
    near = walk(timing, f"{VLE}\n{work}", 3, 64, lines=LINES // 4)
    assert slow["l1_misses"] < LINES / 32
    assert slow["cycles"] / LINES == pytest.approx(near["cycles"] / (LINES // 4), rel=0.05)


def test_a_load_waits_while_l1_takes_a_line(
    timing: TestedModel, variant: Callable[[Callable[[Any], None]], str]
) -> None:
    """Loads that keep their unit busy lose what the lines of a stream take."""

    def at_once(description: Any) -> None:
        description["miss"]["fill"] = 0

    body = "\n".join([VLE] * 12)
    cycles = [
        walk(timing, body, 1, 64, **options)["cycles"] / LINES
        for options in ({}, {"core": variant(at_once)})
    ]
    assert cycles[0] - cycles[1] == pytest.approx(taken(0), rel=0.15)


def test_scalar_stores_wait_for_their_data_in_a_queue(
    timing: TestedModel, variant: Callable[[Callable[[Any], None]], str]
) -> None:
    benchmark = Microbenchmark(
        name="stored-products",
        body="\n".join(f"mul a{i}, t4, t5\nsd a{i}, 0(a0)" for i in range(1, 5)),
        cycles=0,
        source="model",
    )
    source = WORK / "stores.S"
    (ROOT / source).write_text(assembly([benchmark]))
    program = timing.compile("stores", [str(source)], "-nostdlib")

    def one_place(description: Any) -> None:
        description["issue"]["store_queue"] = 1

    queued, waiting = (
        timing.regions(program, core=core)[0]["cycles"] / (benchmark.unroll * benchmark.iterations)
        for core in (CORE, variant(one_place))
    )
    # One store a cycle, against one when the data of the one before are there.
    assert queued == pytest.approx(4, abs=0.3)
    assert waiting > 2.5 * queued


@pytest.mark.parametrize(("lmul", "index"), [("m1", 3), ("m2", 4), ("m4", 5), ("m8", 6)])
def test_arithmetic_in_f32_waits_for_a_load_as_long_as_its_lmul_says(
    timing: TestedModel, lmul: str, index: int
) -> None:
    description = json.loads((ROOT / CORE).read_text())
    load, product = (description["classes"][name] for name in ("vload", "vf_fma"))
    benchmark = Microbenchmark(
        name=f"dependent-{lmul}",
        # The load's old value is the product's operand: the next one waits for both.
        body="vle32.v v8, (a0)\nvfmacc.vf v8, fa0, v16",
        setup=f"vsetvli t1, x0, e32, {lmul}, ta, ma",
        cycles=0,
        source="model",
    )
    source = WORK / "dependent.S"
    (ROOT / source).write_text(assembly([benchmark]))
    region = timing.regions(timing.compile("dependent", [str(source)], "-nostdlib"))[0]
    cycles = region["cycles"] / (benchmark.unroll * benchmark.iterations)
    assert cycles == pytest.approx(load["late_latency"][index] + product["latency"][index], abs=0.3)


def test_scalar_loads_use_the_bandwidth_that_vector_loads_use(timing: TestedModel) -> None:
    region = walk(timing, FLW, 1, 64)
    assert region["cycles"] / LINES == pytest.approx(costs("memory")["stream_read"], rel=0.15)


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
    assert region["cycles"] / LINES == pytest.approx(3 * costs("memory")["stream_read"], rel=0.15)


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
