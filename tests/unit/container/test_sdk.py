# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Docker and Podman through their protocol, with a stand-in for the engine on a socket of its own."""

import io
import json
import os
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import docker
import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import mmdebstrap, select_engine
from colonnade.container.docker import DockerEngine
from colonnade.container.podman import PodmanEngine
from colonnade.container.rootfs import RootfsEngine
from colonnade.container.sdk import SdkEngine
from colonnade.container.trial import trial_image

RECIPE = "0123456789abcdef" * 4
REFERENCE = "colonnade-toolchain:0123456789abcdef"
BASE = "debian:trixie-slim"


class Daemon(ThreadingUnixStreamServer):
    """Speaks as much of Docker's protocol as building an image takes."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Answers)
        self.address = f"unix://{path}"
        self.images: dict[str, str] = {}
        self.well = True
        self.can_pull = True
        self.architecture = "s390x"
        self.driver = "overlay2"
        self.refuses: str | None = None
        """Why no container can be made."""
        self.prints: list[dict[str, str]] = [{"stream": "==> compiling\nline"}, {"aux": "id"}]
        self.changes: list[tuple[str, dict[str, str], bytes]] = []
        """Requests that are not only questions: path, query, and body."""


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Daemon

    def address_string(self) -> str:
        return ""

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        path = self._path()
        name = path.removeprefix("/images/").removesuffix("/json")
        if not self.server.well:
            self._answer(500, {"message": "the disk is on fire"})
        elif path == "/_ping":
            self._answer(200, "OK")
        elif path == "/version":
            arch = self.server.architecture
            self._answer(200, {"Version": "1", "ApiVersion": "1.43", "Arch": arch})
        elif path == "/info":
            self._answer(200, {"SecurityOptions": None, "Driver": self.server.driver})
        elif name in self.server.images:
            self._answer(200, {"Id": self.server.images[name]})
        elif name in self.server.images.values():
            self._answer(200, {"Id": name})
        else:
            self._answer(404, {"message": f"No such image: {name}"})

    def do_POST(self) -> None:
        path, body = self._path(), self._body()
        query = {
            name: values[0]
            for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()
        }
        self.server.changes.append((path, query, body))
        images = self.server.images
        if path == "/build":
            if not any("error" in message for message in self.server.prints):
                images[query["t"]] = "sha256:built"
            self._answer(200, "".join(map(json.dumps, self.server.prints)))
        elif path.endswith("/tag"):
            images[f"{query['repo']}:{query['tag']}"] = path.split("/")[2]
            self._answer(201, "")
        elif path == "/containers/create":
            self._answer(409, {"message": self.server.refuses})
        elif "fromSrc" in query:
            self._answer(200, {"status": "sha256:imported"})
        elif self.server.can_pull:
            images[f"{query['fromImage']}:{query['tag']}"] = "sha256:base"
            self._answer(200, {"status": "pulled"})
        else:
            self._answer(404, {"message": "no route to the registry"})

    def do_DELETE(self) -> None:
        self.server.changes.append((f"DELETE {self._path()}", {}, b""))
        self._answer(200, [])

    def _path(self) -> str:
        path = unquote(urlsplit(self.path).path)
        return path.removeprefix("/v1.43")

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, content: Any) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        data = text.encode()
        if data:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """The stand-in, where Docker is looked for; no proxy is set, and nobody's Docker is configured."""
    for name in ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
    with Daemon(tmp_path / "engine.sock") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", server.address)
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "containers/steps").mkdir(parents=True)
    (folder / "containers/Dockerfile").write_text(f"FROM {BASE}\n")
    (folder / "containers/versions.env").write_text("SUITE=trixie\n")
    (folder / "containers/steps/toolchain.sh").write_text("echo\n")
    (folder / ".colonnade").mkdir()
    return folder


def paths(daemon: Daemon) -> list[str]:
    """What was asked to be changed, in order."""
    return [path for path, _, _ in daemon.changes]


def log_of(checkout: Path) -> str:
    return (checkout / ".colonnade/logs/docker.log").read_text()


def test_an_engine_that_answers_is_no_problem(daemon: Daemon) -> None:
    assert DockerEngine().problem() is None
    daemon.well = False
    assert f"docker does not answer on {daemon.address}" in (DockerEngine().problem() or "")


