# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Kernel calls whose lines come from several levels at once."""

from collections.abc import Sequence
from itertools import product

from colonnade.tuning.core import LMULS
from colonnade.tuning.cost_model.calls import CallCost, Kernel, Lines
from colonnade.tuning.cost_model.memory import Found, Source
from colonnade.tuning.cost_model.simulations import Simulations
from colonnade.tuning.cost_model.work import Work

# Cycles around a kernel call.
CALL = 40


def mean_call(
    simulations: Simulations,
    work: Work,
    rows: int,
    lmul: int,
    weights: Found,
    operand: Sequence[Source],
    results: Found,
) -> CallCost:
    """Mean cost of kernel calls for `rows` rows over where their lines are found."""
    core = work.core
    kernel = Kernel(rows, lmul, work.conv.residual, work.vector_lines, work.apart)
    first = panel = column = 0.0
    for (share, held), source in product(weights.levels(core), operand):
        levels = Lines(held, source.usual, source.rare, core.l1)
        cost = simulations.call(kernel, levels)
        first += share * source.share * cost.first
        panel += share * source.share * cost.panel
        column += share * source.share * cost.column
    for share, held in results.levels(core):
        if held != core.l1:
            near, far = (
                simulations.call(kernel, Lines(core.l1, core.l1, core.l1, level)).panel
                for level in (core.l1, held)
            )
            panel += share * (far - near)
    return CallCost(first, panel, column)


def short_lmul(work: Work, positions: int) -> int:
    """The smallest LMUL that holds so many positions, fewer than a panel's."""
    enough = (each for each in LMULS if each * work.core.lanes >= positions)
    return min(enough, default=work.candidate.lmul)
