# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The tile curve: top-1 of the study against T and M, with the time of all convolutions beside it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from colonnade.common.files import write_text
from colonnade.config.pruning import Pattern
from colonnade.config.study import PAPER
from colonnade.models.conv_shape import ConvShape
from colonnade.report.accuracy import tile_figure
from colonnade.results.tables import LAYERS, STUDY_SUMMARY, TILE_CURVE, read_table, write_table
from colonnade.study.runs import StudyRun

Row = dict[str, Any]


class Times:
    """What each layer takes with each tile, by all candidates of `layers.csv`."""

    def __init__(self, layers: Path, pruned: Iterable[str]) -> None:
        rows = read_table(layers, LAYERS).rows(named=True)
        self.target = str(rows[0]["target"])
        self.evidence = str(rows[0]["evidence"])
        self._pruned = set(pruned)
        self._reduction = {row["layer"]: ConvShape.parse(row["conv"]).reduction for row in rows}
        # Of each layer, number of kept columns and tile (None: any) the fastest.
        self._fastest: dict[tuple[str, int, int | None], Row] = {}
        for row in rows:
            for tile in (row["tile"], None):
                key = (row["layer"], row["kept"], tile)
                if key not in self._fastest or row["ms"] < self._fastest[key]["ms"]:
                    self._fastest[key] = row

    @property
    def dense_ms(self) -> float:
        """Milliseconds of all convolutions, none of them pruned."""
        return sum(float(self._fastest[name, k, None]["ms"]) for name, k in self._reduction.items())

    def of(self, pattern: Pattern) -> list[Row] | None:
        """The candidate of every layer under `pattern`, pruned ones first; None where one was not run.

        With a tile that is not fixed the fastest, be it the dense one.
        """
        found = []
        for name, k in self._reduction.items():
            kept = pattern.keeps(k) if name in self._pruned else k
            tile = pattern.tile if name in self._pruned else None
            if (name, kept, tile) not in self._fastest:
                return None
            found.append(self._fastest[name, kept, tile])
        return sorted(found, key=lambda row: row["layer"] not in self._pruned)

    def columns(self, pattern: Pattern) -> Row:
        """Columns of the table: the time of all convolutions, and with which LMUL pruned ones run."""
        rows = self.of(pattern)
        if rows is None:
            return dict.fromkeys(("lmuls", "conv_cycles", "conv_ms", "conv_speedup"))
        cycles = [row["cycles"] for row in rows]
        ms = sum(row["ms"] for row in rows)
        lmuls = {row["lmul"] for row in rows if row["layer"] in self._pruned}
        return {
            "lmuls": " ".join(map(str, sorted(lmuls))),
            "conv_cycles": None if None in cycles else sum(cycles),
            "conv_ms": ms,
            "conv_speedup": self.dense_ms / ms,
        }


def write_tile_curve(
    runs: Sequence[StudyRun],
    pruned: Iterable[str],
    summary: Path,
    layers: Path,
    table: Path,
    figure: Path,
) -> None:
    """Write `tile_curve.csv` and its figure: column-wise runs of the study by the paper's recipe.

    Args:
        runs: all of the study.
        pruned: the layers that they prune.
        summary: `study_summary.csv`.
        layers: `layers.csv`, for the times.
        table: the file to write.
        figure: its figure.

    Raises:
        ColonnadeError: a table is missing or damaged.
    """
    times = Times(layers, pruned)
    patterns = _patterns(runs)
    copied = [name for name in TILE_CURVE if name in STUDY_SUMMARY]
    rows = []
    for row in read_table(summary, STUDY_SUMMARY).rows(named=True):
        pattern = patterns.get(_key(row))
        if pattern is not None:
            beside = {"target": times.target, "evidence": times.evidence}
            rows.append(
                {**{name: row[name] for name in copied}, **beside, **times.columns(pattern)}
            )
    write_table(table, TILE_CURVE, rows)
    write_text(figure, tile_figure(pl.DataFrame(rows, schema=dict(TILE_CURVE))))


def _patterns(runs: Iterable[StudyRun]) -> dict[tuple[Any, ...], Pattern]:
    """Column-wise patterns of the paper's recipe, by what rows say of them."""
    return {
        _key(run.columns()): run.pattern
        for run in runs
        if run.pattern is not None
        and run.pattern.method == "column-wise"
        and run.recipe_name == PAPER
    }


def _key(columns: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(columns[name] for name in ("method", "m", "tile", "sparsity", "recipe"))