@pytest.mark.parametrize("architecture", ["amd64", "arm64", "riscv64"])
def test_an_engine_that_answers_and_runs_no_container_is_a_problem(
    daemon: Daemon, architecture: str
) -> None:
    """As Podman's does within a container that may not set limits. Nothing is left of the try."""
    daemon.architecture = architecture
    daemon.refuses = "error setting rlimit type 7: operation not permitted"
    problem = DockerEngine().problem() or ""
    assert problem.startswith("cannot run a container here: docker: 409 ")
    assert daemon.refuses in problem
    assert paths(daemon) == [
        "/images/create",
        "/containers/create",
        "DELETE /images/sha256:imported",
    ]
    assert daemon.changes[0][2] == trial_image(architecture)


def test_auto_says_which_engines_it_passed_over(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.architecture, daemon.refuses = "amd64", "not here"
    monkeypatch.setattr(PodmanEngine, "problem", lambda _: "Podman is not installed")
    monkeypatch.setattr(RootfsEngine, "problem", lambda _: None)
    said: list[str] = []
    assert select_engine("auto", said.append).name == "rootfs"
    docker_said, podman_said = said
    assert docker_said.startswith("container.engine: auto takes rootfs; docker (packages: ")
    assert "cannot run a container here" in docker_said
    assert docker_said.count("not here") == 1
    assert podman_said.endswith("; podman (packages: podman): Podman is not installed")


@pytest.mark.parametrize(("rootfs", "chosen"), [(None, "rootfs"), ("not installed", "docker")])
def test_auto_takes_an_engine_that_copies_images_last(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, rootfs: str | None, chosen: str
) -> None:
    monkeypatch.setattr(PodmanEngine, "problem", lambda _: "Podman is not installed")
    monkeypatch.setattr(RootfsEngine, "problem", lambda _: rootfs)
    assert select_engine("auto").name == "docker"
    daemon.driver = "vfs"
    said: list[str] = []
    assert select_engine("auto", said.append).name == chosen
    assert "storage driver vfs" in said[0]
    assert said[0].startswith(f"container.engine: auto takes {chosen}; docker (")
    assert select_engine("docker").name == "docker"


def test_an_image_that_is_there_is_not_built(daemon: Daemon, checkout: Path) -> None:
    daemon.images[REFERENCE] = "sha256:there"
    assert DockerEngine().ensure(checkout, RECIPE) == (REFERENCE, "sha256:there")
    assert daemon.changes == []
    assert not (checkout / ".colonnade/logs").exists()


def test_an_image_is_built_of_the_recipe_on_a_base_that_is_pulled(
    daemon: Daemon, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "example.org")
    assert DockerEngine().ensure(checkout, RECIPE) == (REFERENCE, "sha256:built")
    assert paths(daemon) == ["/images/create", "/build"]
    (_, pulled, _), (_, built, context) = daemon.changes
    assert (pulled["fromImage"], pulled["tag"]) == ("debian", "trixie-slim")
    assert built["t"] == REFERENCE
    labels = json.loads(built["labels"])
    assert labels["colonnade.recipe"] == RECIPE
    assert labels["org.opencontainers.image.version"] == RECIPE[:16]
    assert labels["org.opencontainers.image.base.name"] == BASE
    named = {each for each in labels if each.startswith("org.opencontainers.image.")}
    assert {"title", "description", "url"} <= {each.rpartition(".")[2] for each in named}
    assert json.loads(built["buildargs"]) == {"no_proxy": "example.org"}
    assert (built["networkmode"], built["forcerm"]) == ("host", "True")
    with tarfile.open(fileobj=io.BytesIO(context)) as archive:
        assert {"Dockerfile", "versions.env", "steps/toolchain.sh"} <= set(archive.getnames())
    # What the engine prints beside the build's output is not kept.
    assert log_of(checkout) == "==> compiling\nline\n"


def test_another_archive_is_refused(daemon: Daemon, checkout: Path) -> None:
    (checkout / "containers/archive.list").write_text("deb http://archive.invalid trixie main\n")
    with pytest.raises(ColonnadeError, match=r"archive\.list: docker .* container\.engine rootfs"):
        DockerEngine().ensure(checkout, "0" * 64)
    assert not [each for each in paths(daemon) if "build" in each or "pull" in each]


def test_a_base_that_is_there_is_not_pulled(daemon: Daemon, checkout: Path) -> None:
    daemon.images[BASE] = "sha256:base"
    DockerEngine().ensure(checkout, RECIPE)
    assert paths(daemon) == ["/build"]


def test_without_a_registry_the_base_comes_from_debians_archive(
    daemon: Daemon, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bootstrap(root: Path, target: Path, _log: object) -> None:
        assert root == checkout
        target.write_bytes(b"a whole system")

    daemon.can_pull = False
    monkeypatch.setattr(mmdebstrap, "problem", lambda: None)
    monkeypatch.setattr(mmdebstrap, "base_archive", bootstrap)
    assert DockerEngine().ensure(checkout, RECIPE) == (REFERENCE, "sha256:built")
    assert paths(daemon) == [
        "/images/create",
        "/images/create",
        "/images/sha256:imported/tag",
        "/build",
    ]
    assert daemon.changes[1][2] == b"a whole system"
    assert daemon.images[BASE] == "sha256:imported"
    assert "no route to the registry" in log_of(checkout)
    # The archive is gone.
    assert [path.name for path in (checkout / ".colonnade").iterdir()] == ["logs"]


def test_without_a_registry_and_mmdebstrap_nothing_is_built(
    daemon: Daemon, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.can_pull = False
    monkeypatch.setattr(mmdebstrap, "problem", lambda: "mmdebstrap is not installed")
    with pytest.raises(ColonnadeError) as caught:
        DockerEngine().ensure(checkout, RECIPE)
    assert str(caught.value) == (
        f"docker: {BASE} cannot be pulled, and mmdebstrap is not installed; install mmdebstrap to"
        " bootstrap it from the Debian archive"
    )
    assert paths(daemon) == ["/images/create"]


@pytest.mark.parametrize(
    ("prints", "message"),
    [
        (
            [{"stream": "==> compiling\nE: no such package\n"}, {"error": "exit code: 100"}],
            "docker: building the image (log: {log}): exit code: 100\n"
            "==> compiling\nE: no such package",
        ),
        (
            [{"stream": "cc: No space left on device\n"}, {"error": "exit code: 1"}],
            "docker: building the image: no space left on device",
        ),
        (
            [{"error": "write /tmp: no space left on device"}],
            "docker: building the image: no space left on device",
        ),
    ],
)
def test_a_failed_build_says_how_it_ended(
    daemon: Daemon, checkout: Path, prints: list[dict[str, str]], message: str
) -> None:
    daemon.prints = prints
    with pytest.raises(ColonnadeError) as caught:
        DockerEngine().ensure(checkout, RECIPE)
    assert str(caught.value) == message.format(log=checkout / ".colonnade/logs/docker.log")
    assert REFERENCE not in daemon.images


def test_what_the_engine_refuses_is_said_in_its_words(daemon: Daemon, checkout: Path) -> None:
    engine = DockerEngine()
    assert engine.problem() is None
    daemon.well = False
    with pytest.raises(ColonnadeError, match=r"^docker: 500 .*the disk is on fire"):
        engine.ensure(checkout, RECIPE)


def test_an_image_that_is_gone_says_how_to_rebuild_it(daemon: Daemon, checkout: Path) -> None:
    daemon.images[REFERENCE] = "sha256:newer"
    with pytest.raises(ColonnadeError) as caught:
        DockerEngine().open(REFERENCE, "sha256:older", checkout)
    assert str(caught.value) == (
        f"toolchain image {REFERENCE} (sha256:older): not there any more; delete"
        " results/toolchain/image.json and run again to rebuild it"
    )


class Commands:
    """A client that has every image; its containers answer with `output` and `status`."""

    def __init__(self, output: list[tuple[bytes | None, bytes | None]], status: int) -> None:
        self.output, self.status = output, status
        self.said: dict[str, Any] = {}
        self.created: dict[str, Any] = {}
        self.done: list[str] = []
        self.reads = True
        self.heard = b""
        self.images = SimpleNamespace(get=lambda name: name)
        self.containers = SimpleNamespace(create=self._create)

    def info(self) -> dict[str, Any]:
        return self.said

    def _create(self, image: str, command: list[str], **options: Any) -> Any:
        self.created = {"image": image, "command": command, **options}
        ours, theirs = socket.socketpair()
        theirs.settimeout(5)

        def inlet(params: dict[str, int]) -> Any:
            assert params == {"stdin": 1, "stream": 1}
            if not self.reads:
                theirs.close()
            # What ends the input is its shutdown: the SDK's other references keep it open.
            return SimpleNamespace(_sock=ours, close=lambda: note("close"))

        def output() -> Iterator[tuple[bytes | None, bytes | None]]:
            if options["stdin_open"] and self.reads:
                while chunk := theirs.recv(4096):
                    self.heard += chunk
            theirs.close()
            ours.close()
            yield from self.output

        def note(what: str, **how: Any) -> None:
            self.done.append(what if not how else f"{what} {sorted(how)}")

        return SimpleNamespace(
            attach=lambda **_: output(),
            attach_socket=inlet,
            start=lambda: note("start"),
            wait=lambda: {"StatusCode": self.status},
            remove=lambda **how: note("remove", **how),
        )


class _Engine(SdkEngine):
    name = "podman"
    packages = ""
    address_option = "--url"

    def address(self) -> str:
        return "unix:///nowhere"


Opened = Callable[[Commands], Any]


@pytest.fixture
def opened(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Opens an image of a client."""

    def open_with(client: Commands) -> Any:
        monkeypatch.setattr(_Engine, "_client", cast("docker.DockerClient", client))
        return _Engine().open(REFERENCE, "sha256:0", checkout)

    return open_with


def test_a_command_has_what_it_is_given_and_its_streams_stay_apart(
    opened: Opened, tmp_path: Path
) -> None:
    client = Commands([(b"out\n", None), (None, b"err\n"), (b"more\n", None)], 0)
    log = tmp_path / "logs/command.log"
    done = opened(client).run(["cat", "x"], env={"A": "1", "HOME": "/x"}, log=log, stdin=b"given")
    assert (done.stdout, done.stderr) == ("out\nmore\n", "err\n")
    assert log.read_text() == "out\nerr\nmore\n"
    assert client.heard == b"given"
    assert (client.created["image"], client.created["command"]) == ("sha256:0", ["cat", "x"])
    assert client.created["environment"] == {"HOME": "/x", "LANG": "C.UTF-8", "A": "1"}
    assert client.created["working_dir"] == "/colonnade"
    assert (client.created["network_mode"], client.created["read_only"]) == ("none", True)
    assert client.done == ["start", "close", "remove ['force', 'v']"]


def test_without_input_none_is_open(opened: Opened) -> None:
    client = Commands([], 0)
    opened(client).run(["true"])
    assert client.created["stdin_open"] is False


@pytest.mark.parametrize(
    ("said", "user"),
    [
        ({"SecurityOptions": ["name=seccomp", "name=rootless"]}, "0:0"),
        ({"SecurityOptions": ["name=seccomp"], "Rootless": True}, "0:0"),
        ({"SecurityOptions": ["name=seccomp"], "Rootless": False}, f"{os.getuid()}:{os.getgid()}"),
        ({"SecurityOptions": ["name=seccomp"]}, f"{os.getuid()}:{os.getgid()}"),
        ({"SecurityOptions": None}, f"{os.getuid()}:{os.getgid()}"),
    ],
)
def test_files_belong_to_the_caller(opened: Opened, said: dict[str, Any], user: str) -> None:
    """As Docker and Podman say it."""
    client = Commands([], 0)
    client.said = said
    opened(client).run(["true"])
    assert client.created["user"] == user


def test_a_command_that_fails_is_named_and_its_container_removed(opened: Opened) -> None:
    client = Commands([(None, b"cannot\n")], 3)
    with pytest.raises(ColonnadeError) as caught:
        opened(client).run(["make", "all"])
    assert str(caught.value) == "podman: make: exit status 3\ncannot"
    assert client.done[-1].startswith("remove")


def test_a_command_that_does_not_read_all_of_its_input_is_judged_by_its_status(
    opened: Opened,
) -> None:
    client = Commands([(b"enough", None)], 0)
    client.reads = False
    assert opened(client).run(["head", "-c1"], stdin=b"x" * 10_000_000).stdout == "enough"
    assert client.done == ["start", "close", "remove ['force', 'v']"]


def test_an_engine_that_goes_away_is_named(opened: Opened) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise docker.errors.APIError("it went away")

    client = Commands([], 0)
    container = opened(client)
    client.containers.create = gone
    with pytest.raises(ColonnadeError, match=r"^podman: it went away$"):
        container.run(["true"])
