# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Participants in processes of their own, and their turns."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.comparison.interleave import RUNS, take_turns
from colonnade.comparison.process import Process

SERVE = """
import json, sys
print("[]", flush=True)
for line in sys.stdin:
    print(json.dumps([0.001 * (i + 1) for i in range(int(line))]), flush=True)
"""


def start(tmp_path: Path, code: str) -> Process:
    tmp_path.mkdir(exist_ok=True)
    return Process([sys.executable, "-c", code], {}, tmp_path / "log")


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_it_runs_when_it_is_asked_to_and_sleeps_in_between(tmp_path: Path) -> None:
    with start(tmp_path, SERVE) as process:
        process.get_ready()
        for _ in range(2):
            assert process.run(3) == [0.001, 0.002, 0.003]
            # A signal takes its time where others compute.
            while state_of(process.pid) != "T":
                time.sleep(0.001)
        process.finish()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit('no such engine')", "exit status 1: no such engine"),
        ("import os; os.kill(os.getpid(), 11)", r"signal 11 \(SIGSEGV\)"),
        ("raise SystemExit(3)", "exit status 3"),
        ("print('no list', flush=True); input()", "no list: not a list of seconds"),
        ("print('[1, \"a\"]', flush=True); input()", "not a list of seconds"),
    ],
)
def test_one_that_does_not_get_ready_says_why(tmp_path: Path, code: str, said: str) -> None:
    with start(tmp_path, code) as process, pytest.raises(ColonnadeError, match=said):
        process.get_ready()


def test_one_that_hangs_is_given_up(tmp_path: Path) -> None:
    begin = time.monotonic()
    with start(tmp_path, "import time; time.sleep(600)") as process:
        with pytest.raises(ColonnadeError, match=r"no answer within 0\.2 s"):
            process.get_ready(0.2)
        pid = process.pid
        # It computes no more beside those whose turn comes next.
        assert not Path(f"/proc/{pid}").exists()
    assert time.monotonic() - begin < 60
    assert not Path(f"/proc/{pid}").exists()


IGNORES_THE_END = 'import time; print("[]", flush=True); time.sleep(600)'
CLOSES_ITS_STREAM = "import os, time; os.close(1); time.sleep(600)"


@pytest.mark.parametrize("code", [IGNORES_THE_END, CLOSES_ITS_STREAM])
def test_one_that_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr("colonnade.comparison.process.SECONDS", 0.2)
    with start(tmp_path, code) as process:
        with pytest.raises(ColonnadeError, match=r"^did not end within 0\.2 s$"):
            process.get_ready(60)
            process.finish()
        assert not Path(f"/proc/{process.pid}").exists()


def test_one_that_sleeps_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """As in an interrupted job of a scheduler, which leaves no time to wake it."""
    code = f"""
import pathlib, time
from colonnade.comparison.process import Process

process = Process([{sys.executable!r}, "-c", {SERVE!r}], {{}}, pathlib.Path({str(tmp_path / "log")!r}))
process.get_ready()
print(process.pid, flush=True)
time.sleep(600)
"""
    command = [sys.executable, "-c", code]
    # A session of its own, so that what is left of it has no terminal either.
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        deadline = time.monotonic() + 60
        while state_of(pid) != "T":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        parent.kill()
    try:
        while Path(f"/proc/{pid}").exists() and state_of(pid) != "Z":
            assert time.monotonic() < deadline, "still asleep"
            time.sleep(0.01)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_one_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match="no-such-program: cannot be started: No such file"):
        Process([str(tmp_path / "no-such-program")], {}, tmp_path / "log")


def test_one_that_fails_in_the_middle_is_out_and_the_others_go_on(tmp_path: Path) -> None:
    dies = SERVE.replace(
        "    print(", "    sys.exit('out of memory') if line == '4\\n' else print(", 1
    )
    with start(tmp_path, SERVE) as good, start(tmp_path / "bad", dies) as bad:
        good.get_ready()
        bad.get_ready()
        results = take_turns({"good": good, "bad": bad}, rounds=5, seed=1)
    # Of each turn's runs the first does not count.
    assert results["good"].ms == pytest.approx([1.0 * (2 + RUNS // 2)] * 5)
    assert (results["bad"].ms, results["bad"].reason) == ([], "exit status 1: out of memory")


class Recorder:
    """Takes part, and takes down when."""

    def __init__(self, name: str, order: list[str]) -> None:
        self.name, self.order = name, order

    def run(self, count: int) -> list[float]:
        self.order.append(self.name)
        return [9.0, *[0.002] * (count - 1)]


def test_each_has_a_turn_in_every_round_in_an_order_that_changes() -> None:
    order: list[str] = []
    rounds: list[int] = []
    participants = {name: Recorder(name, order) for name in "abc"}
    results = take_turns(participants, 8, seed=5, after_round=lambda: rounds.append(len(order)))
    assert rounds == list(range(3, 25, 3))
    turns = ["".join(order[i : i + 3]) for i in range(0, 24, 3)]
    assert all(sorted(turn) == ["a", "b", "c"] for turn in turns)
    assert len(set(turns)) > 2
    assert {name: result.ms for name, result in results.items()} == dict.fromkeys("abc", [2.0] * 8)
    again: list[str] = []
    take_turns({name: Recorder(name, again) for name in "abc"}, 8, seed=5)
    assert again == order
