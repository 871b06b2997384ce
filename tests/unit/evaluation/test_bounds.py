# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Bounds and packing by hand, and the tables and figures that are made of them."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.files import write_json
from colonnade.config.target import load_target
from colonnade.evaluation.bounds import MIX, STALLS, bounds_table, fma_cycles, memory_cycles
from colonnade.evaluation.packing_cost import packing_table
from colonnade.models.conv_shape import ConvShape
from colonnade.report.bounds import achieved_and_possible, packed_and_direct
from colonnade.results.tables import BOUNDS, PACKING, read_table
from colonnade.targets.target import Target
from colonnade.tuning.core import Core, core_of

ROOT = Path(__file__).resolve().parents[3]
CONV = ConvShape.parse("n1c64h28w28-o128-k1x1-s2-p0-d1")


@pytest.fixture
def target() -> Target:
    config = load_target(ROOT / "config/targets", "x60")
    core = ROOT / "kernels/timing/cores/x60.json"
    container: Any = None
    return Target("x60", config.model_copy(update={"core": core}), container)


@pytest.fixture
def core(target: Target) -> Core:
    return core_of(target.config)


def test_an_x60_does_eight_multiplications_a_cycle(core: Core) -> None:
    assert fma_cycles(8000, core) == 1000


def test_memory_brings_every_line_once(core: Core) -> None:
    # A quarter of 64 planes of 28x28, half of 128x64 weights, 128 planes of 14x14; 16 to a line.
    read, written = 64 * 14 * 14 + 128 * 64 / 2, 128 * 14 * 14
    expected = read / 16 * core.memory.read + written / 16 * core.memory.write
    assert memory_cycles(CONV, 0.5, core) == pytest.approx(expected)
    # All taps of a 3x3 kernel together meet every pixel, whatever the stride.
    wide = ConvShape.parse("n1c64h28w28-o128-k3x3-s2-p1-d1")
    weights = 9 * 128 * 64 / 16 * core.memory.read
    image = 64 * 28 * 28 / 16 * core.memory.read
    assert memory_cycles(wide, 1, core) == pytest.approx(
        image + weights + written / 16 * core.memory.write
    )
    # A residual is as large as the output.
    added = dataclasses.replace(wide, residual=True)
    difference = memory_cycles(added, 1, core) - memory_cycles(wide, 1, core)
    assert difference == pytest.approx(written / 16 * core.memory.read)


def counters(cycles: int) -> dict[str, Any]:
    """Of every instruction class and stall reason 10."""
    classes = [name for members in MIX.values() for name in members]
    stalls = [name for members in STALLS.values() for name in members]
    return {
        "cycles": cycles,
        "threads": 1,
        "instructions": 10 * len(classes),
        "classes": dict.fromkeys(classes, 10),
        "stalls": dict.fromkeys(stalls, 10),
        "l1_misses": 5,
        "l2_misses": 3,
        "functions": {
            "xnn_x32_im2col_ukernel__rvv": 2000,
            "colnm_tap_run": 400,
            "colnm_run_tiles": 9000,
        },
    }


def trial(algorithm: str, sparsity: float, cycles: int) -> dict[str, Any]:
    macs = int(CONV.macs * (1 - sparsity))
    return {
        **{"algorithm": algorithm, "tile": 14, "lmul": 2, "panels": 4, "kc_splits": 1},
        **{"cycles": cycles, "ms": cycles / 1.6e6, "useful_macs": macs},
        **{"mac_per_cycle": macs / cycles, "counters": counters(cycles)},
    }


