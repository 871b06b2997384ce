# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Per-layer patterns: the solver against all choices, and the stages on a tiny network."""

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colonnade.budget.front import judge, write_front
from colonnade.budget.layer_sensitivity import write_layer_sensitivity
from colonnade.budget.plan import choose, read_budget, write_budget
from colonnade.common.errors import ColonnadeError
from colonnade.config.data import ImageNetConfig
from colonnade.config.pruning import Pattern
from colonnade.config.training import TrainingConfig
from colonnade.evaluation.runs import Network
from colonnade.results.tables import LAYER_SENSITIVITY, LAYERS, PARETO, read_table, write_table

HALF, QUARTER = Pattern(m="full", sparsity=0.5), Pattern(m="full", sparsity=0.75)
TILES = {"layer1.0.conv1": 8, "layer4.1.conv2": 16}
PATTERNS = [(HALF, TILES), (QUARTER, TILES)]
# Milliseconds dense, at 50% and at 75%; the stem stays dense.
TIMES = {"conv1": (10, 10, 10), "layer1.0.conv1": (40, 22, 13), "layer4.1.conv2": (50, 28, 20)}


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda layers: st.tuples(
            st.lists(
                st.lists(st.integers(-3, 20), min_size=3, max_size=3),
                min_size=layers,
                max_size=layers,
            ),
            st.lists(
                st.lists(st.integers(1, 30), min_size=3, max_size=3),
                min_size=layers,
                max_size=layers,
            ),
            st.floats(0, 1),
        )
    )
)
def test_the_choice_is_the_best_of_all(
    case: tuple[list[list[int]], list[list[int]], float],
) -> None:
    losses, times = (np.array(part, dtype=np.float64) for part in case[:2])
    fastest, slowest = times.min(axis=1).sum(), times.max(axis=1).sum()
    limit = fastest + case[2] * (slowest - fastest)
    chosen = choose(losses, times, limit)
    rows = range(len(losses))
    assert times[rows, chosen].sum() <= limit * (1 + 1e-6)
    best = min(
        losses[rows, option].sum()
        for option in itertools.product(range(3), repeat=len(losses))
        if times[rows, option].sum() <= limit * (1 + 1e-12)
    )
    assert losses[rows, chosen].sum() == pytest.approx(best, abs=1e-6)


def _layers(path: Path) -> Path:
    rows = [
        {
            "model": "resnet18",
            "layer": layer,
            "conv": "n1c64h56w56-o64-k3x3-s1-p1-d1",
            "target": "x60",
            "algorithm": "packed",
            "tile": 8,
            "lmul": 1,
            "sparsity": sparsity,
            "cycles": 1000 * ms * scale,
            "ms": float(ms * scale),
            "mac_per_cycle": 1.0,
            "evidence": "modelled",
            "chosen": int(scale == 1),
            "panels": 1,
            "kc_splits": 1,
            "m": "full" if sparsity == 0 else "4",
            "kept": round(576 * (1 - sparsity)),
        }
        for layer, times in TIMES.items()
        for sparsity, ms in zip((0.0, 0.5, 0.75), times, strict=True)
        for scale in (1, 2)
    ]
    write_table(path, LAYERS, rows)
    return path


def _sensitivity(path: Path) -> Path:
    """The first layer minds nothing, the second one minds 75%."""
    losses = {
        None: 1.0,
        ("layer1.0.conv1", HALF.label): 1.0,
        ("layer1.0.conv1", QUARTER.label): 1.01,
    }
    losses |= {("layer4.1.conv2", HALF.label): 1.05, ("layer4.1.conv2", QUARTER.label): 2.0}
    rows = [
        {
            "layer": "" if key is None else key[0],
            "pattern": None if key is None else key[1],
            "validation_loss": loss,
            "validation_top1": 90.0,
        }
        for key, loss in losses.items()
    ]
    write_table(path, LAYER_SENSITIVITY, rows)
    return path


@pytest.mark.parametrize(
    ("speedup", "expected"),
    [
        # 100 ms dense. Without pressure nothing that costs loss is pruned.
        (1.2, {"layer1.0.conv1": HALF}),
        (1.9, {"layer1.0.conv1": QUARTER, "layer4.1.conv2": HALF}),
        (2.3, {"layer1.0.conv1": QUARTER, "layer4.1.conv2": QUARTER}),
    ],
)
def test_patterns_follow_sensitivity_and_cost(
    speedup: float, expected: dict[str, Pattern], tmp_path: Path
) -> None:
    output = tmp_path / "budget.json"
    sensitivity, layers = _sensitivity(tmp_path / "s.csv"), _layers(tmp_path / "l.csv")
    write_budget(speedup, PATTERNS, sensitivity, layers, output)
    found = read_budget(output)
    assert {name: layer.pattern for name, layer in found.layers.items()} == expected
    assert all(layer.tile == TILES[name] for name, layer in found.layers.items())


