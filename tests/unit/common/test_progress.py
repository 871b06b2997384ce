# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Progress: a line now and then, time left from the pace so far, and lines of a file as they come."""

import time
from pathlib import Path

import pytest

from colonnade.common.progress import (
    LINE_SECONDS,
    Progress,
    duration,
    followed,
    ninja_steps,
    track,
)


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45.4, "45 s"), (89, "89 s"), (95, "2 min"), (3600, "60 min"), (9000, "2.5 h")],
)
def test_durations_are_easy_to_read(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_lines_come_now_and_then_with_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Progress("evaluate dense", 300, "image", clock=clock) as progress:
        for _ in range(300):
            clock.now += 0.5
            progress.add()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 300 * 0.5 / LINE_SECONDS
    assert lines[0] == "evaluate dense: 20 of 300 images, about 2 min left"
    assert lines[1] == "evaluate dense: 40 of 300 images, about 2 min left"
    assert lines[10] == "evaluate dense: 220 of 300 images, about 40 s left"
    assert lines[-1] == "evaluate dense: 300 images in 2 min"


def test_what_was_done_before_does_not_count_as_pace(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Progress("evaluate dense", 100, "image", done=80, clock=clock) as progress:
        clock.now += 20
        progress.reach(90)
    assert "90 of 100 images, about 20 s left" in capsys.readouterr().err


def test_a_short_command_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Progress("profile", 3, "search", clock=clock) as progress:
        for _ in range(3):
            clock.now += 1
            progress.add()
    assert list(track(range(3), "hidden", 3, "batch", shown=False)) == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_a_total_may_become_known_later(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Progress("build", 0, "file", clock=clock) as progress:
        clock.now += 11
        progress.reach(10, 110)
    assert capsys.readouterr().err.startswith("build: 10 of 110 files, about 2 min left\n")


def test_a_failed_command_is_not_said_to_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with pytest.raises(RuntimeError), Progress("build", 9, "file", clock=clock) as progress:
        clock.now += 11
        progress.add()
        raise RuntimeError
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_lines_of_a_file_come_while_it_is_written(tmp_path: Path) -> None:
    path, seen = tmp_path / "log", list[str]()
    path.write_text("of an earlier run\n")
    with followed(path, seen.append), path.open("w", buffering=1) as stream:
        stream.write("one\ntw")
        deadline = time.monotonic() + 30
        while not seen and time.monotonic() < deadline:
            time.sleep(0.02)
        assert seen == ["one"]
        stream.write("o\nthree\nno end")
    assert seen == ["one", "two", "three"]


def test_a_file_that_is_never_written_has_no_lines(tmp_path: Path) -> None:
    seen: list[str] = []
    with followed(tmp_path / "none", seen.append):
        pass
    assert seen == []


def test_a_build_counts_what_ninja_says(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Progress("build host", 0, "step", clock=clock) as progress:
        count = ninja_steps(progress)
        for line in ("-- Configuring done", "[1/80] Building C object a.o", "cc: warning: [9/9] "):
            clock.now += 11
            count(line)
        count("[80/80] Linking CXX executable colonnade-run")
    assert progress.done == 80
    assert capsys.readouterr().err.splitlines() == [
        "build host: 1 of 80 steps, about 29 min left",
        "build host: 80 steps in 33 s",
    ]