@pytest.mark.parametrize("outputs", [2, 4])
def test_winograds_algorithm_has_bounds_of_its_own(
    target: Target, core: Core, tmp_path: Path, outputs: int
) -> None:
    conv = ConvShape.parse("n2c64h13w13-o32-k3x3-s1-p1-d1")
    tiles = 2 * {2: 7, 4: 4}[outputs] ** 2
    macs = (outputs + 2) ** 2 * tiles * 64 * 32
    assert conv.winograd_macs(outputs) == macs
    assert macs < conv.macs
    report = {**trial(f"winograd{outputs}", 0.0, 200_000), "useful_macs": conv.macs}
    search = {"kept": conv.reduction, "sparsity": 0.0, "m": "full", "trials": [report]}
    profile = {"conv": str(conv), "reference": report, "searches": [search]}
    write_json(tmp_path / "conv.json", profile)
    bounds_table([tmp_path / "conv.json"], "resnet18", 1, target, tmp_path / "bounds.csv")
    row = read_table(tmp_path / "bounds.csv", BOUNDS).rows(named=True)[-1]
    assert row["fma_bound_cycles"] == math.ceil(macs / 8)
    more = ((outputs + 2) ** 2 / 9 - 1) * 9 * 64 * 32 / 16 * core.memory.read
    assert row["memory_bound_cycles"] == math.ceil(memory_cycles(conv, 1, core) + more)


def test_winners_are_compared_with_their_bounds(target: Target, tmp_path: Path) -> None:
    profile = {
        "conv": str(CONV),
        "reference": trial("xnnpack_nhwc_dense", 0.0, 900_000),
        "searches": [
            {
                **{"kept": CONV.reduction, "sparsity": 0.0, "m": "full"},
                "trials": [trial("packed", 0.0, 500_000), trial("direct", 0.0, 400_000)],
            },
            {
                "kept": CONV.reduction // 8,
                "sparsity": 0.875,
                "m": "full",
                "trials": [trial("direct", 0.875, 200_000)],
            },
        ],
    }
    write_json(tmp_path / "conv.json", profile)
    path = tmp_path / "tables/bounds.csv"
    bounds_table([tmp_path / "conv.json"], "resnet18", 1, target, path)
    rows = read_table(path, BOUNDS).rows(named=True)
    assert [(row["algorithm"], row["cycles"]) for row in rows] == [
        ("xnnpack_nhwc_dense", 900_000),
        ("direct", 400_000),
        ("direct", 200_000),
    ]
    dense, pruned = rows[1:]
    assert dense["fma_bound_cycles"] == CONV.macs / 8
    assert dense["bound_percent"] == pytest.approx(100 * CONV.macs / 8 / 400_000)
    # With an eighth of the multiplications memory is slower than they are.
    assert pruned["memory_bound_cycles"] > pruned["fma_bound_cycles"]
    assert pruned["bound_percent"] == pytest.approx(pruned["memory_bound_cycles"] / 2000, rel=1e-4)
    assert sum(dense[f"{name}_percent"] for name in MIX) == pytest.approx(100)
    assert dense["stalled_on_caches_percent"] == pytest.approx(100 * 10 / 400_000)

    figure = achieved_and_possible(read_table(path, BOUNDS))
    for text in ("XNNPACK's dense", "87.5% pruned", str(CONV)):
        assert text in figure


def test_packing_is_told_from_the_rest(target: Target, tmp_path: Path) -> None:
    trials = [
        trial("packed", 0.5, 90_000),
        trial("packed", 0.5, 80_000),
        trial("direct", 0.5, 50_000),
        {**trial("packed", 0.5, 60_000), "tile": 7},
    ]
    trials[1]["counters"]["threads"] = 2
    last = [trial("packed", 0.75, 40_000)]
    searches = [
        {"kept": CONV.reduction // 2, "sparsity": 0.5, "m": "4", "trials": trials},
        {"kept": CONV.reduction // 4, "sparsity": 0.75, "m": "4", "trials": last},
    ]
    profile = {"conv": str(CONV), "reference": trials[0], "searches": searches}
    write_json(tmp_path / "conv.json", profile)
    packing_table([tmp_path / "conv.json"], "resnet18", target, tmp_path / "tables/packing.csv")
    # Both have the winner's tile; nothing is compared where one of them was not run.
    (row,) = read_table(tmp_path / "tables/packing.csv", PACKING).rows(named=True)
    assert (row["packed_cycles"], row["direct_cycles"]) == (80_000, 50_000)
    assert row["packed_to_direct"] == pytest.approx(1.6)
    # Two cores, together 2400 cycles.
    assert row["packing_cycles"] == 1200
    assert row["packing_percent"] == pytest.approx(1.5)
    figure = packed_and_direct(read_table(tmp_path / "tables/packing.csv", PACKING))
    for text in ("packed: packing", "50%", str(CONV)):
        assert text in figure
