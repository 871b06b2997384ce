# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The prior: what it takes from a core description, its parts, and its limits."""

import dataclasses
import json
import math
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colonnade.common.errors import ColonnadeError
from colonnade.config.schema import fits_registers
from colonnade.config.target import TargetConfig, load_target
from colonnade.models.conv_shape import ConvShape
from colonnade.tuning import kernels
from colonnade.tuning.core import KINDS, LMULS, Core, Kind, core_of
from colonnade.tuning.kernels import Lines, call_cost, row_cost
from colonnade.tuning.packing import packing_work
from colonnade.tuning.pipeline import Access, Step, simulate
from colonnade.tuning.prior import Prior
from colonnade.tuning.space import Candidate

from .conftest import CONV, ROOT

X60 = TargetConfig(
    kind="emulated", vlen=256, core=ROOT / "kernels/timing/cores/x60.json", clock_ghz=1.6
)
KERNELS = [(tile, lmul) for lmul in LMULS for tile in range(1, 32) if fits_registers(tile, lmul)]
SHAPE = ConvShape.parse(CONV)
TARGETS = ROOT / "config/targets"
HALF = SHAPE.reduction // 2


def test_core_description_is_read_in_all_its_forms(tmp_path: Path) -> None:
    line = {"stream_read": 4, "stream_write": 8, "latency": 27, "interval": 10}
    cache = {"bytes": 32768, "ways": 4, "line": 64}
    description = {
        **{
            "vlen": 256,
            "issue": {"width": 2},
            "branch": {"mispredict": 9},
            "l1": cache,
            "l2": cache,
        },
        "miss": {"reach": 3, "outstanding": 5, "l2": line, "memory": {**line, "latency": 340}},
        "classes": {
            **{kind: {"unit": None, "latency": 1} for kind in KINDS},
            "alu": {"unit": None, "latency": 4},
            "vf_fma": {"unit": "v", "latency": 3, "occupancy": [1, 1, 1, 2, 4, 8, 16]},
            "vload": {"unit": "v", "latency": {"e32": [5, 5, 5, 6, 7, 8, 9], "e64": [0] * 7}},
            "vstore": {"unit": "v", "latency": {"base": 3, "per_element": 1}},
            "no kernel uses it": {"unit": "v", "latency": 1},
        },
    }
    path = tmp_path / "core.json"
    path.write_text(json.dumps(description))
    core = core_of(X60.model_copy(update={"core": path}))
    assert (core.lanes, core.width, core.in_order) == (8, 2, True)
    assert (core.reach, core.outstanding, core.mispredict) == (3, 5, 9)
    assert (core.l1.bytes, core.l1.ways) == (32768, 4)
    assert (core.l2.read, core.l2.write, core.l2.latency, core.l2.interval) == (4, 8, 27, 10)
    assert core.memory.latency == 340
    assert core.timing("alu", 8) == (None, 4, 0)
    assert core.costs["vf_fma"].occupancy == (2, 4, 8, 16)
    assert core.costs["vload"].latency == (6, 7, 8, 9)
    assert core.costs["vstore"].latency == (11, 19, 35, 67)
    assert set(core.costs) == set(KINDS)


