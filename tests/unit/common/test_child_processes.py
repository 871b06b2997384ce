# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from colonnade.common import processes
from colonnade.common.errors import ColonnadeError
from colonnade.common.processes import child
from colonnade.container.transcript import CompletedRun, Transcript


def _run(script: str, log: Path | None = None, stdin: bytes | None = None) -> CompletedRun:
    source = subprocess.DEVNULL if stdin is None else subprocess.PIPE
    with Transcript(log) as transcript, child(["sh", "-c", script], stdin=source) as process:
        status = transcript.drain(process, stdin)
    return transcript.result("sh", status)


def test_streams_are_kept_apart_and_logged_together(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "run.log"
    assert _run("echo out; echo err >&2", log) == CompletedRun("out\n", "err\n")
    assert sorted(log.read_text().splitlines()) == ["err", "out"]


def test_large_input_and_output_do_not_block() -> None:
    content = b"0123456789abcdef" * 200_000
    assert _run("cat", stdin=content).stdout == content.decode()


def test_input_that_is_not_read_is_no_error() -> None:
    assert _run("exec true", stdin=b"x" * 1_000_000) == CompletedRun("", "")


def test_no_input_is_an_empty_input() -> None:
    assert _run("cat").stdout == ""


def test_failure_carries_status_log_and_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with pytest.raises(ColonnadeError) as caught:
        _run("echo result; echo the reason >&2; exit 7", log)
    assert str(caught.value) == f"sh: exit status 7 (log: {log})\nresult\nthe reason"


def test_failure_carries_the_end_of_each_stream_whatever_came_last() -> None:
    def message(script: str) -> str:
        with pytest.raises(ColonnadeError) as caught:
            _run(f"{script}; exit 7")
        return str(caught.value)

    out, err = "seq 10000 19999", "seq 20000 29999 >&2"
    printed = ["".join(f"{line}\n" for line in range(n, n + 10000)) for n in (10000, 20000)]
    ends = [text[-2000:].strip() for text in printed]
    expected = "\n".join(["sh: exit status 7", *ends])
    assert message(f"{out}; {err}") == expected
    assert message(f"{err}; {out}") == expected


def test_a_full_disk_under_the_log_is_reported() -> None:
    with pytest.raises(ColonnadeError, match=r"/dev/full: cannot be written: No space left"):
        _run("seq 100000", Path("/dev/full"))


def _wait_until_gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_leaving_early_ends_the_child_and_its_children() -> None:
    script = "sleep 300 & echo $!; wait"
    with pytest.raises(RuntimeError), child(["sh", "-c", script]) as process:
        assert process.stdout is not None
        grandchild = int(process.stdout.readline())
        raise RuntimeError
    assert process.returncode == -signal.SIGTERM
    assert _wait_until_gone(grandchild)


@pytest.mark.parametrize("last", ["wait", "exit"])
def test_a_child_of_the_child_that_ignores_sigterm_is_killed(
    last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its parent was ended or was gone before; nor does a thread that reads on wait for it."""
    monkeypatch.setattr(processes, "_GRACE_SECONDS", 0.5)
    script = f"(trap '' TERM; echo ready; exec sleep 30) & echo $!; {last}"
    with child(["sh", "-c", script]) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = sorted(process.stdout.readline() for _ in range(2))
        assert lines[1] == b"ready\n"
        reader = threading.Thread(target=process.stderr.read, daemon=True)
        reader.start()
        if last == "exit":
            process.wait()
        start = time.monotonic()
    # Far from both the grace and the end of the sleep.
    assert time.monotonic() - start < 20
    assert _wait_until_gone(int(lines[0]))
    reader.join(5)
    assert not reader.is_alive()


def test_a_terminated_program_ends_its_children_first() -> None:
    program = (
        "from colonnade.common.processes import child\n"
        "with child(['sh', '-c', 'sleep 300 & echo $!; wait']) as process:\n"
        "    print(process.stdout.readline().decode(), flush=True)\n"
        "    process.wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        grandchild = int(parent.stdout.readline())
        parent.terminate()
        assert parent.wait(30) == 128 + signal.SIGTERM
    assert _wait_until_gone(grandchild)
