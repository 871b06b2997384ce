# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The choice of a pattern and a tile for every layer: least loss within a budget of time.

A multiple-choice knapsack problem, solved exactly by scipy's mixed-integer solver (HiGHS). The loss
of a network is taken as the sum of what its layers cost one by one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict
from scipy.optimize import Bounds, LinearConstraint, milp

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, read_record, write_json
from colonnade.config.pruning import Pattern
from colonnade.models.conv_shape import ConvShape
from colonnade.pruning.plan import LayerPlan, is_tiled
from colonnade.results.records import PackagedSchedule, TileOption, TunedSchedules
from colonnade.results.tables import LAYER_SENSITIVITY, LAYERS, NO_LAYER, read_table
from colonnade.tuning.choice import schedule_key, scheduled


class Budget(BaseModel):
    """A plan for a speedup: layers that it leaves out stay dense."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    speedup: float
    layers: dict[str, LayerPlan]


class Costs:
    """What each layer costs dense, by the chosen schedule of `layers.csv`, and pruned in each tile."""

    def __init__(self, layers: Path, options: Sequence[Path]) -> None:
        """Read what tuning chose, and the `TileOption`s of all convolutions.

        Raises:
            ColonnadeError: a file is missing or damaged.
        """
        dense: dict[str, dict[str, Any]] = {
            row["layer"]: row
            for row in read_table(layers, LAYERS).filter(pl.col("chosen") == 1).rows(named=True)
            if row["kept"] == ConvShape.parse(row["conv"]).reduction
        }
        self._dense = dense
        self._options = {
            (path.stem, option["kept"], option["tile"]): option
            for path in options
            for option in read_json(path, list[TileOption])
        }
        self.layers = list(dense)

    def conv(self, layer: str) -> str:
        """The convolution of a layer."""
        return str(self._dense[layer]["conv"])

    def kept(self, layer: str, pattern: Pattern) -> int:
        """Columns that a layer keeps."""
        return pattern.keeps(ConvShape.parse(self.conv(layer)).reduction)

    def tiles(self, layer: str, pattern: Pattern) -> list[int]:
        """Tiles that a layer may have, the pattern's own if it has one; none where it stays dense."""
        conv, kept = self.conv(layer), self.kept(layer, pattern)
        found = {tile for name, k, tile in self._options if (name, k) == (conv, kept)}
        return (
            sorted({pattern.tile_for(tile) for tile in found} & found) if is_tiled(pattern) else []
        )

    def ms(self, layer: str, plan: LayerPlan | None) -> float:
        """Time of a layer in milliseconds, modelled or measured as `layers.csv` says.

        Without a plan, that of the dense layer.
        """
        return float(self._row(layer, plan)["ms"])

    def schedule(self, layer: str, plan: LayerPlan) -> PackagedSchedule:
        """The fastest schedule of a pruned layer."""
        return scheduled(self._row(layer, plan))

    def _row(self, layer: str, plan: LayerPlan | None) -> Mapping[str, Any]:
        # Masks of convolutions with groups, and of single weights, no kernel makes use of.
        if plan is None or not self.tiles(layer, plan.pattern):
            return self._dense[layer]
        option: Mapping[str, Any] = self._options[
            self.conv(layer), self.kept(layer, plan.pattern), plan.tile
        ]
        return option

    def total(self, plan: Mapping[str, LayerPlan]) -> tuple[float, int | None]:
        """Milliseconds and cycles of all convolutions of a network; cycles where they are known."""
        rows = [self._row(name, plan.get(name)) for name in self.layers]
        cycles = [row["cycles"] for row in rows]
        known = all(each is not None for each in cycles)
        return sum(row["ms"] for row in rows), sum(cycles) if known else None


@dataclass(frozen=True)
class Choice:
    """What a layer may be: `plan`, None for dense, what that costs, and what schedule it needs.

    Layers of one convolution that keep equally many columns, `search`, have one schedule, and one tile.
    """

    plan: LayerPlan | None
    loss: float
    ms: float
    search: tuple[str, int] | None


def write_budget(
    speedup: float,
    patterns: Sequence[tuple[Pattern, Mapping[str, int]]],
    sensitivity: Path,
    costs: Costs,
    schedules: Path,
    output: Path,
    output_schedules: Path,
) -> None:
    """Choose pattern and tile of every layer: all convolutions together are `speedup` times faster.

    Args:
        speedup: over the dense schedules.
        patterns: each pattern, with the profiled tiles of the layers that it may prune; the others
            stay dense with it.
        sensitivity: the table that `write_layer_sensitivity` wrote.
        costs: of the layers, in all their tiles.
        schedules: what the configuration was tuned to, by which dense layers and tuned tiles run.
        output: the JSON file to write, see `read_budget`.
        output_schedules: the schedules to write that run this network.

    Raises:
        ColonnadeError: no choice is that fast; the fastest is named. Or no pattern prunes any layer.
    """
    harm = _harm(sensitivity)
    names = list(dict.fromkeys(name for _, tiles in patterns for name in tiles))
    if not names:
        raise ColonnadeError(
            f"budget.speedups: {speedup:g}: every layer stays dense with every pattern of"
            " pruning.patterns; allowed: patterns by which a layer gets faster"
        )
    choices = [list(_choices(name, patterns, harm, costs)) for name in names]
    fixed = sum(costs.ms(name, None) for name in costs.layers if name not in set(names))
    slowest = fixed + sum(costs.ms(name, None) for name in names)
    # The fastest of all have tiles that layers of one convolution share.
    fastest = fixed + sum(min(each.ms for each in some) for some in choices)
    if slowest / speedup < fastest:
        raise ColonnadeError(
            f"budget.speedups: {speedup:g}: allowed with these patterns: at most"
            f" {slowest / fastest:.3f}"
        )
    chosen = choose(choices, slowest / speedup - fixed)
    plan = {name: each.plan for name, each in zip(names, chosen, strict=True) if each.plan}
    write_json(output, Budget(speedup=speedup, layers=plan).model_dump(mode="json"))
    _write_schedules(plan, costs, read_json(schedules, TunedSchedules), output_schedules)


