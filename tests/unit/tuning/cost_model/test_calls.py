# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What calls of kernels and rows of im2col cost: no less than their parts, more from further away."""

import dataclasses

import pytest

from colonnade.config.schema import fits_registers
from colonnade.tuning.core import LMULS, Core
from colonnade.tuning.cost_model.calls import Kernel, Lines, Rows, call_cost, row_cost
from colonnade.tuning.cost_model.execution import RARITY

KERNELS = [(tile, lmul) for lmul in LMULS for tile in range(1, 32) if fits_registers(tile, lmul)]


def in_l1(core: Core) -> Lines:
    return Lines(core.l1, core.l1, core.l1, core.l1)


def kernel(tile: int, lmul: int, *, residual: bool = False) -> Kernel:
    return Kernel(tile, lmul, residual, vector_lines=1, apart=0)


@pytest.mark.parametrize(("tile", "lmul"), KERNELS)
def test_kernels_take_no_less_than_their_multiplications(core: Core, tile: int, lmul: int) -> None:
    cost = call_cost(core, kernel(tile, lmul), in_l1(core))
    busy = tile * core.costs["vf_fma"].occupancy[LMULS.index(lmul)]
    slots = 2 * tile / core.width
    # A cycle that is won once, on the way to the steady state, counts in one of a period's columns.
    assert cost.column >= max(busy, slots) - 1 / 16
    # Bias, clamp and store of a panel.
    assert cost.panel > tile * core.costs["vstore"].occupancy[LMULS.index(lmul)]


@pytest.mark.parametrize("parts", [("weights",), ("operand", "rare")])
def test_lines_from_further_away_cost_more(core: Core, parts: tuple[str, ...]) -> None:
    near = in_l1(core)
    slow = dataclasses.replace(core.memory, read=60, latency=300)
    costs = [
        call_cost(core, kernel(14, 1), near._replace(**dict.fromkeys(parts, level))).column
        for level in (core.l1, core.l2, slow)
    ]
    assert costs == sorted(costs)
    assert costs[2] > costs[0]


def test_a_spare_panel_vector_hides_the_load(core: Core) -> None:
    # 15 rows at LMUL 2 leave no register for it: every column waits for its vector.
    far = in_l1(core)._replace(operand=core.l2, rare=core.l2)
    waiting = [call_cost(core, kernel(15, 2), lines).column for lines in (in_l1(core), far)]
    hidden = [call_cost(core, kernel(14, 2), lines).column for lines in (in_l1(core), far)]
    assert waiting[1] >= waiting[0] + core.l2.latency
    # But for the time in which L1 takes the lines.
    assert hidden[0] <= hidden[1] <= hidden[0] + core.fill < waiting[0]


def test_rare_lines_from_memory_are_waited_for_alone(core: Core) -> None:
    near = in_l1(core)._replace(operand=core.l2, rare=core.l2)
    far = near._replace(operand=core.memory, rare=core.memory)
    l2, rare, memory = (
        call_cost(core, kernel(30, 1), lines).column
        for lines in (near, near._replace(rare=core.memory), far)
    )
    one = RARITY * (rare - l2)
    assert core.memory.latency - l2 - core.l2.latency <= one <= core.memory.latency
    assert one > 1.5 * (memory - l2)


def test_a_residual_is_loaded_and_added(core: Core) -> None:
    plain, added = kernel(14, 2), kernel(14, 2, residual=True)
    near = in_l1(core)
    panels = [call_cost(core, each, near).panel for each in (plain, added)]
    panels.append(call_cost(core, added, near._replace(output=core.memory)).panel)
    loads = 14 * core.costs["vload"].occupancy[1]
    assert panels[1] >= panels[0] + loads
    assert panels[2] > panels[1]


def test_packing_a_row_costs_its_load_and_store(core: Core) -> None:
    near = Rows(False, core.l1, core.l1, 4, 4)
    cost = row_cost(core, near)
    busy = core.costs["vload"].occupancy[3] + core.costs["vstore"].occupancy[3]
    assert busy <= cost < busy + 3
    assert row_cost(core, near._replace(read=core.memory)) > cost
    assert row_cost(core, near._replace(strided=True)) > cost
