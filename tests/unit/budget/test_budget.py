# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Per-layer patterns: the solver against all choices, and the stages on a tiny network."""

import itertools
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from colonnade.budget.front import judge, write_front
from colonnade.budget.layer_sensitivity import write_layer_sensitivity
from colonnade.budget.plan import Choice, Costs, choose, read_budget, write_budget
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, sha256_file, write_json
from colonnade.config.data import ImageNetConfig
from colonnade.config.pruning import Pattern
from colonnade.config.training import TrainingConfig
from colonnade.evaluation.runs import Network
from colonnade.models.conv_shape import ConvShape
from colonnade.pruning.plan import LayerPlan
from colonnade.results.records import TunedSchedules
from colonnade.results.tables import LAYER_SENSITIVITY, LAYERS, PARETO, read_table, write_table

HALF, QUARTER = Pattern(m="full", sparsity=0.5), Pattern(m="full", sparsity=0.75)
TILES = {"layer1.0.conv1": 8, "layer4.1.conv2": 16}
PATTERNS = [(HALF, TILES), (QUARTER, TILES)]
CONVS = {
    "conv1": "n1c3h224w224-o64-k7x7-s2-p3-d1",
    "layer1.0.conv1": "n1c64h56w56-o64-k3x3-s1-p1-d1",
    "layer4.1.conv2": "n1c64h14w14-o64-k3x3-s1-p1-d1",
}
# Milliseconds dense, at 50% and at 75%, in the tuned tiles and in tiles of 4; the stem stays dense.
TIMES = {"conv1": 10, "layer1.0.conv1": 40, "layer4.1.conv2": 50}
PRUNED = {
    ("layer1.0.conv1", 0.5): {8: 22, 4: 25},
    ("layer1.0.conv1", 0.75): {8: 13, 4: 15},
    ("layer4.1.conv2", 0.5): {16: 28, 4: 40},
    ("layer4.1.conv2", 0.75): {16: 20, 4: 25},
}
# How much the loss rises. The first layer minds nothing in small tiles.
HARM = {
    ("layer1.0.conv1", HALF, 8): 0.0,
    ("layer1.0.conv1", HALF, 4): 0.0,
    ("layer1.0.conv1", QUARTER, 8): 0.01,
    ("layer1.0.conv1", QUARTER, 4): 0.0,
    ("layer4.1.conv2", HALF, 16): 0.05,
    ("layer4.1.conv2", HALF, 4): 0.01,
    ("layer4.1.conv2", QUARTER, 16): 1.0,
    ("layer4.1.conv2", QUARTER, 4): 0.5,
}
OTHERS = {"algorithm": "packed", "lmul": 1, "panels": 1, "kc_splits": 1}
COLUMNS = 576


def drawn_choices(rng: random.Random) -> list[list[Choice]]:
    """Of up to four layers, of up to two convolutions, each dense or by two patterns in two tiles."""
    layers = []
    for _ in range(rng.randint(1, 4)):
        conv = rng.choice("ab")
        choices = [Choice(None, 0.0, float(rng.randint(20, 30)), None)]
        for pattern, kept in ((HALF, 2), (QUARTER, 1)):
            for tile in (4, 8):
                plan = LayerPlan(pattern=pattern, tile=tile)
                loss, ms = float(rng.randint(-3, 20)), float(rng.randint(1, 30))
                choices.append(Choice(plan, loss, ms, (conv, kept)))
        layers.append(choices)
    return layers


def shares_tiles(selection: Sequence[Choice]) -> bool:
    """Whether layers of one convolution that keep equally many columns have one tile."""
    tiles: dict[Any, set[int]] = {}
    for each in selection:
        if each.plan:
            tiles.setdefault(each.search, set()).add(each.plan.tile)
    return all(len(found) == 1 for found in tiles.values())


