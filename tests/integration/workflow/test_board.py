# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the documentation types for a board, as it is typed there, on one that is on loopback."""

import csv
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from colonnade.container import Container

from ..emulated_board import EmulatedBoard, emulated_board
from ..sshd import serve
from .conftest import Checkout
from .test_readme import ACTIVATE, BOARD, DOCUMENTED

COMMANDS = [command for command in DOCUMENTED if BOARD.match(command)]
FULL_RUN = "snakemake full-run --config target=board"
# Of `make board-nightly`: tens of minutes on an emulated board. `make test` plans the workflow.
WHOLE = os.environ.get("COLONNADE_WHOLE_BOARD") == "1"
LONG = (FULL_RUN, "colonnade board calibrate")

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the emulator of the toolchain's image is one for x86-64"
)


@pytest.fixture(scope="module")
def board(
    finished: Checkout,
    toolchain: Container,
    root: Path,
    scratch: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[EmulatedBoard]:
    """The board that config/targets/board.yaml of the finished checkout names."""
    tools = scratch / "tools"
    tools.mkdir()
    target = finished / "config/targets/board.yaml"
    example = target.read_text()
    with serve(tmp_path_factory.mktemp("riscv") / "board") as server:
        running = emulated_board(server, toolchain, root, tools)
        running.target_file(target)
        yield running
    target.write_text(example)


def test_the_documentation_has_all_commands_of_a_board() -> None:
    said = {command.split()[2] for command in COMMANDS if command.startswith("colonnade board")}
    assert said == {"probe", "run", "calibrate", "programs", "clean"}
    assert any(command.startswith(FULL_RUN) for command in COMMANDS)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith(FULL_RUN)], ids=repr)
def test_documented_run_can_be_planned(
    finished: Checkout, board: EmulatedBoard, command: str
) -> None:
    run = finished.shell(f"{ACTIVATE}\n{command} --dry-run")
    assert run.returncode == 0, run.stdout[-6000:]
    assert "This was a dry-run" in run.stdout
    assert board.server.jobs() == []


@pytest.mark.parametrize(
    "command", [c for c in COMMANDS if WHOLE or not c.startswith(LONG)], ids=repr
)
def test_documented_command_works_as_typed(
    finished: Checkout, board: EmulatedBoard, command: str
) -> None:
    (board.server.folder / "runs").unlink(missing_ok=True)
    run = finished.shell(f"{ACTIVATE}\n{command}")
    assert run.returncode == 0, run.stdout[-6000:]
    assert "Traceback" not in run.stdout
    assert board.server.jobs() == []
    if command.startswith(FULL_RUN):
        check_full_run(finished, board, command.rpartition("results=")[2])


def check_full_run(finished: Checkout, board: EmulatedBoard, results: str) -> None:
    """That it profiled and timed on the board."""
    assert {"colonnade-bench", "colonnade-run"} <= set(board.runs)
    for name in ("layers", "throughput"):
        rows = list(csv.DictReader((finished / f"{results}/tables/{name}.csv").open()))
        assert rows, name
        assert {(row["target"], row["evidence"]) for row in rows} == {("board", "measured")}
    claims = json.loads((finished / f"{results}/claims.json").read_text())
    assert {claim["id"]: claim for claim in claims}["throughput"]["evidence"] == "measured"
    assert (finished / f"{results}/report.html").exists()
