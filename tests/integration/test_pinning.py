# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Programs stay on the CPUs that COLONNADE_CPUS lists."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import Container
from colonnade.targets.emulator import emulator

CPU = min(os.sched_getaffinity(0))
CONV = "n1c8h9w9-o8-k3x3-s1-p1-d1"


def bench(toolchain: Container, programs: Path, root: Path, env: Mapping[str, str]) -> str:
    program = str((programs / "colonnade-bench").relative_to(root))
    options = ["--conv", CONV, "--algorithm", "direct", "--threads", "2"]
    return toolchain.run([*emulator(256), program, *options], env=env).stdout


@pytest.mark.parametrize("env", [{}, {"COLONNADE_CPUS": str(CPU)}], ids=["all", "one"])
def test_a_program_runs_on_the_cpus_that_are_listed(
    toolchain: Container, root: Path, riscv64_programs: Path, env: Mapping[str, str]
) -> None:
    assert json.loads(bench(toolchain, riscv64_programs, root, env))["ms"] > 0


@pytest.mark.parametrize(
    "cpus", ["", "x", "0,", ",0", "0;1", "-1", "0, 0", "1024", "99999999999999999999"]
)
def test_a_wrong_list_is_refused_by_name(
    toolchain: Container, root: Path, riscv64_programs: Path, cpus: str
) -> None:
    with pytest.raises(ColonnadeError) as caught:
        bench(toolchain, riscv64_programs, root, {"COLONNADE_CPUS": cpus})
    said = str(caught.value)
    assert f"error: COLONNADE_CPUS '{cpus}': allowed: numbers of CPUs, such as 0,2" in said


def test_cpus_that_are_not_there_are_refused(
    toolchain: Container, root: Path, riscv64_programs: Path
) -> None:
    for cpus in ("1001", f"{CPU},1001"):
        with pytest.raises(ColonnadeError, match=f"error: COLONNADE_CPUS '{cpus}': "):
            bench(toolchain, riscv64_programs, root, {"COLONNADE_CPUS": cpus})
