# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Schedules change inside a network only for what is faster there, and only if the whole network is."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_json
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ThroughputConfig
from colonnade.config.target import TargetConfig
from colonnade.container import CompletedRun
from colonnade.evaluation import refinement
from colonnade.evaluation.refinement import (
    ROUNDS,
    Choice,
    Refined,
    Run,
    TimedNetwork,
    choices_of,
    refine,
    refine_networks,
)
from colonnade.models.conv_shape import ConvShape
from colonnade.results.records import Profile, TunedSchedules
from colonnade.results.tables import REFINEMENT, read_table
from colonnade.targets.target import Target
from colonnade.tuning.choice import schedule_key, write_schedules
from colonnade.tuning.race import Deadline
from colonnade.tuning.space import Candidate

from .packaged import EMULATED

CONV = ConvShape.parse("n1c64h8w8-o64-k3x3-s1-p1-d1")
OTHER = ConvShape.parse("n1c64h8w8-o128-k1x1-s1-p0-d1")
HALF = Pattern(m="full", sparsity=0.5)
FAST, NEAR, FAR = (Candidate("direct", tile, 2, 4) for tile in (7, 14, 15))
TILED = Candidate("packed", 7, 2, 4)
LAYERS = [("a", CONV), ("b", OTHER), ("c", CONV)]
ALWAYS = Deadline(1e9)
RAN = {"conv": str(CONV), "cycles": None, "mac_per_cycle": None}
SETTINGS = ThroughputConfig(image_px=32, batch=1, threads=1, repetitions=3, warmup=0)


def search(kept: int, **ms: float) -> dict[str, Any]:
    named = {"fast": FAST, "near": NEAR, "far": FAR, "tiled": TILED}
    trials = [{**asdict(named[name]), **RAN, "ms": each} for name, each in ms.items()]
    return {"kept": kept, "sparsity": 0.0, "m": "full", "space": 9, "trials": trials}


PROFILES: list[Any] = [
    {
        "conv": str(CONV),
        "searches": [
            search(576, fast=1.0, near=1.1, far=1.2, tiled=1.14),
            search(288, fast=0.5, near=0.51, tiled=0.52),
        ],
    },
    {"conv": str(OTHER), "searches": [search(64, fast=1.0, far=2.0), search(32, fast=0.9)]},
]


def schedules() -> TunedSchedules:
    keys = [schedule_key(CONV, 576), schedule_key(CONV, 288), schedule_key(OTHER, 64)]
    header: Any = {"format": "colonnade-schedules", "version": 3, "target": "host"}
    convs: Any = {key: asdict(FAST) for key in keys}
    return {**header, "convs": convs, "stays_dense": [schedule_key(OTHER, 32)]}


def profiles() -> list[Profile]:
    return PROFILES


def test_choices_are_the_next_best_of_what_a_network_has_alone() -> None:
    dense = choices_of(LAYERS, None, schedules(), profiles())
    assert dense == [
        # Far is slower alone by more than 15%.
        Choice(schedule_key(CONV, 576), ("a", "c"), FAST, (NEAR, TILED)),
        Choice(schedule_key(OTHER, 64), ("b",), FAST, ()),
    ]
    # Masks have the chosen tile; what stays dense is the dense network's.
    pruned = choices_of(LAYERS, HALF, schedules(), profiles())
    assert pruned == [Choice(schedule_key(CONV, 288), ("a", "c"), FAST, (TILED,))]


class Network:
    """Layers that take what a schedule takes inside it, and a share more in a network that changed."""

    def __init__(self, inside: Mapping[Candidate, float], price: float = 0.0) -> None:
        self.inside, self.price, self.runs = inside, price, 0

    def __call__(self, others: Mapping[str, Candidate]) -> Run:
        self.runs += 1
        chosen = others.get("k", FAST)
        noise = 0.001 * (self.runs % 3)
        layers = {"a": self.inside[chosen] + noise, "c": self.inside[chosen] + noise}
        return Run(sum(layers.values()) + (self.price if others else 0) + 1, layers)


CHOICES = [Choice("k", ("a", "c"), FAST, (NEAR, TILED)), Choice("l", (), FAST, ())]


def test_what_is_faster_inside_the_network_is_taken() -> None:
    network = Network({FAST: 1.0, NEAR: 0.9, TILED: 0.8})
    found = refine(CHOICES, network, ALWAYS, "dense")
    assert found.changed == {"k": TILED}
    assert found.ms_before is not None
    assert found.ms_after is not None
    assert found.ms_before - found.ms_after == pytest.approx(0.4, abs=0.01)
    row = found.choices[0]
    assert (row["layers"], row["alone"], row["schedule"]) == (2, FAST, TILED)
    assert row["ms_alone"] == pytest.approx(2.0, abs=0.01)
    assert row["ms"] == pytest.approx(1.6, abs=0.01)


