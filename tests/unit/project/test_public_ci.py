# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Public CI: what its steps run is there, and can be run by hand."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
SCRIPTS = sorted((ROOT / ".github/scripts").iterdir())


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            yield f"{path.stem}-{name}", job


STEPS = [
    pytest.param(step["run"], id=f"{name}-{index}")
    for name, job in jobs()
    for index, step in enumerate(job["steps"])
    if "run" in step
]


def test_there_is_a_job_for_each_purpose() -> None:
    found = dict(jobs())
    assert set(found) == {"push-check", "nightly-test", "nightly-regression", "nightly-riscv"}
    assert found["nightly-riscv"]["runs-on"] == "ubuntu-24.04-riscv"
    assert found["nightly-riscv"]["needs"] == "regression"


@pytest.mark.parametrize("command", STEPS)
def test_a_step_is_one_command_that_is_there(command: str) -> None:
    assert len(command.splitlines()) == 1
    program, *arguments = command.split()
    if program == "make":
        planned = ["make", "--dry-run", "--silent", *arguments]
        run = subprocess.run(planned, cwd=ROOT, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
    elif program == "tar":
        # Its folder is the one that a make target writes.
        assert arguments[-1] in (ROOT / "Makefile").read_text()
    else:
        assert ROOT / program in SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_can_be_run(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0


@pytest.mark.parametrize("has_server", [True, False])
def test_packages_are_installed_where_they_are_not_there(tmp_path: Path, has_server: bool) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sudo", "apt-get", *(["sshd"] if has_server else [])):
        (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{tmp_path}/called\n')
        (tools / name).chmod(0o700)
    # Of the machine's own programs only the shell's interpreter is found.
    script = (ROOT / ".github/scripts/packages.sh").read_text()
    own = script.replace("PATH=$PATH:/usr/sbin:/sbin", "")
    assert own != script
    run = subprocess.run(["/bin/sh", "-c", own], env={"PATH": str(tools)}, check=False)
    assert run.returncode == 0
    called = tmp_path / "called"
    assert called.exists() is not has_server
    if not has_server:
        assert "install -qq -y --no-install-recommends openssh-server" in called.read_text()
