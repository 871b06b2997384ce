# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The fastest candidate wins; where pruning does not pay, the layer stays dense."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.reference import REFERENCE
from colonnade.config.pruning import Pattern
from colonnade.models.conv_shape import ConvShape
from colonnade.results.tables import LAYERS
from colonnade.targets.target import Target
from colonnade.tuning.choice import choose, collect, tiles_for

from .conftest import CONV

OTHER = "n1c64h56w56-o128-k1x1-s2-p0-d1"
LAYER_CONVS = [("conv1", OTHER), ("layer1.0.conv1", CONV), ("layer1.0.conv2", CONV)]
CONVS = [(layer, ConvShape.parse(conv)) for layer, conv in LAYER_CONVS]


def report(conv: str, tile: int, ms: float, algorithm: str = "direct") -> dict[str, Any]:
    return {
        **{
            "conv": conv,
            "algorithm": algorithm,
            "tile": tile,
            "lmul": 1,
            "panels": 2,
            "kc_splits": 1,
        },
        **{"cycles": int(ms * 1e6), "ms": ms, "mac_per_cycle": 1.0},
    }


def search(conv: str, kept: int, *times: tuple[int, float]) -> dict[str, Any]:
    trials = [report(conv, tile, ms) for tile, ms in times]
    reduction = ConvShape.parse(conv).reduction
    return {
        "kept": kept,
        "sparsity": 1 - kept / reduction,
        "m": "full" if kept == reduction else "4",
        "space": 9,
        "trials": trials,
    }


@pytest.fixture
def profiles(tmp_path: Path) -> list[Path]:
    """A convolution for which pruning pays at 75 % but not at 50 %, and one that is not pruned."""
    documents = {
        CONV: [
            search(CONV, 576, (8, 3.0), (14, 2.0)),
            search(CONV, 288, (8, 2.0), (14, 2.5)),
            search(CONV, 144, (14, 1.5), (8, 1.0)),
        ],
        OTHER: [search(OTHER, 64, (14, 1.0), (8, 1.0))],
    }
    packed = [report(CONV, 14, 1.2, "packed"), report(CONV, 8, 1.3, "packed")]
    documents[CONV][2]["trials"] += packed
    paths = []
    for conv, searches in documents.items():
        path = tmp_path / f"{conv}.json"
        profile = {
            "conv": conv,
            "reference": report(conv, 0, 0.5, REFERENCE),
            "searches": searches,
        }
        path.write_text(json.dumps(profile))
        paths.append(path)
    return paths


@pytest.fixture
def collected(profiles: list[Path], target: Target, tmp_path: Path) -> Path:
    """Folder with the schedules and the table."""
    collect(profiles, CONVS, "net", target, tmp_path / "schedules.json", tmp_path / "layers.csv")
    return tmp_path


def test_ties_go_to_the_candidate_that_the_model_put_first() -> None:
    trials = search(CONV, 576, (14, 1.0), (8, 1.0))["trials"]
    assert choose({576: trials}, 576)[576] is trials[0]


def test_equal_time_is_no_reason_to_prune() -> None:
    dense = search(CONV, 576, (14, 1.0))["trials"]
    pruned = search(CONV, 288, (14, 1.0))["trials"]
    faster = search(CONV, 144, (14, 0.999))["trials"]
    assert choose({576: dense, 288: pruned, 144: faster}, 576) == {
        576: dense[0],
        288: None,
        144: faster[0],
    }


def test_xnnpacks_operator_does_not_compete(collected: Path) -> None:
    """It runs in another layout, so no layer of our network can take it."""
    rows = list(csv.DictReader((collected / "layers.csv").open()))
    assert {row["chosen"] for row in rows if row["algorithm"] == "xnnpack_nhwc_dense"} == {"0"}