def test_nothing_changes_where_the_whole_network_is_not_faster() -> None:
    network = Network({FAST: 1.0, NEAR: 0.9, TILED: 1.1}, price=0.5)
    found = refine(CHOICES, network, ALWAYS, "dense")
    assert found.choices[0]["schedule"] == NEAR
    assert found.changed == {}
    assert found.ms_before is not None
    assert found.ms_after is not None
    assert found.ms_before < found.ms_after


def test_what_is_no_faster_inside_stays_and_nothing_races() -> None:
    network = Network({FAST: 1.0, NEAR: 1.0, TILED: 1.2})
    found = refine(CHOICES, network, ALWAYS, "dense")
    assert (found.changed, found.ms_before, found.ms_after) == ({}, None, None)
    assert network.runs == 3 * ROUNDS


def test_without_others_nothing_runs() -> None:
    network = Network({FAST: 1.0})
    found = refine([Choice("k", ("a", "c"), FAST, ())], network, ALWAYS, "dense")
    assert network.runs == 0
    assert found == Refined({}, found.choices, None, None)
    assert found.choices[0]["ms"] is None


def test_when_time_is_over_too_few_rounds_change_nothing() -> None:
    network = Network({FAST: 1.0, NEAR: 0.5, TILED: 0.5})
    found = refine(CHOICES, network, Deadline(0), "dense")
    assert network.runs == 3
    assert found.changed == {}


class NoContainer:
    """Runs nothing."""

    def run(self, *_: Any, **__: Any) -> CompletedRun:
        raise AssertionError


def refined(target: Target, folder: Path) -> None:
    paths = []
    for index, profile in enumerate(PROFILES):
        reference = {**asdict(FAST), **RAN, "ms": 3.0}
        paths.append(folder / f"{index}.json")
        write_json(paths[-1], {**profile, "reference": reference})
    chosen = folder / "schedules.json"
    write_schedules(target, schedules()["convs"], schedules()["stays_dense"], chosen)
    refine_networks(
        target,
        [
            TimedNetwork("dense", folder / "dense", None),
            TimedNetwork("half", folder / "half", HALF),
        ],
        lambda _: LAYERS,
        chosen,
        paths,
        folder / "images.safetensors",
        SETTINGS,
        11,
        folder / "refined.json",
        folder / "refinement.csv",
    )


def test_networks_are_timed_with_the_refined_schedules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = {FAST: 2.0, NEAR: 1.0, TILED: 3.0}
    ran = []

    def run_network(
        _target: Target,
        package: Path,
        implementation: str,
        tried: Path,
        _images: Path,
        timed: ThroughputConfig,
        output: Path,
    ) -> None:
        ran.append((package.name, implementation, timed.repetitions, timed.warmup))
        kept = 576 if package.name == "dense" else 288
        document = json.loads(tried.read_text())
        ms = inside[Candidate.of(document["convs"][schedule_key(CONV, kept)])]
        layers = [
            {"name": name, "op": "conv2d", "cycles": None, "seconds": ms / 1e3} for name in "abc"
        ]
        total = {"cycles": None, "seconds": 3 * ms / 1e3}
        told = {"model": "m", "checkpoint_sha256": "0" * 64, "implementation": implementation}
        write_json(output, {**told, "threads": 1, "layers": layers, "total": total})

    monkeypatch.setattr(refinement, "run_network", run_network)
    refined(Target("host", TargetConfig(kind="host"), NoContainer()), tmp_path)
    document = read_json(tmp_path / "refined.json", TunedSchedules)
    assert Candidate.of(document["convs"][schedule_key(CONV, 576)]) == NEAR
    assert Candidate.of(document["convs"][schedule_key(CONV, 288)]) == FAST
    assert document["stays_dense"] == [schedule_key(OTHER, 32)]
    assert set(ran) == {("dense", "colnm_dense", 5, 1), ("half", "colnm_tuned", 5, 1)}
    rows = read_table(tmp_path / "refinement.csv", REFINEMENT).rows(named=True)
    assert [(row["network"], row["key"], row["changed"]) for row in rows] == [
        ("dense", schedule_key(CONV, 576), 1),
        ("dense", schedule_key(OTHER, 64), 0),
        ("dense", "network", 1),
        ("half", schedule_key(CONV, 288), 0),
        ("half", "network", 0),
    ]
    assert (rows[2]["ms_alone"], rows[2]["ms"]) == (6.0, 3.0)
    assert {row["evidence"] for row in rows} == {"measured"}
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_modelled_time_is_not_refined(tmp_path: Path) -> None:
    target = Target("x60", EMULATED, NoContainer())
    with pytest.raises(ColonnadeError, match=r"refinement\.csv: time on target x60 is modelled"):
        refined(target, tmp_path)
    assert not (tmp_path / "refinement.csv").exists()
