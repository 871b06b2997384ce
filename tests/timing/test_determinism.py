# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The same region takes exactly the same cycles, whatever surrounds it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.targets.emulator import emulator, timed

from .model import CORE, ROOT, WORK, TestedModel

SOURCE = "kernels/timing/tests/determinism.c"


@pytest.fixture(scope="module")
def program(timing: TestedModel) -> str:
    return timing.compile("determinism", [SOURCE])


@pytest.fixture(scope="module")
def reference(timing: TestedModel, program: str) -> list[dict[str, Any]]:
    regions = timing.regions(program)
    assert len(regions) == 2
    assert all(region["cycles"] > region["instructions"] / 2 > 1e6 for region in regions)
    return regions


@pytest.mark.parametrize("run", range(3))
def test_equal_run_to_run(
    timing: TestedModel, program: str, reference: list[dict[str, Any]], run: int
) -> None:
    assert timing.regions(program) == reference


@pytest.mark.parametrize("size", [1, 17, 1003, 9999])
def test_equal_whatever_the_environment(
    timing: TestedModel, program: str, reference: list[dict[str, Any]], size: int
) -> None:
    assert timing.regions(program, env={"COLONNADE_PADDING": "x" * size}) == reference


@pytest.mark.parametrize(
    "options", [["-tb-size", "1"], ["-one-insn-per-tb"]], ids=["small-buffer", "single-step"]
)
def test_equal_however_qemu_cuts_the_code(
    timing: TestedModel, program: str, reference: list[dict[str, Any]], options: list[str]
) -> None:
    assert timing.regions(program, qemu_options=options) == reference


def test_a_position_independent_program_repeats_itself(timing: TestedModel) -> None:
    program = timing.compile("determinism-pie", [SOURCE], "-static-pie", "-fPIE")
    assert timing.regions(program) == timing.regions(program)


def _slower_memory(core: dict[str, Any]) -> None:
    core["miss"]["memory"]["latency"] *= 2


def _one_at_a_time(core: dict[str, Any]) -> None:
    core["issue"]["width"] = core["issue"]["vector_width"] = 1


@pytest.mark.parametrize(("name", "arguments"), [("determinism", ()), ("team", ("4",))])
def test_cores_that_share_a_run_take_the_cycles_that_each_takes_alone(
    timing: TestedModel,
    variant: Callable[[Callable[[Any], None]], str],
    name: str,
    arguments: tuple[str, ...],
) -> None:
    program = timing.compile(name, [f"kernels/timing/tests/{name}.c"])
    alone, pairs = [], []
    for change in (_slower_memory, _one_at_a_time):
        written = ROOT / variant(change)
        core = WORK / f"{change.__name__}.json"
        written.rename(ROOT / core)
        alone.append(timing.regions(program, core=str(core), arguments=arguments))
        pairs.append((core, WORK / f"{change.__name__}.jsonl"))
    alone.insert(0, timing.regions(program, arguments=arguments))
    assert alone[0] != alone[1] != alone[2]
    nominal = WORK / "nominal.jsonl"
    options = timed(Path(CORE), nominal, timing.plugin, beside=pairs)
    timing.container.run([*emulator(256), *options, str(program), *arguments])
    together = [
        [json.loads(line) for line in (ROOT / out).read_text().splitlines()]
        for out in (nominal, *(out for _, out in pairs))
    ]
    assert together == alone


@pytest.mark.parametrize("options", ["core=a.json", "out=b", "out=b,core=a", "core=a,out=b,core=c"])
def test_a_core_without_its_output_is_refused(
    timing: TestedModel, program: str, options: str
) -> None:
    with pytest.raises(ColonnadeError, match="needs qemu-riscv64 and core=FILE,out=FILE"):
        timing.container.run(
            [*emulator(256), "-plugin", f"{timing.plugin},{options}", str(program)]
        )
