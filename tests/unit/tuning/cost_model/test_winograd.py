# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The cost of Winograd's algorithm: its instructions, and what the timing model says of schedules."""

import re

import pytest

from colonnade.models.conv_shape import ConvShape
from colonnade.tuning.core import Core
from colonnade.tuning.cost_model.assembly import generator
from colonnade.tuning.cost_model.model import CostModel
from colonnade.tuning.cost_model.winograd import COUNTS
from colonnade.tuning.space import Candidate

OPERATIONS = {"vfadd", "vfsub", "vfmacc", "vfnmsac"}


def rendered() -> str:
    generate = generator()
    (text,) = [
        generate.render(template, variables)
        for template, name, variables in generate.renderings("riscv")
        if name == "f32-winograd-rvv.c"
    ]
    return str(text)


def intrinsics(function: str) -> list[str]:
    """Those of a function of the transforms for RVV."""
    whole = rf"^static [^\n]*\b{function}\(.*?^}}$"
    (body,) = re.findall(whole, rendered(), re.MULTILINE | re.DOTALL)
    return re.findall(r"__riscv_(v[a-z0-9]+)", body)


@pytest.mark.parametrize("m", COUNTS)
def test_transforms_have_as_many_instructions_as_are_counted(m: int) -> None:
    n, counts = m + 2, COUNTS[m]
    rows = intrinsics(f"input_line_{m}")
    assert sum(each in OPERATIONS for each in rows) == counts.input
    assert rows.count(f"vlseg{m}e32") == 1
    assert rows.count("vfslide1down") == 2
    assert rows.count("vse32") == n
    assert counts.load == f"vload_segment{m}"
    outputs = intrinsics(f"output_{m}x{m}")
    assert sum(each in OPERATIONS for each in outputs) == (n + m) * counts.output
    assert outputs.count("vle32") == n * n
    assert outputs.count("vse32") == m * m
    by_turns = intrinsics(f"by_turns_{m}")
    assert by_turns.count("vle32") == m
    assert by_turns.count(f"vsseg{m}e32") == 1
    assert counts.store == f"vstore_segment{m}"


# From runs of the bench on the X60.
MODELLED = {
    ("n1c64h56w56-o64-k3x3-s1-p1-d1-r", "winograd4:13:2:2:1"): 12194006,
    ("n1c128h28w28-o128-k3x3-s1-p1-d1", "winograd4:14:2:2:1"): 9807108,
    ("n1c128h28w28-o128-k3x3-s1-p1-d1", "winograd2:28:1:4:1"): 15458240,
    ("n1c256h14w14-o256-k3x3-s1-p1-d1", "winograd4:7:4:1:1"): 13247443,
    ("n1c256h14w14-o256-k3x3-s1-p1-d1", "winograd2:14:2:1:1"): 13730842,
    ("n1c512h7w7-o512-k3x3-s1-p1-d1-r", "winograd2:14:2:1:1"): 14003688,
}


@pytest.mark.slow
@pytest.mark.parametrize(("conv", "schedule"), MODELLED)
def test_cycles_are_about_those_of_the_timing_model(core: Core, conv: str, schedule: str) -> None:
    shape = ConvShape.parse(conv)
    algorithm, *numbers = schedule.split(":")
    candidate = Candidate(algorithm, *map(int, numbers))
    cycles = CostModel(core).cycles(shape, shape.reduction, candidate)
    assert cycles == pytest.approx(MODELLED[conv, schedule], rel=0.15)


@pytest.mark.slow
def test_two_threads_share_blocks(core: Core) -> None:
    shape = ConvShape.parse("n1c64h56w56-o64-k3x3-s1-p1-d1")
    # 196 tiles are 25 panels of 8; 13 blocks of two, of which one thread has seven.
    one, two = (
        CostModel(core, threads).cycles(shape, shape.reduction, Candidate("winograd4", 14, 1, 2))
        for threads in (1, 2)
    )
    assert one / 2 <= two <= 0.6 * one


@pytest.mark.slow
def test_a_residual_costs_more(core: Core) -> None:
    name = "n1c64h56w56-o64-k3x3-s1-p1-d1"
    alone, added = (
        CostModel(core).cycles(shape, shape.reduction, Candidate("winograd2", 14, 2, 2))
        for shape in (ConvShape.parse(name), ConvShape.parse(f"{name}-r"))
    )
    assert alone < added < 1.1 * alone