def test_a_layer_that_a_pattern_leaves_dense_is_not_pruned_by_it(tmp_path: Path) -> None:
    """It has no tile, no chosen schedule and no sensitivity at that sparsity."""
    sensitivity, layers = _sensitivity(tmp_path / "s.csv"), _layers(tmp_path / "l.csv")
    name = "layer4.1.conv2"
    for path, schema, column, value in (
        (layers, LAYERS, "sparsity", 0.75),
        (sensitivity, LAYER_SENSITIVITY, "pattern", QUARTER.label),
    ):
        table = read_table(path, schema)
        kept = table.filter(~((pl.col("layer") == name) & (pl.col(column).eq_missing(value))))
        write_table(path, schema, kept.rows(named=True))
    patterns = [
        (pattern, {key: tile for key, tile in tiles.items() if (key, pattern) != (name, QUARTER)})
        for pattern, tiles in PATTERNS
    ]
    write_budget(1.9, patterns, sensitivity, layers, tmp_path / "out.json")
    found = {key: layer.pattern for key, layer in read_budget(tmp_path / "out.json").layers.items()}
    assert found == {"layer1.0.conv1": QUARTER, name: HALF}


def test_too_fast_is_refused_with_what_is_possible(tmp_path: Path) -> None:
    sensitivity, layers = _sensitivity(tmp_path / "s.csv"), _layers(tmp_path / "l.csv")
    with pytest.raises(ColonnadeError, match=r"budget.speedups: 2\.4: .* at most 2\.326"):
        write_budget(2.4, PATTERNS, sensitivity, layers, tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("patterns", [[], [(HALF, {}), (QUARTER, {})]], ids=["none", "dense"])
def test_a_network_whose_layers_all_stay_dense_is_told_so(
    tmp_path: Path, patterns: list[tuple[Pattern, dict[str, int]]]
) -> None:
    sensitivity, layers = _sensitivity(tmp_path / "s.csv"), _layers(tmp_path / "l.csv")
    with pytest.raises(
        ColonnadeError, match=r"budget.speedups: 1\.5: every layer stays dense with"
    ):
        write_budget(1.5, patterns, sensitivity, layers, tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_sensitivity_prunes_one_layer_at_a_time(
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path: Path,
) -> None:
    table = tmp_path / "sensitivity.csv"
    # 4:4 prunes nothing: its loss must be the dense one's after other layers were tried.
    everything = Pattern(n=4, m=4)
    patterns = [(QUARTER, TILES), (everything, TILES)]
    write_layer_sensitivity(dense_checkpoint, patterns, folder_data, tiny_training, table)
    rows = read_table(table, LAYER_SENSITIVITY).rows(named=True)
    assert [row["pattern"] for row in rows] == [None, *["full0.75"] * 2, *["4of4"] * 2]
    assert [row["layer"] for row in rows[1:]] == [*TILES, *TILES]
    assert rows[3]["validation_loss"] == rows[4]["validation_loss"] == rows[0]["validation_loss"]
    assert rows[1]["validation_loss"] != rows[0]["validation_loss"]


def test_the_front_is_that_of_top1_and_time() -> None:
    points = {"dense": (90, 100), "a": (90.5, 60), "b": (88, 40), "c": (87, 70), "d": (89.5, 50)}
    rows = [
        {"network": name, "validation_top1": top, "conv_ms": ms}
        for name, (top, ms) in points.items()
    ]
    judged = {row["network"]: row for row in judge(rows, allowed_drop_points=1)}
    assert [name for name, row in judged.items() if row["on_front"]] == ["a", "b", "d"]
    assert [name for name, row in judged.items() if row["chosen"]] == ["d"]
    assert judged["a"]["drop_points"] == -0.5
    assert judged["b"]["conv_speedup"] == 2.5


def test_networks_are_compared_by_their_checkpoints(
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path: Path,
) -> None:
    table, figure = tmp_path / "pareto.csv", tmp_path / "pareto.svg"
    networks = [(Network("dense", "dense"), dense_checkpoint)]
    write_front(networks, _layers(tmp_path / "l.csv"), folder_data, tiny_training, 1, table, figure)
    row = read_table(table, PARETO).row(0, named=True)
    assert (row["conv_cycles"], row["conv_ms"], row["evidence"]) == (100_000, 100.0, "modelled")
    assert (row["on_front"], row["chosen"], row["sparsity"]) == (1, 1, 0.0)
    text = figure.read_text()
    assert "million cycles of all convolutions, modelled" in text
    assert "dense 1.00x (chosen)" in text
