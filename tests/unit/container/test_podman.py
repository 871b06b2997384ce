# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where Podman is found, and the service that is started where it is not, with a stand-in for it."""

import atexit
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import podman
from colonnade.container.podman import PodmanEngine

# Does what it is told: serves the socket that the last argument names.
SERVES = """#!{python}
import os, socket, sys, time
path = sys.argv[-1].removeprefix("unix://")
with open("{calls}", "w") as calls:
    print(os.getpid(), *sys.argv[1:], file=calls)
with socket.socket(socket.AF_UNIX) as served:
    served.bind(path)
    time.sleep(100)
"""
REFUSES = """#!/bin/sh
echo "Error: no subordinate ids" >&2
exit 125
"""
WAITS = """#!/bin/sh
echo "still starting"
exec sleep 100
"""

Install = Callable[[str], Path]


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    """What is to be done when this process ends; done with the test."""
    waiting: list[Callable[[], None]] = []
    monkeypatch.setattr(atexit, "register", waiting.append)
    yield waiting
    for stop in waiting:
        stop()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary folders are made: an address of a socket may have about a hundred bytes."""
    folder = tempfile.mkdtemp()
    monkeypatch.setattr(tempfile, "tempdir", folder)
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.fixture
def install(
    short: Path,
    ended: list[Callable[[], None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Install:
    """Installs a stand-in where no socket is served yet; returns the file of its call."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    calls, tools = tmp_path / "calls", tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")

    def write(text: str) -> Path:
        program = tools / "podman"
        program.write_text(text.replace("{python}", sys.executable).replace("{calls}", str(calls)))
        program.chmod(0o755)
        return calls

    return write


def test_the_users_own_socket_is_used_and_nothing_started(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    monkeypatch.setattr(podman, "_start_service", lambda: pytest.fail("started"))
    (short / "podman").mkdir()
    path = short / "podman/podman.sock"
    with socket.socket(socket.AF_UNIX) as served:
        served.bind(str(path))
        assert PodmanEngine().address() == f"unix://{path}"


@pytest.mark.parametrize(
    ("user", "runtime", "expected"),
    [
        (0, "/somewhere", "unix:///run/podman/podman.sock"),
        (7, "/somewhere", "unix:///somewhere/podman/podman.sock"),
        (7, None, "unix:///run/user/7/podman/podman.sock"),
    ],
)
def test_root_has_the_systems_socket_and_users_have_theirs(
    monkeypatch: pytest.MonkeyPatch, user: int, runtime: str | None, expected: str
) -> None:
    monkeypatch.setattr(Path, "is_socket", lambda _: True)
    for name in ("getuid", "geteuid"):
        monkeypatch.setattr(os, name, lambda: user)
    if runtime is None:
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    else:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    assert PodmanEngine().address() == expected


def test_podman_that_is_not_installed_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert PodmanEngine().problem() == "Podman is not installed"


def test_a_service_is_started_for_us_and_ends_with_us(
    install: Install, ended: list[Callable[[], None]]
) -> None:
    calls = install(SERVES)
    address = PodmanEngine().address()
    path = Path(address.removeprefix("unix://"))
    assert path.is_socket()
    pid, *words = calls.read_text().split()
    # Should we be killed, it ends by itself.
    assert words == ["system", "service", "--time", "60", address]
    # What a terminal sends to us is not for it.
    assert os.getpgid(int(pid)) == int(pid)
    (stop,) = ended
    stop()
    ended.clear()
    assert not psutil.pid_exists(int(pid))
    assert not path.parent.exists()


def test_a_service_that_does_not_start_says_why(install: Install, short: Path) -> None:
    install(REFUSES)
    with pytest.raises(ColonnadeError) as caught:
        PodmanEngine().address()
    assert str(caught.value) == "podman system service did not start: Error: no subordinate ids"


def test_a_service_that_never_serves_is_given_up_and_ended(
    install: Install,
    ended: list[Callable[[], None]],
    short: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(WAITS)
    monkeypatch.setattr(podman, "_START_SECONDS", 0.3)
    assert "did not start: still starting" in (PodmanEngine().problem() or "")
    (stop,) = ended
    stop()
    ended.clear()
    assert list(short.iterdir()) == []
    assert not any(child.name() == "sleep" for child in psutil.Process().children())