def test_schedules_are_those_of_the_winners(collected: Path) -> None:
    document = json.loads((collected / "schedules.json").read_text())
    assert document["format"] == "colonnade-schedules"
    assert document["version"] == 3
    chosen = {key: (each["algorithm"], each["tile"]) for key, each in document["convs"].items()}
    assert chosen == {
        f"{CONV}|k576": ("direct", 14),
        f"{CONV}|k576|direct": ("direct", 14),
        f"{CONV}|k144": ("direct", 8),
        f"{CONV}|k144|direct": ("direct", 8),
        # Not the fastest packed one: the mask has the winner's tile.
        f"{CONV}|k144|packed": ("packed", 8),
        f"{OTHER}|k64": ("direct", 14),
        f"{OTHER}|k64|direct": ("direct", 14),
    }
    assert document["stays_dense"] == [f"{CONV}|k288"]
    for entry in document["convs"].values():
        assert list(entry) == ["algorithm", "tile", "lmul", "panels", "kc_splits"]


def test_table_has_every_candidate_of_every_layer(collected: Path) -> None:
    rows = list(csv.DictReader((collected / "layers.csv").open()))
    assert list(rows[0]) == list(LAYERS)
    assert len(rows) == 3 + 2 * 9
    chosen = [(row["layer"], row["sparsity"], row["tile"]) for row in rows if row["chosen"] == "1"]
    assert chosen == [
        ("conv1", "0.0", "14"),
        *[("layer1.0.conv1", sparsity, tile) for sparsity, tile in (("0.0", "14"), ("0.75", "8"))],
        *[("layer1.0.conv2", sparsity, tile) for sparsity, tile in (("0.0", "14"), ("0.75", "8"))],
    ]
    assert {(row["kept"], row["sparsity"], row["m"]) for row in rows} == {
        ("64", "0.0", "full"),
        ("576", "0.0", "full"),
        ("288", "0.5", "4"),
        ("144", "0.75", "4"),
    }


def test_layers_that_stay_dense_get_no_tile(collected: Path) -> None:
    schedules = collected / "schedules.json"
    assert tiles_for(schedules, CONVS[1:], Pattern(m="full", sparsity=0.5)) == {}
    assert tiles_for(schedules, CONVS[1:], Pattern(n=1, m=4)) == {
        "layer1.0.conv1": 8,
        "layer1.0.conv2": 8,
    }


def test_they_get_that_of_a_dense_schedule_where_all_are_compared(collected: Path) -> None:
    path, half = collected / "schedules.json", Pattern(m="full", sparsity=0.5)
    both = {"layer1.0.conv1": 14, "layer1.0.conv2": 14}
    assert tiles_for(path, CONVS[1:], half, all_layers=True) == both
    assert tiles_for(path, CONVS[1:], Pattern(n=1, m=4), all_layers=True) == dict.fromkeys(both, 8)
    # By Winograd's algorithm nothing is pruned: the tile is that of the fastest that multiplies.
    document = json.loads(path.read_text())
    document["convs"][f"{CONV}|k576"] |= {"algorithm": "winograd4", "tile": 6}
    path.write_text(json.dumps(document))
    assert tiles_for(path, CONVS[1:], half, all_layers=True) == both
    document["convs"][f"{CONV}|k576|packed"] = document["convs"].pop(f"{CONV}|k576|direct")
    path.write_text(json.dumps(document))
    assert tiles_for(path, CONVS[1:], half, all_layers=True) == both


def test_missing_schedule_is_no_reason_to_stay_dense(collected: Path) -> None:
    with pytest.raises(ColonnadeError, match=r"schedules\.json: has no schedule for layer conv1"):
        tiles_for(collected / "schedules.json", CONVS, Pattern(n=1, m=4))


def test_layers_of_which_a_pattern_keeps_every_column_stay_dense(collected: Path) -> None:
    pattern = Pattern(m="full", sparsity=0.001)
    assert pattern.keeps(576) == 576
    assert tiles_for(collected / "schedules.json", CONVS, pattern) == {}