def test_damaged_core_description_is_named(tmp_path: Path) -> None:
    path = tmp_path / "core.json"
    path.write_text(json.dumps({"vlen": 256}))
    with pytest.raises(ColonnadeError, match=r"core\.json: not a core description"):
        core_of(X60.model_copy(update={"core": path}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_core_without_a_cost_that_kernels_need_is_refused(tmp_path: Path, kind: Kind) -> None:
    description = json.loads((ROOT / "kernels/timing/cores/x60.json").read_text())
    del description["classes"][kind]
    path = tmp_path / "core.json"
    path.write_text(json.dumps(description))
    with pytest.raises(
        ColonnadeError, match=rf"core\.json: not a core description: lacks '{kind}'"
    ):
        core_of(X60.model_copy(update={"core": path}))


def test_a_host_has_a_core_of_the_same_form() -> None:
    host = core_of(TargetConfig(kind="host"))
    assert host.lanes in {8, 16}
    assert host.l1.bytes < host.l2.bytes
    assert Prior(host).cycles(SHAPE, HALF, Candidate("packed", 8, 1, 4)) > 0


def price_everything(prior: Prior) -> list[float]:
    """1x1 and 3x3, strided, with a residual, dense and pruned, by all algorithms and kernels."""
    shapes = [
        ConvShape.parse(
            f"n1c16h8w8-o{channels}-k{kernel}x{kernel}-s{stride}-p{kernel // 2}-d1{residual}"
        )
        for channels in (31, 64)
        for kernel, stride in ((1, 1), (3, 1), (3, 2))
        for residual in ("", "-r")
    ]
    return [
        prior.cycles(shape, kept, Candidate(algorithm, tile, lmul, 2))
        for shape in shapes
        for kept in (shape.reduction, shape.reduction // 2)
        for algorithm in ("direct", "packed")
        for tile, lmul in KERNELS
    ]


def test_kernels_use_every_kind_of_instruction_and_no_other(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = set()

    def record(core: Core, steps: Iterable[Step]) -> list[float]:
        recorded = list(steps)
        used.update(step.kind for step in recorded)
        return simulate(core, recorded)

    monkeypatch.setattr(kernels, "simulate", record)
    assert price_everything(Prior(core))
    assert used == {*KINDS, "flush", "taken", "mark"}


@pytest.mark.parametrize("name", [path.stem for path in sorted(TARGETS.glob("*.yaml"))])
def test_every_target_prices_every_schedule(name: str) -> None:
    target = load_target(TARGETS, name)
    if target.core is not None:
        target = target.model_copy(update={"core": ROOT / target.core})
    core = core_of(target)
    assert set(core.costs) == set(KINDS)
    priced = price_everything(Prior(core, threads=2))
    assert len(priced) == 12 * 2 * 2 * len(KERNELS)
    assert all(0 < cycles < math.inf for cycles in priced)


def in_l1(core: Core) -> Lines:
    return Lines(core.l1, core.l1, core.l1, residual=None, touched=1, followed=0)


@pytest.mark.parametrize(("tile", "lmul"), KERNELS)
def test_kernels_take_no_less_than_their_multiplications(core: Core, tile: int, lmul: int) -> None:
    cost = call_cost(core, tile, lmul, in_l1(core))
    busy = tile * core.costs["vf_fma"].occupancy[LMULS.index(lmul)]
    slots = 2 * tile / core.width
    assert cost.column >= max(busy, slots)
    # Bias, clamp and store of a panel.
    assert cost.panel > tile * core.costs["vstore"].occupancy[LMULS.index(lmul)]


@pytest.mark.parametrize("stream", ["weights", "operand"])
def test_lines_from_further_away_cost_more(core: Core, stream: str) -> None:
    near = in_l1(core)
    slow = dataclasses.replace(core.memory, read=60, latency=300)
    costs = [
        call_cost(core, 14, 1, near._replace(**{stream: level})).column
        for level in (core.l1, core.l2, slow)
    ]
    assert costs == sorted(costs)
    assert costs[2] > costs[0]


def test_a_spare_panel_vector_hides_the_load(core: Core) -> None:
    # 15 rows at LMUL 2 leave no register for it: every column waits for its vector.
    waiting = call_cost(core, 15, 2, in_l1(core)).column / 15
    hidden = call_cost(core, 14, 2, in_l1(core)).column / 14
    assert waiting > 1.05 * hidden


def test_a_residual_is_loaded_and_added(core: Core) -> None:
    plain = in_l1(core)
    near, far = (plain._replace(residual=level) for level in (core.l1, core.memory))
    panels = [call_cost(core, 14, 2, lines).panel for lines in (plain, near, far)]
    loads = 14 * core.costs["vload"].occupancy[1]
    assert panels[1] >= panels[0] + loads
    assert panels[2] > panels[1]
    candidate = Candidate("direct", 14, 2, 4)
    shape = dataclasses.replace(SHAPE, residual=True)
    assert Prior(core).cycles(shape, shape.reduction // 2, candidate) > Prior(core).cycles(
        SHAPE, HALF, candidate
    )


def test_out_of_order_cores_are_bound_by_units_alone(core: Core) -> None:
    free = dataclasses.replace(core, in_order=False)
    assert call_cost(free, 14, 2, in_l1(core)).column == 28


def test_in_order_issue_by_hand(core: Core) -> None:
    """Two multiplications that depend on each other, then one that does not."""
    steps = [
        Step("vf_fma", "a", ("x",)),
        Step("vf_fma", "b", ("a",)),
        Step("vf_fma", "c", ("x",)),
        Step("mark"),
    ]
    # Cycle 0; 5 later the result; the unit takes one a cycle.
    assert simulate(core, steps) == [7]
    assert simulate(dataclasses.replace(core, in_order=False), steps) == [3]


def test_lines_come_one_after_the_other(core: Core) -> None:
    memory = dataclasses.replace(core.memory, read=20, latency=100, interval=10)
    loads = [Step("load", f"r{i}", access=Access(memory, 1)) for i in range(2)]
    wait = [Step("alu", None, ("r0", "r1")), Step("mark")]
    apart, alone = (dataclasses.replace(core, outstanding=count) for count in (4, 1))
    hit = core.costs["load"].latency[0]
    # The second request leaves 10 cycles after the first one, and takes 100.
    assert simulate(apart, [*loads, *wait]) == [10 + 100 + hit + 1]
    # With one request on its way at a time it waits for the first one.
    assert simulate(alone, [*loads, *wait]) == [100 + 100 + hit + 1]
    # Of one access the second line follows in a stream.
    both = [Step("load", "r0", access=Access(memory, 2)), Step("alu", None, ("r0",)), Step("mark")]
    assert simulate(apart, both) == [100 + hit + 1]


def test_packing_a_row_costs_its_load_and_store(core: Core) -> None:
    near = Access(core.l1, 1)
    cost = row_cost(core, "vload", near, near)
    busy = core.costs["vload"].occupancy[3] + core.costs["vstore"].occupancy[3]
    assert busy <= cost < busy + 3
    assert row_cost(core, "vload", Access(core.memory, 4), near) > cost


@given(
    height=st.integers(3, 12),
    width=st.integers(3, 12),
    kernel=st.sampled_from([1, 3]),
    stride=st.integers(1, 2),
    padding=st.integers(0, 1),
    dilation=st.integers(1, 2),
    block=st.integers(1, 40),
)
def test_packing_moves_every_element_of_im2col(
    height: int, width: int, kernel: int, stride: int, padding: int, dilation: int, block: int
) -> None:
    """With vectors of one element, copies and zeros are the elements of im2col."""
    conv = ConvShape(2, 3, height, width, 8, kernel, kernel, stride, padding, dilation)
    if min(conv.out_height, conv.out_width) < 1:
        return
    work = packing_work(conv, block, 1)
    inside = sum(
        0 <= y * stride + kh * dilation - padding < height
        and 0 <= x * stride + kw * dilation - padding < width
        for y in range(conv.out_height)
        for x in range(conv.out_width)
        for kh in range(kernel)
        for kw in range(kernel)
    )
    taps, positions = kernel * kernel, 2 * conv.out_height * conv.out_width
    assert work.copies * taps == 2 * inside
    assert (work.copies + work.zeros) * taps == positions * taps


def test_more_sparsity_never_costs_more(core: Core) -> None:
    prior = Prior(core)
    for candidate in (Candidate("packed", 14, 2, 8), Candidate("packed", 24, 1, 2)):
        costs = [prior.cycles(SHAPE, kept, candidate) for kept in (576, 432, 288, 144, 58)]
        assert costs == sorted(costs, reverse=True)


def test_cycles_are_at_least_those_of_the_multiplications(core: Core) -> None:
    peak = core.lanes
    for kept in (576, 144):
        cycles = Prior(core).cycles(SHAPE, kept, Candidate("packed", 14, 2, 8))
        useful = SHAPE.macs * kept / 576
        assert useful / peak < cycles < 4 * useful / peak


def test_taps_of_a_channel_share_lines(core: Core) -> None:
    """With as many columns, the 3x3 convolution asks a slow L2 for fewer lines."""
    slow = dataclasses.replace(core, l2=dataclasses.replace(core.l2, interval=40, latency=60))
    candidate = Candidate("direct", 14, 2, 2)
    added = []
    for conv in ("n1c128h28w28-o64-k3x3-s1-p1-d1", "n1c1152h28w28-o64-k1x1-s1-p0-d1"):
        shape = ConvShape.parse(conv)
        assert shape.reduction == 1152
        added.append(
            Prior(slow).cycles(shape, shape.reduction, candidate)
            - Prior(core).cycles(shape, shape.reduction, candidate)
        )
    assert 0 < added[0] < added[1] / 2


def test_threads_share_out_blocks_and_groups_of_tiles(core: Core) -> None:
    one, two = Prior(core), Prior(core, threads=2)
    # 392 panels of 8 positions are 13 blocks of 32: two threads do seven of them in turn.
    many = Candidate("packed", 14, 1, 32)
    assert two.cycles(SHAPE, HALF, many) == pytest.approx(one.cycles(SHAPE, HALF, many) * 7 / 13)
    # One block of all panels: its five tiles are shared out in groups of two, two and one.
    single = Candidate("packed", 14, 1, 392)
    assert two.cycles(SHAPE, HALF, single) == pytest.approx(one.cycles(SHAPE, HALF, single) * 2 / 3)


def test_ranking_is_by_cost_and_keeps_the_order_of_equals(core: Core) -> None:
    candidates = [Candidate("packed", tile, 1, 2) for tile in (4, 14, 8)]
    prior = Prior(core)
    ranked = prior.rank(SHAPE, HALF, [*candidates, *candidates])
    assert [cost for cost, _ in ranked] == sorted(cost for cost, _ in ranked)
    assert [each.tile for _, each in ranked] == [14, 14, 8, 8, 4, 4]
