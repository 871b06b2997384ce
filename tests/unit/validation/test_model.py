# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How programs are compiled and run under the timing model."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import CompletedRun
from colonnade.targets.emulator import emulator, timed
from colonnade.validation.model import CLANG, TimingModel


class Runner:
    """Keeps commands; the model's output has `regions`."""

    def __init__(self, regions: str = "") -> None:
        self.regions = regions
        self.commands: list[list[str]] = []
        self.problem: ColonnadeError | None = None

    def run(self, command: Sequence[str], **_: Any) -> CompletedRun:
        self.commands.append(list(command))
        if self.problem is not None:
            raise self.problem
        for given in command:
            if "out=" in given:
                Path(given.rpartition("out=")[2]).write_text(self.regions)
        return CompletedRun("printed\n", "")


def test_a_program_is_compiled_with_its_flags_before_its_sources(tmp_path: Path) -> None:
    runner = Runner()
    model = TimingModel(runner, Path("model.so"), tmp_path)
    assert model.compile("a", ["x.c", Path("y.S")], "-nostdlib") == tmp_path / "a"
    assert model.compile("b", ["x.c"], compiler=["gcc"]) == tmp_path / "b"
    assert runner.commands == [
        [*CLANG, "-nostdlib", "x.c", "y.S", "-o", str(tmp_path / "a")],
        ["gcc", "x.c", "-o", str(tmp_path / "b")],
    ]


def test_a_run_gives_its_regions_in_order_and_what_it_printed(tmp_path: Path) -> None:
    lines = [{"cycles": 5, "instructions": 3}, {"cycles": 7}]
    runner = Runner("".join(f"{json.dumps(each)}\n" for each in lines))
    model = TimingModel(runner, Path("model.so"), tmp_path)
    found = model.run(
        Path("results/program"), arguments=["a", "b"], core=Path("core.json"), vlen=512,
        qemu_options=["-s", "1"], env={"A": "1"},
    )  # fmt: skip
    assert found == (lines, "printed\n")
    (command,) = runner.commands
    out = tmp_path / "regions.jsonl"
    on_the_model = timed(Path("core.json"), out, Path("model.so"))
    start = ["env", "-i", "A=1", *emulator(512), "-s", "1", *on_the_model, "-0", "program"]
    assert command[: len(start)] == start
    program, *given = command[len(start) :]
    # Where the stack lies does not depend on where the program does.
    assert len(program) == 256
    assert program.endswith("/results/program")
    assert given == ["a", "b"]


def test_what_the_compiler_refuses_is_not_hidden(tmp_path: Path) -> None:
    runner = Runner()
    runner.problem = ColonnadeError("clang-19: exit status 1")
    model = TimingModel(runner, Path("model.so"), tmp_path)
    with pytest.raises(ColonnadeError, match="clang-19: exit status 1"):
        model.compile("a", ["x.c"])
    with pytest.raises(ColonnadeError, match="clang-19: exit status 1"):
        model.run(tmp_path / "a")
