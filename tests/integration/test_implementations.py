# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The runner's table of implementations is what its source and the workflow say."""

import json
from pathlib import Path

import pytest

from colonnade.common.datatypes import DTYPES, TOLERANCE
from colonnade.common.errors import ColonnadeError
from colonnade.container import Container
from colonnade.targets.emulator import emulator
from colonnade.targets.implementations import IMPLEMENTATIONS
from colonnade.tuning.cost_model.assembly import generator

from ..implementations import of_the_source

EMULATOR = emulator(256)


def test_the_workflow_knows_the_runners(
    toolchain: Container, riscv64_programs: Path, root: Path
) -> None:
    program = str(riscv64_programs.relative_to(root) / "colonnade-run")
    listed = json.loads(toolchain.run([*EMULATOR, program, "--list"]).stdout)
    dtypes = {each["name"]: each.pop("dtypes") for each in listed}
    assert listed == [each._asdict() for each in of_the_source()]
    assert [each["name"] for each in listed] == [*IMPLEMENTATIONS]
    every = [each.name for each in generator().DATATYPES]
    assert every == list(DTYPES) == list(TOLERANCE)
    for each in of_the_source():
        assert dtypes[each.name] == (every if each.layout == "planes" else ["f32"])


def test_no_other_is_taken(toolchain: Container, riscv64_programs: Path, root: Path) -> None:
    program = str(riscv64_programs.relative_to(root) / "colonnade-run")
    with pytest.raises(ColonnadeError) as refused:
        toolchain.run([*EMULATOR, program, "--implementation", "colnm_fastest"])
    for name in IMPLEMENTATIONS:
        assert name in str(refused.value)


def test_too_few_addresses_are_told(toolchain: Container, host_programs: Path, root: Path) -> None:
    program = host_programs.relative_to(root) / "colonnade-run"
    with pytest.raises(
        ColonnadeError, match=r"(?s)exit status 2.*error: \d+ bytes of addresses are needed"
    ):
        toolchain.run(["sh", "-c", f"ulimit -v 4000000; exec {program} --list"])
