# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A build says how far it is while it runs, and leaves its log."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from colonnade.cli import toolchain
from colonnade.common import progress
from colonnade.container import CompletedRun


class FakeContainer:
    """Prints what a build does."""

    def run(self, command: Sequence[str], *, log: Path) -> CompletedRun:
        assert command[:3] == ["sh", "kernels/build.sh", "host"]
        lines = ["-- Generating done", *(f"[{step}/3] Building C object" for step in (1, 2, 3))]
        log.write_text("".join(f"{line}\n" for line in lines))
        return CompletedRun("", "")


def test_a_build_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(toolchain, "container", FakeContainer)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0)
    log = tmp_path / "logs/build.log"
    log.parent.mkdir()
    log.write_text("[9/9] of the build before\n")
    run = CliRunner().invoke(toolchain.build, ["host", "--log", str(log)])
    assert run.exit_code == 0, run.output
    said = run.output.splitlines()
    assert [line.split(",")[0] for line in said[:-1]] == [
        f"build host: {step} of 3 steps" for step in (1, 2)
    ]
    assert said[-1].startswith("build host: 3 steps in ")
    assert "Generating done" in log.read_text()
