# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where Docker's socket is looked for."""

from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container.docker import DockerEngine

USUAL, OWN = "/var/run/docker.sock", "/run/user/7/docker.sock"


@pytest.mark.parametrize(
    ("host", "runtime", "sockets", "expected"),
    [
        ("unix:///elsewhere.sock", "/run/user/7", {USUAL, OWN}, "/elsewhere.sock"),
        (None, "/run/user/7", {USUAL, OWN}, USUAL),
        (None, "/run/user/7", {OWN}, OWN),
        # An empty variable is none.
        ("", None, {USUAL, OWN}, USUAL),
    ],
)
def test_the_first_socket_that_is_there_is_used(
    monkeypatch: pytest.MonkeyPatch,
    host: str | None,
    runtime: str | None,
    sockets: set[str],
    expected: str,
) -> None:
    for name, value in (("DOCKER_HOST", host), ("XDG_RUNTIME_DIR", runtime)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(Path, "is_socket", lambda path: str(path) in sockets)
    assert DockerEngine().address() == f"unix://{expected}"


@pytest.mark.parametrize("runtime", ["/run/user/7", None])
def test_without_a_socket_there_is_no_engine(
    monkeypatch: pytest.MonkeyPatch, runtime: str | None
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    if runtime is None:
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    else:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    # A rootless engine's socket is nobody's without a folder of this session.
    found = {OWN} if runtime is None else set()
    monkeypatch.setattr(Path, "is_socket", lambda path: str(path) in found)
    with pytest.raises(ColonnadeError, match=r"^no Docker engine is running$"):
        DockerEngine().address()
