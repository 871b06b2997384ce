# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Public CI: what its steps run is there, and can be run by hand."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.installed import PACKAGES, require

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


def install(folder: Path, present: Iterable[str], uid: int) -> tuple[str, list[str]]:
    """Run the script where only the programs `present` are; what it says, and what it called."""
    tools = folder / "tools"
    tools.mkdir()
    for name in ("apt-get", *present):
        (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{folder}/called\n')
    (tools / "id").write_text(f"#!/bin/sh\necho {uid}\n")
    for each in tools.iterdir():
        each.chmod(0o700)
    script = (ROOT / ".github/scripts/packages.sh").read_text()
    own = script.replace("PATH=$PATH:/usr/sbin:/sbin", "")
    assert own != script
    run = subprocess.run(
        ["/bin/sh", "-c", own],
        env={"PATH": str(tools)},
        check=True,
        capture_output=True,
        text=True,
    )
    called = folder / "called"
    return run.stderr, called.read_text().splitlines() if called.exists() else []


@pytest.mark.parametrize("program", sorted(PACKAGES))
def test_a_package_is_installed_where_its_program_is_not_there(
    tmp_path: Path, program: str
) -> None:
    others = [names[-1] for each, (names, _) in PACKAGES.items() if each != program]
    _, called = install(tmp_path, others, uid=0)
    assert called[0] == "apt-get update -qq"
    (line,) = called[1:]
    installed = line.removeprefix("apt-get install -qq -y --no-install-recommends ").split()
    assert installed[0] == PACKAGES[program][1]
    assert all(each.startswith("fonts-") for each in installed[1:])


def test_nothing_is_installed_where_all_is_there(tmp_path: Path) -> None:
    present = [names[0] for names, _ in PACKAGES.values()]
    assert install(tmp_path, present, uid=0) == ("", [])


@pytest.mark.parametrize("sudo", [True, False])
def test_a_user_installs_by_sudo_or_is_told_what_is_missing(tmp_path: Path, sudo: bool) -> None:
    said, called = install(tmp_path, ["sudo"] if sudo else [], uid=1000)
    if sudo:
        assert called[0] == "sudo -n true"
        assert called[-1].startswith("sudo -n apt-get install -qq -y ")
    else:
        assert called == []
    assert ("tests that need them are skipped: chromium " in said) is not sudo


def test_ci_lets_no_test_be_skipped_for_want_of_a_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = (ROOT / ".ci/run").read_text()
    assert run.index("packages.sh") < run.index("export COLONNADE_ALL_INSTALLED=1")
    monkeypatch.setattr("tests.installed.PATH", "")
    reason = re.escape("chromium is not installed (Debian's package chromium)")
    monkeypatch.delenv("COLONNADE_ALL_INSTALLED", raising=False)
    with pytest.raises(pytest.skip.Exception, match=reason):
        require("chromium")
    monkeypatch.setenv("COLONNADE_ALL_INSTALLED", "1")
    with pytest.raises(pytest.fail.Exception, match=reason):
        require("chromium")