def _choices(
    name: str,
    patterns: Sequence[tuple[Pattern, Mapping[str, int]]],
    harm: Mapping[tuple[str, str, int], float],
    costs: Costs,
) -> Iterator[Choice]:
    yield Choice(None, 0.0, costs.ms(name, None), None)
    for pattern, tiles in patterns:
        for tile in costs.tiles(name, pattern) if name in tiles else ():
            plan = LayerPlan(pattern=pattern, tile=tile)
            search = costs.conv(name), costs.kept(name, pattern)
            yield Choice(plan, harm[name, pattern.label, tile], costs.ms(name, plan), search)


def _write_schedules(
    plan: Mapping[str, LayerPlan], costs: Costs, tuned: TunedSchedules, output: Path
) -> None:
    """Write schedules of a plan: its own, and those of the dense layers."""
    convs: dict[str, PackagedSchedule] = {}
    for name in costs.layers:
        conv = ConvShape.parse(costs.conv(name))
        key = schedule_key(conv, conv.reduction)
        convs |= {
            k: each for k, each in tuned["convs"].items() if k.split("|")[:2] == key.split("|")
        }
        if name in plan:
            key = schedule_key(conv, costs.kept(name, plan[name].pattern))
            known = tuned["convs"].get(key)
            # What was tuned, and maybe refined in whole networks, where it has that tile.
            same = known is not None and known["tile"] == plan[name].tile
            convs[key] = known if known and same else costs.schedule(name, plan[name])
    write_json(output, {**tuned, "convs": convs, "stays_dense": []})


def choose(choices: Sequence[Sequence[Choice]], limit: float) -> list[Choice]:
    """One choice per layer with the least total loss within a total time of `limit`.

    Layers whose choices have one `search` get one tile. At least one selection must fit.
    """
    flat = [each for some in choices for each in some]
    tiles = list(dict.fromkeys((c.search, c.plan.tile) for c in flat if c.plan and c.search))
    searches = list(dict.fromkeys(search for search, _ in tiles))
    # A variable for each choice, then one for each tile of a search: whether a layer may have it.
    one_each = np.zeros((len(choices), len(flat) + len(tiles)))
    allowed = np.zeros((len(flat), len(flat) + len(tiles)))
    one_tile = np.zeros((len(searches), len(flat) + len(tiles)))
    layer_of = [layer for layer, some in enumerate(choices) for _ in some]
    for place, (layer, each) in enumerate(zip(layer_of, flat, strict=True)):
        one_each[layer, place] = 1
        if each.plan and each.search:
            allowed[place, place] = 1
            allowed[place, len(flat) + tiles.index((each.search, each.plan.tile))] = -1
    for place, (search, _) in enumerate(tiles):
        one_tile[searches.index(search), len(flat) + place] = 1
    rest = np.zeros(len(tiles))
    times = np.concatenate([[each.ms for each in flat], rest])
    constraints = [
        LinearConstraint(one_each, 1, 1),
        LinearConstraint(allowed, -np.inf, 0),
        # The limit in units of itself: times are small numbers of any scale.
        LinearConstraint(times[None] / limit, -np.inf, 1 + 1e-9),
    ]
    if searches:
        constraints.append(LinearConstraint(one_tile, -np.inf, 1))
    found = milp(
        np.concatenate([[each.loss for each in flat], rest]),
        integrality=np.ones(len(flat) + len(tiles)),
        bounds=Bounds(0, 1),
        constraints=constraints,
    )
    if found.x is None:
        raise ColonnadeError(f"budget: no choice of patterns found: {found.message}")
    return [each for each, taken in zip(flat, found.x[: len(flat)], strict=True) if taken > 0.5]


def _harm(sensitivity: Path) -> dict[tuple[str, str, int], float]:
    """How much the loss rises with one layer pruned by one pattern, in tiles of one size."""
    rows = read_table(sensitivity, LAYER_SENSITIVITY).rows(named=True)
    base = next(row["validation_loss"] for row in rows if not row["pattern"])
    return {
        (row["layer"], row["pattern"], row["tile"]): row["validation_loss"] - base
        for row in rows
        if row["layer"] not in (NO_LAYER, None)
    }


def read_budget(path: Path) -> Budget:
    """Read what `write_budget` wrote.

    Raises:
        ColonnadeError: a damaged file.
    """
    return read_record(path, Budget)