@pytest.mark.parametrize("seed", range(60))
def test_the_choice_is_the_best_of_all(seed: int) -> None:
    rng = random.Random(seed)
    choices = drawn_choices(rng)
    allowed = [each for each in itertools.product(*choices) if shares_tiles(each)]
    times = [sum(each.ms for each in selection) for selection in allowed]
    limit = min(times) + rng.random() * (max(times) - min(times))
    chosen = choose(choices, limit)
    assert [each in some for each, some in zip(chosen, choices, strict=True)] == [True] * len(
        choices
    )
    assert shares_tiles(chosen)
    assert sum(each.ms for each in chosen) <= limit * (1 + 1e-6)
    fitting = (s for s, ms in zip(allowed, times, strict=True) if ms <= limit * (1 + 1e-12))
    best = min(sum(each.loss for each in selection) for selection in fitting)
    assert sum(each.loss for each in chosen) == pytest.approx(best, abs=1e-6)


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    """What was tuned, dense and pruned, each beside a slower candidate."""
    times = {(layer, 0.0): {8: ms} for layer, ms in TIMES.items()}
    rows = [
        {
            **{"model": "resnet18", "layer": layer, "conv": CONVS[layer], "target": "x60"},
            **{**OTHERS, "tile": min(tiles, key=lambda tile: tiles[tile]), "sparsity": sparsity},
            **{"cycles": 1000 * min(tiles.values()) * scale, "mac_per_cycle": 1.0},
            **{"ms": float(min(tiles.values()) * scale), "evidence": "modelled"},
            **{"chosen": int(scale == 1), "m": "full"},
            "kept": round(ConvShape.parse(CONVS[layer]).reduction * (1 - sparsity)),
        }
        for (layer, sparsity), tiles in {**times, **PRUNED}.items()
        for scale in (1, 2)
    ]
    write_table(tmp_path / "layers.csv", LAYERS, rows)
    return tmp_path / "layers.csv"


@pytest.fixture
def costs(layers: Path, tmp_path: Path) -> Costs:
    paths = []
    for layer, conv in CONVS.items():
        options = [
            {
                **OTHERS,
                "kept": round(COLUMNS * (1 - s)),
                "tile": tile,
                "ms": ms,
                "cycles": 1000 * ms,
            }
            for (name, s), tiles in PRUNED.items()
            for tile, ms in tiles.items()
            if name == layer
        ]
        paths.append(tmp_path / f"{conv}.json")
        write_json(paths[-1], options)
    return Costs(layers, paths)


@pytest.fixture
def sensitivity(tmp_path: Path) -> Path:
    rows: list[dict[str, Any]] = [
        {"layer": "", "pattern": None, "tile": None, "validation_loss": 1.0}
    ]
    rows += [
        {"layer": name, "pattern": pattern.label, "tile": tile, "validation_loss": 1.0 + harm}
        for (name, pattern, tile), harm in HARM.items()
    ]
    rows = [{**row, "validation_top1": 90.0} for row in rows]
    write_table(tmp_path / "sensitivity.csv", LAYER_SENSITIVITY, rows)
    return tmp_path / "sensitivity.csv"


@pytest.fixture
def schedules(tmp_path: Path) -> Path:
    """Tuned for the network: dense, and pruned."""
    keys = [f"{conv}|k{kept}" for conv in CONVS.values() for kept in (147, 576, 288, 144)]
    convs = {key: {**OTHERS, "tile": 8} for key in keys for key in (key, f"{key}|direct")}
    header = {"format": "colonnade-schedules", "version": 3, "target": "x60", "stays_dense": []}
    write_json(tmp_path / "schedules.json", {**header, "convs": convs})
    return tmp_path / "schedules.json"


Write = Callable[..., dict[str, tuple[Pattern, int]]]


@pytest.fixture
def write(sensitivity: Path, costs: Costs, schedules: Path, tmp_path: Path) -> Write:
    """Chooses, and returns pattern and tile of every layer that is pruned."""

    def choose_for(speedup: float, patterns: Any = PATTERNS) -> dict[str, tuple[Pattern, int]]:
        outputs = tmp_path / "out.json", tmp_path / "own.json"
        write_budget(speedup, patterns, sensitivity, costs, schedules, *outputs)
        layers = read_budget(outputs[0]).layers
        return {name: (layer.pattern, layer.tile) for name, layer in layers.items()}

    return choose_for


