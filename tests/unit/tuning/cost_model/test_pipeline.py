# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Executed instructions take the time that can be counted by hand."""

import dataclasses

from colonnade.tuning.core import Core
from colonnade.tuning.cost_model.assembly import parse_code
from colonnade.tuning.cost_model.execution import Executed, Region
from colonnade.tuning.cost_model.operations import Flow, Operation, operations
from colonnade.tuning.cost_model.pipeline import Levels, cycles


def code(*lines: str) -> list[Operation]:
    return list(operations(parse_code(lines)))


def run(core: Core, executed: list[Executed], levels: Levels | None = None) -> float:
    return cycles(core, executed, 1, levels or {})


def plain(*lines: str) -> list[Executed]:
    return [Executed(operation) for operation in code(*lines)]


def test_in_order_issue_by_hand(core: Core) -> None:
    """Two multiplications that depend on each other, then one that does not."""
    chain = plain("vfmacc.vf v1, f0, v9", "vfmacc.vf v2, f0, v1", "vfmacc.vf v3, f0, v9")
    # Cycle 0; 5 later the result; the unit takes one a cycle.
    assert run(core, chain) == 7


def test_a_vector_waits_for_its_type_and_its_old_value(core: Core) -> None:
    assert core.vtype_latency == 2
    assert run(core, plain("vsetvli zero, a0, e32, m1, ta, ma", "vfmacc.vf v1, f0, v9")) == 3
    # Destination and source at once: the second waits for the first.
    assert run(core, plain("vfmacc.vf v1, f0, v9", "vfmacc.vf v1, f0, v8")) == 6


def test_width_bounds_what_starts_in_a_cycle(core: Core) -> None:
    alu = plain(*["addi t0, t1, 1"] * 6)
    assert (core.width, run(core, alu)) == (2, 3)
    pair = plain("vfmacc.vf v1, f0, v9", "vle32.v v2, (a0)") * 3
    assert run(core, pair) < run(dataclasses.replace(core, vector_width=1), pair)


def test_branches_that_are_not_foreseen_cost_more(core: Core) -> None:
    """A loop is foreseen to go on; at its end it goes the other way."""
    (branch,) = code("1:", "bnez t0, 1b")
    assert (branch.flow, branch.backward) == (Flow.CONDITIONAL, True)
    again = [Executed(branch, taken=True)] * 3
    assert run(core, again) == 3
    assert run(core, [*again, Executed(branch)]) == 3 + 1 + core.mispredict
    (jump,) = code("j 1f", "1:")
    assert run(core, [Executed(jump, taken=True)] * 2) == 2


def test_lines_come_one_after_the_other(core: Core) -> None:
    memory = dataclasses.replace(core.memory, read=20, latency=100, interval=10)
    levels = {Region.OPERAND: memory}
    first, second, wait = code("lw t0, 0(a0)", "lw t1, 0(a1)", "add t2, t0, t1")
    far = [
        Executed(first, Region.OPERAND, (1000,)),
        Executed(second, Region.OPERAND, (2000,)),
        Executed(wait),
    ]
    apart, alone = (dataclasses.replace(core, outstanding=count) for count in (4, 1))
    hit = core.costs["load"].latency[0]
    # The second request leaves 10 cycles after the first one, and takes 100.
    assert run(apart, far, levels) == 10 + 100 + hit + 1
    # With one request on its way at a time it waits for the first one.
    assert run(alone, far, levels) == 100 + 100 + hit + 1


def test_a_stream_runs_ahead_of_who_reads_it(core: Core) -> None:
    """Two lines make a stream; those behind them come 20 cycles apart, asked for or not."""
    memory = dataclasses.replace(core.memory, read=20, latency=100, interval=10)
    levels = {Region.OPERAND: memory}
    one = dataclasses.replace(core, confirm=2, distance=2, degree=2, fill=0)
    load, use = code("lw t0, 0(a0)", "add t2, t0, t0")
    hit = one.costs["load"].latency[0]

    def read(lines: list[int], work: int) -> float:
        """Cycles of lines that are used one after the other, with other work for each."""
        idle = plain(*["addi t1, t1, 1"] * work)
        trips = [[Executed(load, Region.OPERAND, (line,)), Executed(use), *idle] for line in lines]
        return run(one, [each for trip in trips for each in trip], levels)

    # The first two are waited for; the third was asked for when the second one was used.
    two, three, many = (read([*range(1000, 1000 + count)], 0) for count in (2, 3, 12))
    assert 2 * (100 + hit) <= two <= 2 * (100 + hit + 1)
    assert three - two < 20 + hit + 2
    # Two ahead do not hide 100 cycles, but share them.
    assert 100 / 3 <= (many - three) / 9 <= 100 / 2
    # Who has as much to do finds every line in L1.
    busy, longer = (read([*range(1000, 1000 + count)], 120) for count in (12, 13))
    assert 120 < longer - busy <= 120 + hit + 1
    # What lies beyond its reach is no stream.
    apart = read([*range(1000, 1000 + 12 * (core.reach + 1), core.reach + 1)], 120)
    assert apart > busy + 10 * 90


def test_scalar_stores_wait_for_their_data_in_a_queue(core: Core) -> None:
    slow = {Region.OPERAND: dataclasses.replace(core.memory, latency=100)}
    load, store = code("ld t0, 0(a0)", "sd t0, 0(a1)")
    lines = [1000 * number for number in range(4)]
    copies = [
        each
        for line in lines
        for each in (Executed(load, Region.OPERAND, (line,)), Executed(store))
    ]
    queued, one = (
        run(dataclasses.replace(core, store_queue=places), copies, slow) for places in (4, 1)
    )
    # With places for all nothing waits; with one the second store waits for the first one's data.
    assert queued < 50
    assert one > 100


def test_late_units_wait_longer_for_a_load(core: Core) -> None:
    load = ["vle32.v v8, (a0)"]
    eager = dataclasses.replace(core, late_units=frozenset())
    cost = core.costs["vload"]
    for use in ("vse32.v v8, (a0)", "vfmacc.vf v16, f0, v8"):
        late, early = (cycles(each, plain(*load, use), 8, {}) for each in (core, eager))
        assert late - early == cost.late_latency[3] - cost.latency[3] > 0


def test_more_streams_than_are_followed_are_forgotten(core: Core) -> None:
    memory = dataclasses.replace(core.memory, read=20, latency=100, interval=100)
    (load,) = code("lw t0, 0(a0)")

    def in_turn(streams: int) -> float:
        lines = [1000 * stream + step for step in range(8) for stream in range(streams)]
        executed = [Executed(load, Region.OPERAND, (line,)) for line in lines]
        return run(core, executed, {Region.OPERAND: memory}) / len(lines)

    assert in_turn(core.streams) < 40
    assert in_turn(core.streams + 1) > 90
