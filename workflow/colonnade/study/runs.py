# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The matrix of the study: which networks are trained and judged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from colonnade.config.pruning import Pattern, Recipe
from colonnade.config.study import GROUPS, PAPER, StudyConfig
from colonnade.pruning.plan import LayerPlan, uniform_plan

START = "start"
DENSE = "dense"


@dataclass(frozen=True)
class StudyRun:
    """One row of the matrix, trained once per seed; without a pattern the dense network.

    Recipe `start` is that of the dense networks from which all others start: nothing on top.
    """

    pattern: Pattern | None
    recipe_name: str
    recipe: Recipe

    @property
    def label(self) -> str:
        """Its name in files."""
        if self.pattern is None:
            return START if self.recipe_name == START else DENSE
        return self.pattern.label + ("" if self.recipe_name == PAPER else f"-{self.recipe_name}")

    def plan(self, tiles: Mapping[str, int]) -> dict[str, LayerPlan]:
        """The layers to prune; `tiles` are the profiled ones."""
        return {} if self.pattern is None else uniform_plan(self.pattern, tiles)

    def columns(self) -> dict[str, Any]:
        """Columns of the study's table that say what the run is."""
        pattern = self.pattern
        if pattern is None:
            method: dict[str, Any] = {"method": DENSE, "n": None, "m": None, "tile": None}
        else:
            kept = 1 - pattern.sparsity if pattern.n is None else pattern.n
            free = pattern.method == "column-wise" and pattern.tile is None
            tile = "profiled" if free else str(pattern.tile_for(1))
            method = {
                "method": pattern.method,
                "n": float(kept),
                "m": str(pattern.m),
                "tile": tile,
            }
        return {
            **method,
            "sparsity": 0.0 if pattern is None else pattern.sparsity,
            "recipe": self.recipe_name,
            "score": self.recipe.score,
        }


class Evaluated(NamedTuple):
    """A network of the study: its run, its seed, and the file its evaluation goes to."""

    run: StudyRun
    seed: int
    report: Path


def study_runs(config: StudyConfig) -> dict[str, StudyRun]:
    """All runs by label, the dense ones first."""
    paper = Recipe()
    runs = [StudyRun(None, PAPER, paper), StudyRun(None, START, paper)]
    for sparsity in config.sparsities:
        ours = Pattern(m="full", sparsity=sparsity)
        patterns = [
            ours,
            *(ours.model_copy(update={"tile": tile}) for tile in config.tiles),
            *_column_wise(sparsity, config),
        ]
        if config.methods_at is None or sparsity in config.methods_at:
            patterns += [
                _row_wise(sparsity),
                Pattern(method="unstructured", m="full", sparsity=sparsity),
                Pattern(method="filters", m="full", sparsity=sparsity),
            ]
        runs += [StudyRun(pattern, PAPER, paper) for pattern in patterns]
        runs += [
            StudyRun(ours, name, recipe)
            for name, recipe in config.recipes.items()
            if sparsity == config.recipe_sparsity or name in config.everywhere
        ]
    return {run.label: run for run in runs}


def _column_wise(sparsity: float, config: StudyConfig) -> Iterator[Pattern]:
    """Column-wise N:M of this sparsity, for every M of which N is a whole number."""
    for m in config.groups:
        if (n := (1 - sparsity) * m) == int(n):
            for tile in config.tiles:
                yield Pattern.model_validate({"n": int(n), "m": m, "tile": tile})


def _row_wise(sparsity: float) -> Pattern:
    """Row-wise N:M of this sparsity with the smallest M, as hardware has it."""
    m = next(m for m in GROUPS if (1 - sparsity) * m == int((1 - sparsity) * m))
    return Pattern.model_validate({"method": "row-wise", "n": int((1 - sparsity) * m), "m": m})