@pytest.mark.parametrize(
    ("speedup", "expected"),
    [
        # 100 ms dense. Without pressure nothing that costs loss is pruned.
        (1.2, {"layer1.0.conv1": {(HALF, 8), (HALF, 4), (QUARTER, 4)}}),
        # 35 ms less: a small tile is fast enough for the second layer; the first one's loses nothing.
        (1.53, {"layer1.0.conv1": {(QUARTER, 4)}, "layer4.1.conv2": {(HALF, 4)}}),
        (1.85, {"layer1.0.conv1": {(QUARTER, 4)}, "layer4.1.conv2": {(HALF, 16)}}),
        (1.9, {"layer1.0.conv1": {(QUARTER, 8)}, "layer4.1.conv2": {(HALF, 16)}}),
        (2.0, {"layer1.0.conv1": {(QUARTER, 4)}, "layer4.1.conv2": {(QUARTER, 4)}}),
        (2.3, {"layer1.0.conv1": {(QUARTER, 8)}, "layer4.1.conv2": {(QUARTER, 16)}}),
    ],
)
def test_patterns_and_tiles_follow_sensitivity_and_cost(
    write: Write, speedup: float, expected: dict[str, set[tuple[Pattern, int]]]
) -> None:
    found = write(speedup)
    assert found.keys() == expected.keys()
    assert all(each in expected[name] for name, each in found.items()), found


def test_the_schedules_are_those_of_the_chosen_tiles(write: Write, tmp_path: Path) -> None:
    write(1.53)
    convs = read_json(tmp_path / "own.json", TunedSchedules)["convs"]
    dense = [f"{conv}|k{147 if conv.startswith('n1c3h') else 576}" for conv in CONVS.values()]
    first, second = (CONVS[name] for name in TILES)
    assert set(convs) == {
        *dense,
        *(f"{key}|direct" for key in dense),
        f"{first}|k144",
        f"{second}|k288",
    }
    assert convs[f"{first}|k144"] == convs[f"{second}|k288"] == {**OTHERS, "tile": 4}


def test_tuned_tiles_have_their_tuned_schedules(
    write: Write, schedules: Path, tmp_path: Path
) -> None:
    """Refined ones, maybe, which the options do not know."""
    document = json.loads(schedules.read_text())
    first, second = (f"{CONVS[name]}|k144" for name in TILES)
    document["convs"][first]["panels"] = 64
    schedules.write_text(json.dumps(document))
    write(2.3)
    convs = read_json(tmp_path / "own.json", TunedSchedules)["convs"]
    assert (convs[first]["tile"], convs[first]["panels"]) == (8, 64)
    assert (convs[second]["tile"], convs[second]["panels"]) == (16, 1)


def test_a_layer_that_a_pattern_leaves_dense_is_not_pruned_by_it(write: Write) -> None:
    name = "layer4.1.conv2"
    without = {key: tile for key, tile in TILES.items() if key != name}
    found = write(1.8, [(HALF, TILES), (QUARTER, without)])
    assert found == {"layer1.0.conv1": (QUARTER, 4), name: (HALF, 16)}


def test_a_pattern_with_a_tile_of_its_own_has_no_other(costs: Costs) -> None:
    own = HALF.model_copy(update={"tile": 4})
    assert costs.tiles("layer4.1.conv2", own) == [4]
    assert costs.tiles("layer4.1.conv2", HALF) == [4, 16]
    assert costs.tiles("conv1", HALF) == []
    # One that could not run, and what no kernel makes use of.
    assert costs.tiles("layer4.1.conv2", HALF.model_copy(update={"tile": 20})) == []
    for method in ("unstructured", "filters"):
        assert costs.tiles("layer4.1.conv2", HALF.model_copy(update={"method": method})) == []


def test_masks_that_no_kernel_uses_cost_as_much_as_none(costs: Costs) -> None:
    assert costs.total({"conv1": LayerPlan(pattern=HALF, tile=1)}) == (100.0, 100_000)
    assert costs.total({"layer4.1.conv2": LayerPlan(pattern=HALF, tile=4)}) == (90.0, 90_000)


def test_too_fast_is_refused_with_what_is_possible(write: Write, tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match=r"budget.speedups: 2\.4: .* at most 2\.326"):
        write(2.4)
    assert not (tmp_path / "out.json").exists()
    assert not (tmp_path / "own.json").exists()


