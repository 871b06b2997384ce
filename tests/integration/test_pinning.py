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
# Runs a program whose shapes come through the pipe $0, which it opens once it has pinned itself; prints
# which CPUs this shell is allowed, and which the program is, and lets it go on.
LOOK = f"""
mkfifo "$0"
"$@" --shapes "$0" >"$0.out" &
exec 3>"$0"
sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/$$/status /proc/$!/status
echo {CONV} >&3
exec 3>&-
wait $!
"""


def command(programs: Path, root: Path) -> list[str]:
    program = str((programs / "colonnade-bench").relative_to(root))
    return [*emulator(256), program, "--algorithm", "direct", "--threads", "2"]


def bench(toolchain: Container, programs: Path, root: Path, env: Mapping[str, str]) -> str:
    return toolchain.run([*command(programs, root), "--conv", CONV], env=env).stdout


@pytest.mark.parametrize("env", [{}, {"COLONNADE_CPUS": str(CPU)}], ids=["all", "one"])
def test_a_program_runs_on_the_cpus_that_are_listed(
    toolchain: Container,
    root: Path,
    riscv64_programs: Path,
    scratch: Path,
    env: Mapping[str, str],
) -> None:
    pipe = scratch.relative_to(root) / f"shapes-{len(env)}"
    # A program that fails before it opens the pipe would be waited for.
    look = ["timeout", "300", "sh", "-ec", LOOK, str(pipe), *command(riscv64_programs, root)]
    shell, program = toolchain.run(look, env=env).stdout.splitlines()
    assert program == env.get("COLONNADE_CPUS", shell)
    assert json.loads(Path(root, f"{pipe}.out").read_text())["ms"] > 0


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
