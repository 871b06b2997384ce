# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What is taken from a core description, and what it must have."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from colonnade.board.machine import Machine
from colonnade.common.errors import ColonnadeError
from colonnade.config.board import BoardConfig, Isa
from colonnade.config.target import TargetConfig
from colonnade.targets.target import Target
from colonnade.tuning.core import KINDS, Cost, Kind, core_of, machine_of
from tests.unit.board.conftest import MACHINE

from .conftest import ROOT, FakeContainer

X60 = TargetConfig(
    kind="emulated", vlen=256, core=ROOT / "kernels/timing/cores/x60.json", clock_ghz=1.6
)


def test_core_description_is_read_in_all_its_forms(tmp_path: Path) -> None:
    line = {"stream_read": 4, "stream_write": 8, "latency": 27, "interval": 10}
    cache = {"bytes": 32768, "ways": 4, "line": 64}
    description = {
        **{
            "vlen": 256,
            "issue": {
                "width": 2,
                "vector_width": 1,
                "vtype_latency": 2,
                "store_queue": 6,
                "late_units": ["v"],
            },
            "branch": {"mispredict": 9, "taken": 1},
            "l1": cache,
            "l2": cache,
        },
        "miss": {
            "streams": 7,
            "reach": 3,
            "outstanding": 5,
            "confirm": 3,
            "distance": 9,
            "degree": 2,
            "fill": 8,
            "l2": line,
            "memory": {**line, "latency": 340},
        },
        "classes": {
            **{kind: {"unit": None, "latency": 1} for kind in KINDS},
            "alu": {"unit": None, "latency": 4},
            "vf_fma": {"unit": "v", "latency": 3, "occupancy": [1, 1, 1, 2, 4, 8, 16]},
            "vload": {"unit": "v", "latency": {"e32": [5, 5, 5, 6, 7, 8, 9], "e64": [0] * 7}},
            "vf_add": {"unit": "v", "latency": 3, "late_latency": [4, 4, 4, 4, 5, 6, 7]},
            "vstore": {"unit": "v", "latency": {"base": 3, "per_element": 1}},
            "no kernel uses it": {"unit": "v", "latency": 1},
        },
    }
    path = tmp_path / "core.json"
    path.write_text(json.dumps(description))
    core = core_of(X60.model_copy(update={"core": path}))
    assert (core.lanes, core.width) == (8, 2)
    assert (core.vector_width, core.vtype_latency) == (1, 2)
    assert (core.streams, core.reach, core.outstanding) == (7, 3, 5)
    assert (core.confirm, core.distance, core.degree, core.fill) == (3, 9, 2, 8)
    assert (core.store_queue, core.late_units) == (6, {"v"})
    assert (core.mispredict, core.taken) == (9, 1)
    assert (core.l1.bytes, core.l1.ways) == (32768, 4)
    assert (core.l2.read, core.l2.write, core.l2.latency, core.l2.interval) == (4, 8, 27, 10)
    assert core.memory.latency == 340
    assert core.costs["alu"] == Cost(None, (4, 4, 4, 4), (0, 0, 0, 0), (4, 4, 4, 4))
    assert core.costs["vf_add"].late_latency == (4, 5, 6, 7)
    assert core.costs["vf_fma"].occupancy == (2, 4, 8, 16)
    assert core.costs["vload"].latency == (6, 7, 8, 9)
    assert core.costs["vstore"].latency == (11, 19, 35, 67)
    assert set(core.costs) == set(KINDS)


def test_damaged_core_description_is_named(tmp_path: Path) -> None:
    path = tmp_path / "core.json"
    path.write_text(json.dumps({"vlen": 256}))
    with pytest.raises(ColonnadeError, match=r"core\.json: not a core description"):
        core_of(X60.model_copy(update={"core": path}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_core_without_a_cost_that_kernels_need_is_refused(tmp_path: Path, kind: Kind) -> None:
    description = json.loads((ROOT / "kernels/timing/cores/x60.json").read_text())
    del description["classes"][kind]
    path = tmp_path / "core.json"
    path.write_text(json.dumps(description))
    with pytest.raises(
        ColonnadeError, match=rf"core\.json: not a core description: lacks '{kind}'"
    ):
        core_of(X60.model_copy(update={"core": path}))


@dataclass
class _Board:
    """What a board says it is."""

    machine: Machine


def board(isa: Isa, features: str, l2_bytes: int | None) -> Target:
    """A board, connected, of such a CPU."""
    values = {"host": "board", "user": "me", "identity_file": "key", "cores": [0], "isa": isa}
    config = TargetConfig(kind="board", board=BoardConfig.model_validate(values))
    target = Target("board", config, FakeContainer())
    machine = {**MACHINE, "isa": features, "l2_bytes": l2_bytes}
    vars(target)["board"] = _Board(Machine.model_validate(machine))
    return target


def test_of_a_host_only_what_bounds_the_search_is_known(host: Target) -> None:
    machine = machine_of(host)
    assert machine.lanes in {8, 16}
    assert machine.l2_bytes >= 1 << 16
    with pytest.raises(ColonnadeError, match="kind host has no core: its time is measured"):
        core_of(host.config)


@pytest.mark.parametrize(
    ("isa", "features", "lanes"),
    [("x86_64", "fpu avx2", 8), ("x86_64", "fpu avx2 avx512f", 16), ("aarch64", "asimd", 4)],
)
def test_a_board_without_a_core_is_asked_itself(isa: Isa, features: str, lanes: int) -> None:
    """Whatever CPU this machine has."""
    machine = machine_of(board(isa, features, 3 << 20))
    assert (machine.lanes, machine.l2_bytes) == (lanes, 3 << 20)
    assert machine_of(board(isa, features, None)).l2_bytes == 1 << 20


def test_an_emulated_target_is_as_its_core_is_described() -> None:
    x60 = machine_of(Target("x60", X60, FakeContainer()))
    assert (x60.lanes, x60.l2_bytes) == (8, 512 << 10)
