# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Whether a board is what its target's file says, and what stays the same of it."""

from typing import Any

import pytest

from colonnade.board.machine import Machine, check_machine
from colonnade.common.errors import ColonnadeError
from colonnade.config.board import BoardConfig

CPUS = [
    {"cpu": 0, "governor": "performance", "mhz": 1600.0, "max_mhz": 1600.0},
    {"cpu": 1, "governor": "ondemand", "mhz": 614.4, "max_mhz": 1600.0},
    {"cpu": 2, "governor": None, "mhz": None, "max_mhz": None},
]
MACHINE: dict[str, Any] = {
    **{"machine": "riscv64", "kernel": "6.6.63", "board": "BPI-F3", "cpu_model": "spacemit,x60"},
    **{"isa": "rv64imafdcv", "vlen": 256, "cpus": CPUS},
    "l2_bytes": 1 << 19,
    **{"load": 0.5, "celsius": 41.0, "memory_mb": 4000.0},
}


def config(**values: Any) -> BoardConfig:
    given = {"host": "board", "user": "me", "identity_file": "key", "isa": "riscv64", "cores": [0]}
    return BoardConfig.model_validate({**given, **values})


def complaints(machine: dict[str, Any], vlen: int | None = 256, **values: Any) -> list[str]:
    board = Machine.model_validate({**MACHINE, **machine})
    with pytest.raises(ColonnadeError) as caught:
        check_machine(board, config(**values), vlen, "mine")
    lines = str(caught.value).splitlines()
    assert all(line.startswith("target mine: ") for line in lines)
    return [line.removeprefix("target mine: ") for line in lines]


def test_the_board_that_is_described_is_taken() -> None:
    machine = Machine.model_validate(MACHINE)
    check_machine(machine, config(governor="performance", mhz=1620), 256, "mine")
    check_machine(machine, config(cores=[2, 1]), 256, "mine")
    check_machine(machine, config(), None, "mine")
    arm = machine.model_copy(update={"machine": "aarch64", "vlen": None})
    check_machine(arm, config(isa="aarch64"), None, "mine")


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        ({"machine": "x86_64"}, "board.isa: riscv64; the board is x86_64"),
        ({"machine": "aarch64"}, "board.isa: riscv64; the board is aarch64"),
        ({"vlen": 128}, "core: of VLEN 256; the board has VLEN 128"),
        ({"vlen": 0}, "core: of VLEN 256; the board has no vector extension"),
    ],
)
def test_another_cpu_is_refused(machine: dict[str, Any], said: str) -> None:
    assert complaints(machine) == [said]


def test_everything_that_is_wrong_with_the_cpus_is_told() -> None:
    assert complaints({}, cores=[0, 7, 9]) == ["board.cores: 7, 9; allowed there: 0, 1, 2"]
    assert complaints({}, cores=[0, 1, 2], governor="performance", mhz=1600) == [
        "board.governor: performance; CPU 1 has ondemand",
        "board.mhz: 1600; CPU 1 runs at 614.4",
        "board.governor: performance; CPU 2 has none that it tells",
        "board.mhz: 1600; CPU 2 tells none",
    ]


def test_what_changes_while_it_runs_is_not_its_identity() -> None:
    machine = Machine.model_validate(MACHINE)
    cooler = Machine.model_validate({**MACHINE, "load": 3.0, "celsius": 70.0})
    slower = Machine.model_validate({**MACHINE, "cpus": CPUS[:1]})
    assert machine.identity() == cooler.identity() != slower.identity()
    assert machine.slowest_mhz([0, 1, 2]) == 614.4
    assert machine.slowest_mhz([2]) is None
