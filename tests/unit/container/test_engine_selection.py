# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

import socket
from pathlib import Path
from typing import get_args

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import select_engine
from colonnade.container.docker import DockerEngine
from colonnade.container.image import EngineName, Image
from colonnade.container.inside import InsideEngine
from colonnade.container.podman import PodmanEngine
from colonnade.container.rootfs import RootfsEngine
from colonnade.container.selection import ENGINES, open_image

KINDS = (InsideEngine, DockerEngine, PodmanEngine, RootfsEngine)


def _only(monkeypatch: pytest.MonkeyPatch, *working: str) -> None:
    for kind in KINDS:
        problem = None if kind.name in working else f"{kind.name} is broken"
        monkeypatch.setattr(kind, "problem", lambda _self, problem=problem: problem)
        monkeypatch.setattr(kind, "drawback", lambda _self: None)


@pytest.mark.parametrize(
    ("working", "chosen"),
    [
        (("inside", "docker", "podman", "rootfs"), "inside"),
        (("docker", "podman", "rootfs"), "docker"),
        (("podman", "rootfs"), "podman"),
        (("rootfs",), "rootfs"),
    ],
)
def test_auto_takes_the_first_that_works(
    monkeypatch: pytest.MonkeyPatch, working: tuple[str, ...], chosen: str
) -> None:
    _only(monkeypatch, *working)
    assert select_engine("auto").name == chosen


@pytest.mark.parametrize("name", ["inside", "docker", "podman", "rootfs"])
def test_a_named_engine_is_taken_whatever_else_works(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _only(monkeypatch, "inside", "docker", "podman", "rootfs")
    assert select_engine(name).name == name


def test_a_named_engine_that_does_not_work_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch, "docker", "rootfs")
    with pytest.raises(ColonnadeError, match=r"container\.engine: podman: .*podman is broken"):
        select_engine("podman")


def test_no_engine_at_all_names_the_packages_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch)
    with pytest.raises(ColonnadeError) as caught:
        select_engine("auto")
    message = str(caught.value)
    assert "\n" not in message
    for word in ("docker.io", "podman", "mmdebstrap", "bubblewrap", "uidmap"):
        assert word in message
    # No package makes a machine a release image.
    assert "inside" not in message
    with pytest.raises(ColonnadeError, match=r"inside is broken$"):
        select_engine("inside")


def test_unknown_engine_names_the_allowed_ones() -> None:
    expected = "container.engine: 'lxc'; allowed: auto, inside, docker, podman, rootfs"
    with pytest.raises(ColonnadeError) as caught:
        select_engine("lxc")
    assert str(caught.value) == expected


def test_a_remote_docker_host_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://board")
    assert "DOCKER_HOST: ssh://board; only unix://" in (DockerEngine().problem() or "")


def test_a_socket_that_nobody_serves_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as unserved:
        unserved.bind(str(address))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{address}")
    assert "docker does not answer" in (DockerEngine().problem() or "")


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "mmdebstrap" in (RootfsEngine().problem() or "")


def test_the_engine_of_the_record_opens_the_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[tuple[str, str, Path]] = []
    monkeypatch.setattr(
        PodmanEngine, "open", lambda _self, *arguments: opened.append(arguments) or "container"
    )
    image = Image(
        engine="podman", reference="r:1", digest="sha256:0", recipe="", packages={}, compilers={},
        qemu="",
    )  # fmt: skip
    image.save(tmp_path / "image.json")
    assert open_image(tmp_path / "image.json", tmp_path) == "container"
    assert opened == [("r:1", "sha256:0", tmp_path)]


def test_every_engine_of_the_configuration_exists() -> None:
    assert {name: load() for name, load in ENGINES.items()} == {kind.name: kind for kind in KINDS}
    assert set(ENGINES) == set(get_args(EngineName))
