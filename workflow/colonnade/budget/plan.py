# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The choice of a pattern for every layer: least loss within a budget of time.

A multiple-choice knapsack problem, solved exactly by scipy's mixed-integer solver (HiGHS). The loss
of a network is taken as the sum of what its layers cost one by one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict
from scipy.optimize import Bounds, LinearConstraint, milp

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_record, write_json
from colonnade.config.pruning import Pattern
from colonnade.models.conv_shape import ConvShape
from colonnade.pruning.plan import LayerPlan
from colonnade.results.tables import LAYER_SENSITIVITY, LAYERS, NO_LAYER, read_table


class Budget(BaseModel):
    """A plan for a speedup: layers that it leaves out stay dense."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    speedup: float
    layers: dict[str, LayerPlan]


class Costs:
    """What each layer costs at each pattern, by the chosen schedules of `layers.csv`."""

    def __init__(self, layers: Path) -> None:
        chosen = read_table(layers, LAYERS).filter(pl.col("chosen") == 1).rows(named=True)
        self.evidence = str(chosen[0]["evidence"])
        self._rows = {(row["layer"], row["kept"]): row for row in chosen}
        # The columns of each layer's weight matrix, by layer.
        self._reduction = {row["layer"]: ConvShape.parse(row["conv"]).reduction for row in chosen}
        self.layers = list(self._reduction)

    def ms(self, layer: str, pattern: Pattern | None) -> float:
        """Time of a layer in milliseconds, modelled or measured: see `evidence`.

        Without a pattern, that of the dense layer.
        """
        return float(self._row(layer, pattern)["ms"])

    def _row(self, layer: str, pattern: Pattern | None) -> dict[str, Any]:
        k = self._reduction[layer]
        return self._rows[layer, k if pattern is None else pattern.keeps(k)]

    def total(self, plan: Mapping[str, LayerPlan]) -> tuple[float, int | None]:
        """Milliseconds and cycles of all convolutions of a network; cycles where they are known."""
        rows = [
            self._row(name, plan[name].pattern if name in plan else None) for name in self.layers
        ]
        cycles = [row["cycles"] for row in rows]
        known = all(each is not None for each in cycles)
        return sum(row["ms"] for row in rows), sum(cycles) if known else None


def write_budget(
    speedup: float,
    patterns: Sequence[tuple[Pattern, Mapping[str, int]]],
    sensitivity: Path,
    layers: Path,
    output: Path,
) -> None:
    """Choose a pattern for every layer so that all convolutions together are `speedup` times faster.

    Args:
        speedup: over the dense schedules.
        patterns: each pattern, with the profiled tiles of the layers that it may prune; the others
            stay dense with it.
        sensitivity: the table that `write_layer_sensitivity` wrote.
        layers: `layers.csv`.
        output: the JSON file to write, see `read_budget`.

    Raises:
        ColonnadeError: no choice is that fast; the fastest is named. Or no pattern prunes any layer.
    """
    costs = Costs(layers)
    harm = _harm(sensitivity)
    names = list(dict.fromkeys(name for _, tiles in patterns for name in tiles))
    if not names:
        raise ColonnadeError(
            f"budget.speedups: {speedup:g}: every layer stays dense with every pattern of"
            " pruning.patterns; allowed: patterns by which a layer gets faster"
        )
    times = np.array([[costs.ms(n, p if n in t else None) for p, t in patterns] for n in names])
    losses = np.array([[harm[n, p.label] if n in t else 0.0 for p, t in patterns] for n in names])
    dense = np.array([[costs.ms(name, None)] for name in names])
    times, losses = np.hstack([dense, times]), np.hstack([np.zeros_like(dense), losses])
    fixed = sum(costs.ms(name, None) for name in costs.layers if name not in set(names))
    slowest = fixed + float(dense.sum())
    fastest = fixed + float(times.min(axis=1).sum())
    if slowest / speedup < fastest:
        raise ColonnadeError(
            f"budget.speedups: {speedup:g}: allowed with these patterns: at most"
            f" {slowest / fastest:.3f}"
        )
    chosen = choose(losses, times, slowest / speedup - fixed)
    plan = {
        name: LayerPlan(pattern=pattern, tile=pattern.tile_for(tiles[name]))
        for name, option in zip(names, chosen, strict=True)
        if option > 0
        for pattern, tiles in [patterns[option - 1]]
        if name in tiles
    }
    write_json(output, Budget(speedup=speedup, layers=plan).model_dump(mode="json"))


def choose(
    losses: np.typing.NDArray[np.float64], times: np.typing.NDArray[np.float64], limit: float
) -> list[int]:
    """One option per layer with the least total loss within a total time of `limit`.

    `losses` and `times` are [layers, options]; at least one choice must fit.
    """
    layers, options = losses.shape
    one_each = np.kron(np.eye(layers), np.ones(options))
    found = milp(
        losses.ravel(),
        integrality=np.ones(losses.size),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(one_each, 1, 1),
            # The limit in units of itself: times are small numbers of any scale.
            LinearConstraint(times.ravel()[None] / limit, -np.inf, 1 + 1e-9),
        ],
    )
    if found.x is None:
        raise ColonnadeError(f"budget: no choice of patterns found: {found.message}")
    picked: list[int] = found.x.reshape(layers, options).argmax(axis=1).tolist()
    return picked


def _harm(sensitivity: Path) -> dict[tuple[str, str], float]:
    """How much the loss rises with one layer pruned by one pattern."""
    rows = read_table(sensitivity, LAYER_SENSITIVITY).rows(named=True)
    base = next(row["validation_loss"] for row in rows if not row["pattern"])
    return {
        (row["layer"], row["pattern"]): row["validation_loss"] - base
        for row in rows
        if row["layer"] not in (NO_LAYER, None)
    }


def read_budget(path: Path) -> Budget:
    """Read what `write_budget` wrote.

    Raises:
        ColonnadeError: a damaged file.
    """
    return read_record(path, Budget)
