# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a container sees of a checkout whose folders are symlinks to elsewhere."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import sdk
from colonnade.container.mounts import Mount, mounts
from colonnade.container.sdk import SdkEngine


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "home/checkout"
    (folder / "kernels").mkdir(parents=True)
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    (folder / "results/train").mkdir(parents=True)
    return folder


def _seen(checkout: Path) -> list[Mount]:
    first, *others = mounts(checkout)
    assert first == Mount(checkout.resolve(), "/colonnade")
    return others


def test_a_plain_checkout_is_all_there_is(checkout: Path) -> None:
    (checkout / "results").mkdir()
    (checkout / "results/newest").symlink_to("train")
    (checkout / "results/train").mkdir()
    assert _seen(checkout) == []


def test_results_elsewhere_are_mounted_where_the_link_leads(checkout: Path, disk: Path) -> None:
    (checkout / "results").symlink_to(disk / "results")
    assert _seen(checkout) == [Mount(disk / "results", str(disk / "results"))]


def test_a_relative_link_leads_somewhere_else_from_inside(checkout: Path, disk: Path) -> None:
    (checkout / "results").symlink_to("../../disk/results")
    assert _seen(checkout) == [Mount(disk / "results", "/disk/results")]


def test_a_link_to_a_link_is_followed(checkout: Path, disk: Path, tmp_path: Path) -> None:
    (tmp_path / "big").symlink_to(disk)
    (checkout / "results").symlink_to(tmp_path / "big/results")
    assert _seen(checkout) == [Mount(disk / "results", str(tmp_path / "big/results"))]


def test_links_deeper_down_and_to_files_count(checkout: Path, disk: Path, tmp_path: Path) -> None:
    core = tmp_path / "my_core.json"
    core.touch()
    (checkout / "kernels/timing/cores").mkdir(parents=True)
    (checkout / "kernels/timing/cores/mine.json").symlink_to(core)
    (checkout / "results").symlink_to(disk / "results")
    (disk / "results/build").symlink_to("../../fast/build")
    build = tmp_path / "fast/build"
    build.mkdir(parents=True)
    assert _seen(checkout) == [
        Mount(disk / "results", str(disk / "results")),
        Mount(build, str(build)),
        Mount(core, str(core)),
    ]


def test_what_is_mounted_already_is_not_mounted_again(checkout: Path, disk: Path) -> None:
    (checkout / "results").symlink_to(disk / "results")
    (disk / "results/newest").symlink_to("train")
    assert [mount.source for mount in _seen(checkout)] == [disk / "results"]


@pytest.mark.parametrize(
    "name", ["results", ".colonnade", "results/build", "results/build/riscv64"]
)
def test_a_link_to_nowhere_is_refused_by_name(checkout: Path, name: str) -> None:
    link = checkout / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to("/mnt/unplugged")
    message = rf"{name}: a symlink to /mnt/unplugged, where nothing is; create that folder"
    with pytest.raises(ColonnadeError, match=message):
        mounts(checkout)


@pytest.mark.parametrize("name", ["kernels/.#main.cc", "results/.#report.html", "notes"])
def test_links_to_nowhere_that_nothing_needs_are_no_error(checkout: Path, name: str) -> None:
    (checkout / "results").mkdir()
    (checkout / name).symlink_to("user@host:1234")
    assert _seen(checkout) == []


def test_a_file_in_place_of_a_folder_is_refused(checkout: Path) -> None:
    (checkout / "results").touch()
    with pytest.raises(ColonnadeError, match="results: not a folder"):
        mounts(checkout)


@pytest.mark.parametrize("target", ["/usr/share", "/etc", "/"])
def test_a_link_to_a_place_of_the_container_itself_is_refused(checkout: Path, target: str) -> None:
    (checkout / "data").symlink_to(target)
    with pytest.raises(ColonnadeError, match=rf"data: a symlink to {target}, where the toolchain"):
        mounts(checkout)


def test_a_loop_of_links_ends(checkout: Path) -> None:
    (checkout / "results").mkdir()
    (checkout / "results/all").symlink_to("..")
    (checkout / "self").symlink_to("self")
    assert _seen(checkout) == []


class _Recorder:
    """A Docker client that has every image, and keeps what containers are created with."""

    def __init__(self) -> None:
        self.created: dict[str, Any] = {}
        self.images = SimpleNamespace(get=lambda name: name)
        self.containers = SimpleNamespace(create=self._create)

    def info(self) -> dict[str, Any]:
        return {"SecurityOptions": ["name=rootless"]}

    def _create(self, image: str, command: list[str], **options: Any) -> Any:
        self.created = {"image": image, "command": command, **options}
        return SimpleNamespace(
            id="0123",
            attach=lambda **_: iter([(b"out", None)]),
            start=lambda: None,
            wait=lambda: {"StatusCode": 0},
            remove=lambda **_: None,
        )


class _Engine(SdkEngine):
    name = "docker"
    packages = ""
    address_option = "--host"

    def address(self) -> str:
        return "unix:///nowhere"


def test_docker_and_podman_mount_what_links_lead_to(
    checkout: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "results").symlink_to(disk / "results")
    client = _Recorder()
    monkeypatch.setattr(_Engine, "_client", client)
    assert _Engine().open("r", "sha256:0", checkout).run(["true"]).stdout == "out"
    bound = [(each["Source"], each["Target"], each["Type"]) for each in client.created["mounts"]]
    assert bound == [
        (str(checkout), "/colonnade", "bind"),
        (str(disk / "results"), str(disk / "results"), "bind"),
    ]
    assert not any(each.get("ReadOnly") for each in client.created["mounts"])


@pytest.mark.parametrize("terminal", [True, False])
def test_docker_and_podman_hand_the_terminal_to_their_own_program(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, terminal: bool
) -> None:
    client = _Recorder()
    monkeypatch.setattr(_Engine, "_client", client)
    monkeypatch.setattr(sdk.sys, "stdin", SimpleNamespace(isatty=lambda: terminal))
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\nexit 5\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert _Engine().open("r", "sha256:0", checkout).attach(["bash"], env={"TERM": "xterm"}) == 5
    expected = "--host unix:///nowhere start --attach --interactive 0123\n"
    assert (tmp_path / "arguments").read_text() == expected
    assert (client.created["tty"], client.created["stdin_open"]) == (terminal, True)
    assert client.created["environment"]["TERM"] == "xterm"
    assert client.created["command"][-1] == "bash"


def test_without_the_engines_program_no_terminal_is_handed_over(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_Engine, "_client", _Recorder())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ColonnadeError, match="the program docker is not installed"):
        _Engine().open("r", "sha256:0", checkout).attach(["bash"])