@pytest.mark.parametrize("patterns", [[], [(HALF, {}), (QUARTER, {})]], ids=["none", "dense"])
def test_a_network_whose_layers_all_stay_dense_is_told_so(
    write: Write, tmp_path: Path, patterns: list[tuple[Pattern, dict[str, int]]]
) -> None:
    with pytest.raises(
        ColonnadeError, match=r"budget.speedups: 1\.5: every layer stays dense with"
    ):
        write(1.5, patterns)
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
    alone = {name: [tile] for name, tile in TILES.items()}
    patterns = [(QUARTER, {**alone, "layer4.1.conv2": [4, 16]}), (everything, alone)]
    write_layer_sensitivity(dense_checkpoint, patterns, folder_data, tiny_training, table)
    rows = read_table(table, LAYER_SENSITIVITY).rows(named=True)
    assert [row["pattern"] for row in rows] == [None, *["full0.75"] * 3, *["4of4"] * 2]
    first, second = TILES
    assert [row["layer"] for row in rows[1:]] == [first, second, second, first, second]
    assert [row["tile"] for row in rows] == [None, 8, 4, 16, 8, 16]
    losses = [row["validation_loss"] for row in rows]
    assert losses[4] == losses[5] == losses[0]
    assert len({losses[0], *losses[1:4]}) == 4


def test_the_front_is_that_of_top1_and_time() -> None:
    points = {"dense": (90, 100), "a": (90.5, 60), "b": (88, 40), "c": (87, 70), "d": (89.5, 50)}
    kinds = {"dense": "dense", "b": "per layer", "d": "per layer"}
    rows = [
        {
            **{"network": name, "kind": kinds.get(name, "uniform"), "validation_top1": top},
            **{"conv_ms": ms / 2, "ms": ms},
        }
        for name, (top, ms) in points.items()
    ]
    judged = {row["network"]: row for row in judge(rows, allowed_drop_points=1)}
    assert [name for name, row in judged.items() if row["on_front"]] == ["a", "b", "d"]
    assert [name for name, row in judged.items() if row["chosen"]] == ["d"]
    assert judged["a"]["drop_points"] == -0.5
    assert judged["b"]["conv_speedup"] == judged["b"]["speedup"] == 2.5
    # "b" is more accurate than "c"; nothing is than "a".
    assert judged["c"]["saved_percent"] == pytest.approx(100 * (1 - 40 / 70))
    assert [judged[name]["saved_percent"] for name in ("dense", "a", "b", "d")] == [None] * 4


def test_networks_are_compared_by_their_checkpoints(
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    costs: Costs,
    tmp_path: Path,
) -> None:
    table, figure, report = (tmp_path / name for name in ("pareto.csv", "pareto.svg", "run.json"))
    target: Any = SimpleNamespace(evidence="modelled", milliseconds=lambda cycles: cycles / 1000)
    run = {
        **{"model": "resnet18", "implementation": "colnm_dense", "threads": 1, "layers": []},
        "checkpoint_sha256": sha256_file(dense_checkpoint),
        "total": {"cycles": 125_000, "seconds": 1.0},
    }
    write_json(report, run)
    networks = [(Network("dense", "dense"), dense_checkpoint, report)]
    write_front(networks, costs, target, 2, folder_data, tiny_training, 1, table, figure)
    row = read_table(table, PARETO).row(0, named=True)
    assert (row["conv_cycles"], row["conv_ms"], row["evidence"]) == (100_000, 100.0, "modelled")
    assert (row["cycles"], row["ms"], row["images_per_s"]) == (125_000, 125.0, 16.0)
    assert (row["on_front"], row["chosen"], row["sparsity"]) == (1, 1, 0.0)
    text = figure.read_text()
    assert "million cycles of the network, modelled" in text
    assert "dense 1.00x (chosen)" in text
    write_json(report, run | {"checkpoint_sha256": "0" * 64})
    with pytest.raises(ColonnadeError, match=r"run\.json: not a run of .*"):
        write_front(networks, costs, target, 2, folder_data, tiny_training, 1, table, figure)
