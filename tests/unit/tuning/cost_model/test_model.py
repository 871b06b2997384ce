# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The cost model: how costs follow from shapes and schedules, and what they are bounded by."""

import dataclasses
import math

import pytest

from colonnade.config.section import fits_registers
from colonnade.config.target import load_target
from colonnade.models.conv_shape import ConvShape
from colonnade.tuning.core import KINDS, LMULS, Core, core_of
from colonnade.tuning.cost_model.model import CostModel
from colonnade.tuning.space import Candidate

from ..conftest import CONV, ROOT

pytestmark = pytest.mark.slow

KERNELS = [(tile, lmul) for lmul in LMULS for tile in range(1, 32) if fits_registers(tile, lmul)]
SHAPE = ConvShape.parse(CONV)
TARGETS = ROOT / "config/targets"
HALF = SHAPE.reduction // 2


def price_everything(model: CostModel) -> list[float]:
    """1x1 and 3x3, strided, with a residual, dense and pruned, by all algorithms and kernels.

    All kernels run on one shape, and one kernel on all shapes.
    """
    shapes = [
        ConvShape.parse(f"n1c16h8w8-o31-k{kernel}x{kernel}-s{stride}-p{kernel // 2}-d1{residual}")
        for kernel, stride in ((1, 1), (3, 1), (3, 2))
        for residual in ("", "-r")
    ]
    cases = [(shapes[0], *kernel) for kernel in KERNELS] + [(shape, 14, 2) for shape in shapes]
    return [
        model.cycles(shape, kept, Candidate(algorithm, tile, lmul, 2))
        for shape, tile, lmul in cases
        for kept in (shape.reduction, shape.reduction // 2)
        for algorithm in ("direct", "packed")
    ]


EMULATED = [
    path.stem for path in sorted(TARGETS.glob("*.yaml")) if load_target(TARGETS, path.stem).core
]


@pytest.mark.parametrize("name", EMULATED)
def test_every_core_prices_every_schedule(name: str) -> None:
    target = load_target(TARGETS, name)
    core = core_of(target)
    assert set(core.costs) == set(KINDS)
    priced = price_everything(CostModel(core, threads=2))
    assert len(priced) == 2 * 2 * (len(KERNELS) + 6)
    assert all(0 < cycles < math.inf for cycles in priced)


def test_more_sparsity_never_costs_more(core: Core) -> None:
    model = CostModel(core)
    for candidate in (Candidate("packed", 14, 2, 8), Candidate("packed", 24, 1, 2)):
        costs = [model.cycles(SHAPE, kept, candidate) for kept in (576, 432, 288, 144, 58)]
        assert costs == sorted(costs, reverse=True)
        # A tenth of the columns are left of the last one.
        assert costs[0] > 4 * costs[-1]


# What the timing model says of schedules at 75 % sparsity, from runs of the bench on the X60.
MODELLED = {
    ("n1c64h56w56-o64-k3x3-s1-p1-d1-r", "direct:13:2:16:2"): 6747669,
    ("n1c128h28w28-o128-k3x3-s1-p1-d1-r", "direct:13:2:8:4"): 6637430,
    ("n1c128h28w28-o128-k3x3-s1-p1-d1", "packed:6:4:1:1"): 12238024,
    ("n1c256h14w14-o512-k3x3-s2-p1-d1", "direct:14:2:4:1"): 4537360,
    ("n1c256h56w56-o64-k1x1-s1-p0-d1", "direct:22:1:16:1"): 3792024,
}


@pytest.mark.parametrize(("conv", "schedule"), MODELLED)
def test_cycles_are_about_those_of_the_timing_model(core: Core, conv: str, schedule: str) -> None:
    shape = ConvShape.parse(conv)
    algorithm, *numbers = schedule.split(":")
    candidate = Candidate(algorithm, *map(int, numbers))
    cycles = CostModel(core).cycles(shape, shape.reduction // 4, candidate)
    assert cycles == pytest.approx(MODELLED[conv, schedule], rel=0.15)


def test_cycles_are_at_least_those_of_the_multiplications(core: Core) -> None:
    priced = 0
    for kept in (576, 144):
        for tile, lmul in KERNELS:
            cycles = CostModel(core).cycles(SHAPE, kept, Candidate("packed", tile, lmul, 8))
            assert cycles > SHAPE.macs * kept / SHAPE.reduction / core.lanes
            priced += 1
    assert priced == 2 * len(KERNELS)


def test_a_residual_costs_more(core: Core) -> None:
    shape, candidate = dataclasses.replace(SHAPE, residual=True), Candidate("direct", 14, 2, 4)
    model = CostModel(core)
    assert model.cycles(shape, HALF, candidate) > model.cycles(SHAPE, HALF, candidate)


def test_taps_of_a_channel_share_lines(core: Core) -> None:
    """With as many columns, the 3x3 convolution asks for fewer lines; L2 is so slow that no more counts.

    Without a prefetcher: it would ask for others in between.
    """
    core = dataclasses.replace(core, streams=0)
    slow = dataclasses.replace(core, l2=dataclasses.replace(core.l2, interval=600, latency=900))
    candidate = Candidate("direct", 14, 2, 2)
    added = []
    for conv in ("n1c128h28w28-o64-k3x3-s1-p1-d1", "n1c1152h28w28-o64-k1x1-s1-p0-d1"):
        shape = ConvShape.parse(conv)
        assert shape.reduction == 1152
        added.append(
            CostModel(slow).cycles(shape, shape.reduction, candidate)
            - CostModel(core).cycles(shape, shape.reduction, candidate)
        )
    assert 0 < added[0] < added[1]


def test_threads_share_out_blocks_and_groups_of_tiles(core: Core) -> None:
    one, two = CostModel(core), CostModel(core, threads=2)
    # 392 panels of 8 positions would be 13 blocks of 32, seven of them one thread's: 14 of 28 are even.
    many = Candidate("packed", 14, 1, 32)
    assert two.cycles(SHAPE, HALF, many) == pytest.approx(one.cycles(SHAPE, HALF, many) / 2)
    # One block of all panels is divided too, rather than its five tiles, three of them one thread's.
    single = Candidate("packed", 14, 1, 392)
    assert two.cycles(SHAPE, HALF, single) == pytest.approx(one.cycles(SHAPE, HALF, single) / 2)


def test_ranking_is_by_cost_and_keeps_the_order_of_equals(core: Core) -> None:
    candidates = [Candidate("packed", tile, 1, 2) for tile in (4, 14, 8)]
    model = CostModel(core)
    ranked = model.rank(SHAPE, HALF, [*candidates, *candidates])
    assert [cost for cost, _ in ranked] == sorted(cost for cost, _ in ranked)
    assert [each.tile for _, each in ranked] == [14, 14, 8, 8, 4, 4]
