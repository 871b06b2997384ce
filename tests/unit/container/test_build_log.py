# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

from pathlib import Path

import pytest

from colonnade.container.progress import BuildLog


def test_steps_are_shown_and_everything_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "logs" / "build.log"
    with BuildLog("toolchain", path) as log:
        for line in ("==> first", "detail", "", "==> second [x]"):
            log.line(line + "\n")
    shown = capsys.readouterr().err.splitlines()
    assert [line.rpartition(" (")[0] for line in shown[:-1]] == [
        "toolchain: first",
        "toolchain: second [x]",
    ]
    assert shown[-1].startswith("toolchain: done in ")
    assert path.read_text() == "==> first\ndetail\n==> second [x]\n"


def test_the_tail_is_the_end_of_the_output(tmp_path: Path) -> None:
    with BuildLog("toolchain", tmp_path / "build.log") as log:
        for number in range(1000):
            log.line(f"line {number}")
    assert log.tail().splitlines()[-1] == "line 999"
    assert len(log.tail().splitlines()) == 25


def test_a_failed_build_is_not_reported_as_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuntimeError), BuildLog("toolchain", tmp_path / "build.log"):
        raise RuntimeError
    assert "done" not in capsys.readouterr().err
