# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Times of the tile curve are sums of what was run with that tile, and are beside the right top-1."""

from pathlib import Path
from typing import Any

import pytest

from colonnade.config.pruning import Pattern, Recipe
from colonnade.config.study import StudyConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.results.tables import (
    LAYERS,
    STUDY_SUMMARY,
    TILE_CURVE,
    read_table,
    write_table,
)
from colonnade.study.runs import study_runs
from colonnade.study.tile_curve import Times, write_tile_curve

# K is 27 in the first layer, which stays dense, and 576 in the others.
CONVS = {
    "conv1": "n1c3h8w8-o16-k3x3-s1-p1-d1",
    "a": "n1c64h8w8-o64-k3x3-s1-p1-d1",
    "b": "n1c64h8w8-o64-k3x3-s1-p1-d1",
}
STUDY = StudyConfig(
    seeds=(1,),
    sparsities=(0.5, 0.75),
    tiles=(2, 4, 8),
    groups=(2, 4),
    recipes={"permuted": Recipe(permute=True)},
)


def _layer(name: str, kept: int, tile: int, lmul: int, ms: float) -> dict[str, Any]:
    conv = ConvShape.parse(CONVS[name])
    return {
        **{"model": "resnet18", "layer": name, "conv": str(conv), "target": "x60"},
        **{"algorithm": "direct", "tile": tile, "lmul": lmul, "sparsity": 0.0, "kept": kept},
        **{"cycles": int(1000 * ms), "ms": ms, "mac_per_cycle": 1.0, "evidence": "modelled"},
        **{"chosen": 0, "panels": 4, "kc_splits": 1, "m": "full"},
    }


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    """Dense takes 1 + 10 + 10 ms. At a half, T of 2 and 4 were run; at a quarter layer b lacks 2."""
    rows = [_layer("conv1", 27, 8, 2, 1.0)]
    for name in ("a", "b"):
        rows += [_layer(name, 576, 8, 2, 10.0), _layer(name, 576, 4, 4, 12.0)]
        rows += [_layer(name, 288, 2, 8, 7.0), _layer(name, 288, 4, 4, 5.0)]
        rows += [_layer(name, 288, 4, 2, 6.0), _layer(name, 144, 4, 4, 3.0)]
    rows.append(_layer("a", 144, 2, 8, 4.0))
    write_table(tmp_path / "layers.csv", LAYERS, rows)
    return tmp_path / "layers.csv"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"m": "full", "sparsity": 0.5, "tile": 4}, (1 + 5 + 5, "4")),
        ({"m": "full", "sparsity": 0.5, "tile": 2}, (1 + 7 + 7, "8")),
        ({"n": 2, "m": 4, "tile": 4}, (1 + 5 + 5, "4")),
        ({"m": "full", "sparsity": 0.5}, (1 + 5 + 5, "4")),
        ({"m": "full", "sparsity": 0.75, "tile": 4}, (1 + 3 + 3, "4")),
        # Not run by all layers: with this tile, or at this sparsity.
        ({"m": "full", "sparsity": 0.75, "tile": 2}, None),
        ({"m": "full", "sparsity": 0.5, "tile": 8}, None),
        ({"m": "full", "sparsity": 0.875, "tile": 4}, None),
    ],
    ids=str,
)
def test_times_are_of_the_fastest_schedules_with_the_tile(
    layers: Path, pattern: dict[str, Any], expected: tuple[float, str] | None
) -> None:
    found = Times(layers, ["a", "b"]).columns(Pattern.model_validate(pattern))
    if expected is None:
        assert set(found.values()) == {None}
        return
    ms, lmuls = expected
    assert found["conv_ms"] == pytest.approx(ms)
    assert found["conv_cycles"] == 1000 * ms
    assert found["conv_speedup"] == pytest.approx(21 / ms)
    assert found["lmuls"] == lmuls


def _summary(folder: Path) -> Path:
    rows = [
        {
            **{"model": "resnet18", "dataset": "textures", "seeds": 1, "top1_mean": float(index)},
            **{"validation_top1_mean": 0.0, "drop_mean": 1.0, "control_drop_points": 0.1},
            **{"control": "holds", "top1_interval": None, "drop_interval": None, **run.columns()},
        }
        for index, run in enumerate(study_runs(STUDY).values())
    ]
    write_table(folder / "summary.csv", STUDY_SUMMARY, rows)
    return folder / "summary.csv"


def test_rows_are_the_column_wise_runs_of_the_papers_recipe(layers: Path, tmp_path: Path) -> None:
    runs = study_runs(STUDY)
    table, figure = tmp_path / "tile_curve.csv", tmp_path / "figure.svg"
    write_tile_curve(list(runs.values()), ["a", "b"], _summary(tmp_path), layers, table, figure)
    rows = read_table(table, TILE_CURVE).rows(named=True)
    # M of 2 has no N at 75%.
    assert [(row["sparsity"], row["m"], row["tile"]) for row in rows] == [
        *[(0.5, "full", tile) for tile in ("profiled", "2", "4", "8")],
        *[(0.5, m, tile) for m in ("2", "4") for tile in ("2", "4", "8")],
        *[(0.75, "full", tile) for tile in ("profiled", "2", "4", "8")],
        *[(0.75, "4", tile) for tile in ("2", "4", "8")],
    ]
    labels = list(runs)
    for row, label in (
        (rows[1], "full0.5-t2"),
        (rows[5], "1of2-t4"),
        (rows[-1], "1of4-t8"),
        (rows[10], "full0.75"),
    ):
        assert row["top1_mean"] == labels.index(label)
    assert rows[1]["conv_ms"] == pytest.approx(15)
    assert rows[11]["conv_ms"] is None
    text = figure.read_text()
    for said in ("50.0% pruned", "75.0% pruned", "M full", "M 4", "ms of all convolutions"):
        assert said in text


def test_a_study_without_column_wise_runs_has_an_empty_curve(layers: Path, tmp_path: Path) -> None:
    table, figure = tmp_path / "tile_curve.csv", tmp_path / "figure.svg"
    write_tile_curve([], [], _summary(tmp_path), layers, table, figure)
    assert read_table(table, TILE_CURVE).is_empty()
    assert figure.read_text().startswith("<svg")


def test_the_overlay_has_the_whole_grid() -> None:
    tiles, groups = (1, 2, 4, 8, 16, 30), (4, 8, 16, 32)
    config = StudyConfig(
        sparsities=(0.25, 0.5, 0.75, 0.875), tiles=tiles, groups=groups, recipes={}
    )
    patterns = [run.pattern for run in study_runs(config).values() if run.pattern is not None]
    grid = {(p.sparsity, p.m, p.tile) for p in patterns if p.method == "column-wise" and p.tile}
    assert grid == {
        (sparsity, m, tile)
        for sparsity in config.sparsities
        for m in (*groups, "full")
        for tile in tiles
        # An eighth of four is no number.
        if (sparsity, m) != (0.875, 4)
    }
