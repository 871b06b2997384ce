# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Docker and Podman, both through the docker SDK: Podman's socket answers the same requests."""

import json
import os
import shutil
import socket
import sys
import tempfile
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import docker
import requests
from docker.errors import DockerException, ImageNotFound

from colonnade.common.errors import ColonnadeError
from colonnade.common.processes import attached, exit_on_signals
from colonnade.container import mmdebstrap
from colonnade.container.engine import Container, Engine, image_missing
from colonnade.container.mounts import Mount, mounts
from colonnade.container.progress import BuildLog
from colonnade.container.recipe import (
    ARCHIVE_LIST,
    MOUNT_POINT,
    STATE_FOLDER,
    archive_lines,
    debian_suite,
)
from colonnade.container.transcript import CompletedRun, Transcript
from colonnade.container.trial import PROGRAM, trial_image

_REPOSITORY = "colonnade-toolchain"
_ANSWER_SECONDS = 5
_REQUEST_SECONDS = 120
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")


def labels(recipe: str, suite: str) -> dict[str, str]:
    """What an image says of itself, under the names that the Open Container Initiative has for it."""
    return {
        "colonnade.recipe": recipe,
        "org.opencontainers.image.title": "Colonnade's toolchain",
        "org.opencontainers.image.description": "Compilers for RISC-V, QEMU with plugins, and the sources"
        " of XNNPACK and OpenBLAS, as Colonnade's workflow uses them",
        "org.opencontainers.image.version": recipe[:16],
        "org.opencontainers.image.base.name": f"debian:{suite}-slim",
        "org.opencontainers.image.url": "https://arxiv.org/abs/2507.17301",
    }


class SdkEngine(Engine):
    """An engine that listens on a Unix socket and speaks Docker's protocol."""

    address_option: ClassVar[str]
    """Option of the engine's own program that takes this address."""

    @abstractmethod
    def address(self) -> str:
        """The `unix://` address of a socket that should answer.

        Raises:
            ColonnadeError: there is none.
        """

    @cached_property
    def _address(self) -> str:
        return self.address()

    @cached_property
    def _client(self) -> docker.DockerClient:
        address = self._address
        try:
            with closing(docker.DockerClient(base_url=address, timeout=_ANSWER_SECONDS)) as asked:
                asked.ping()
            return docker.DockerClient(base_url=address, timeout=_REQUEST_SECONDS)
        except (DockerException, requests.RequestException) as error:
            raise ColonnadeError(f"{self.name} does not answer on {address}: {error}") from error

    def problem(self) -> str | None:
        """Why this engine cannot be used here; None if it has run a container."""
        try:
            with _translated(self.name):
                self._run_a_container()
        except ColonnadeError as error:
            return str(error)
        return None

    def _run_a_container(self) -> None:
        archive = trial_image(str(self._client.version().get("Arch")))
        if archive is None:
            return
        reply = self._client.api.import_image_from_data(archive)
        image = _imported(reply)
        try:
            _SdkRuns(self.name, [], self._client, image, []).run([PROGRAM])
        except ColonnadeError as error:
            raise ColonnadeError(f"cannot run a container here: {error}") from error
        finally:
            self._client.api.remove_image(image, force=True)

    def drawback(self) -> str | None:
        """That it copies the whole image for every container, which is a gigabyte and a half."""
        with _translated(self.name):
            driver = self._client.info().get("Driver")
        if driver != "vfs":
            return None
        return "its storage driver vfs copies the whole image for every command; overlay does not"

    def ensure(self, root: Path, recipe: str) -> tuple[str, str]:
        """Build the image of `recipe` unless it is there."""
        reference = f"{_REPOSITORY}:{recipe[:16]}"
        with _translated(self.name):
            if not self._present(reference):
                self._build(root, reference, recipe)
            return reference, str(self._client.images.get(reference).id)

    def _build(self, root: Path, reference: str, recipe: str) -> None:
        if archive_lines(root):
            # The base image has packages of its own.
            raise ColonnadeError(
                f"{root / ARCHIVE_LIST}: {self.name} takes its base image from elsewhere;"
                " allowed with it: container.engine rootfs"
            )
        log_path = root / STATE_FOLDER / "logs" / f"{self.name}.log"
        with BuildLog(f"toolchain image ({self.name})", log_path) as log, exit_on_signals():
            self._ensure_base(root, log)
            self._build_from(
                root / "containers", reference, labels(recipe, debian_suite(root)), {}, log
            )

    def build_release(
        self, context: Path, tag: str, stated: Mapping[str, str], toolchain: str, log: BuildLog
    ) -> str:
        """Build the image of `containers/release/Dockerfile`, in a folder with all that it copies.

        Args:
            context: that folder, with the Dockerfile.
            tag: the image's name, as `NAME:VERSION`.
            stated: the image's labels.
            toolchain: reference of the toolchain image that it begins with.
            log: what the build prints.

        Returns:
            Digest of the image.

        Raises:
            ColonnadeError: the build failed.
        """
        with _translated(self.name), exit_on_signals():
            self._build_from(context, tag, stated, {"TOOLCHAIN": toolchain}, log)
            return str(self._client.images.get(tag).id)

    def _build_from(
        self,
        context: Path,
        tag: str,
        stated: Mapping[str, str],
        arguments: Mapping[str, str],
        log: BuildLog,
    ) -> None:
        proxies = {name: os.environ[name] for name in _PROXIES if name in os.environ}
        # A stopped build leaves no tag: the engine sets it last.
        messages = self._client.api.build(
            path=str(context),
            tag=tag,
            labels=dict(stated),
            buildargs={**proxies, **arguments},
            rm=True,
            forcerm=True,
            network_mode="host",
            decode=True,
            timeout=None,
        )
        for message in messages:
            for line in str(message.get("stream", "")).splitlines():
                log.line(line)
            if "error" in message:
                raise _build_failure(self.name, log, str(message["error"]))

    def _ensure_base(self, root: Path, log: BuildLog) -> None:
        repository, tag = "debian", f"{debian_suite(root)}-slim"
        log.step(f"looking for the base image {repository}:{tag}")
        if self._present(f"{repository}:{tag}") or self._pulled(repository, tag, log):
            return
        problem = mmdebstrap.problem()
        if problem is not None:
            raise ColonnadeError(
                f"{self.name}: {repository}:{tag} cannot be pulled, and {problem}; install"
                f" {mmdebstrap.PACKAGES} to bootstrap it from the Debian archive"
            )
        with tempfile.TemporaryDirectory(dir=root / STATE_FOLDER) as folder:
            archive = Path(folder, "base.tar")
            mmdebstrap.base_archive(root, archive, log)
            log.step("importing the base image")
            # Tagged apart: Podman 4.3 ignores the tag of an import.
            reply = self._client.api.import_image_from_file(str(archive))
            self._client.api.tag(_imported(reply), repository, tag)

    def _present(self, reference: str) -> bool:
        try:
            self._client.images.get(reference)
        except ImageNotFound:
            return False
        return True

    def _pulled(self, repository: str, tag: str, log: BuildLog) -> bool:
        try:
            self._client.images.pull(repository, tag=tag)
        except (DockerException, requests.RequestException) as error:
            log.line(f"not pulled: {error}")
            return False
        return True

    def open(self, reference: str, digest: str, root: Path) -> Container:
        """Make commands runnable in the image."""
        with _translated(self.name):
            if not self._present(digest):
                raise image_missing(f"{reference} ({digest})")
            program = [self.name, self.address_option, self._address]
            return _SdkRuns(self.name, program, self._client, digest, mounts(root))


class _SdkRuns(Container):
    def __init__(
        self,
        engine: str,
        program: Sequence[str],
        client: docker.DockerClient,
        image: str,
        seen: Sequence[Mount],
    ) -> None:
        self._engine = engine
        self._program = program
        self._client = client
        self._image = image
        self._seen = seen

    @cached_property
    def _user(self) -> str:
        # A rootless engine already maps its root to the caller. Docker says that it is one among its
        # security options, Podman by a word of its own.
        info = self._client.info()
        options = info.get("SecurityOptions") or []
        rootless = info.get("Rootless") or any("rootless" in option for option in options)
        return "0:0" if rootless else f"{os.getuid()}:{os.getgid()}"

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        stdin: bytes | None = None,
    ) -> CompletedRun:
        with (
            _translated(self._engine),
            Transcript(log) as transcript,
            self._created(command, env, stdin_open=stdin is not None) as container,
        ):
            output = container.attach(stdout=True, stderr=True, stream=True, demux=True)
            inlet = None if stdin is None else container.attach_socket(params=_INLET)
            container.start()
            if inlet is not None:
                _send(inlet, stdin or b"")
            for stdout, stderr in output:
                transcript.feed("stdout", stdout or b"")
                transcript.feed("stderr", stderr or b"")
            status = int(container.wait()["StatusCode"])
        return transcript.result(f"{self._engine}: {command[0]}", status)

    def attach(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
        # The SDK cannot hand over a terminal; the engine's own program can.
        if shutil.which(self._engine) is None:
            raise ColonnadeError(
                f"{self._engine}: the program {self._engine} is not installed; what runs on your"
                " terminal needs it"
            )
        terminal = sys.stdin.isatty()
        found = ["/bin/sh", "-c", 'exec "$@"', "sh", *command]
        with (
            _translated(self._engine),
            self._created(found, env, stdin_open=True, tty=terminal) as container,
        ):
            start = ["start", "--attach", "--interactive", str(container.id)]
            return attached([*self._program, *start], os.environ)

    @contextmanager
    def _created(
        self,
        command: Sequence[str],
        env: Mapping[str, str] | None,
        *,
        stdin_open: bool,
        tty: bool = False,
    ) -> Iterator[Any]:
        """A container ready to start, removed with all that runs in it when the block ends."""
        with exit_on_signals():
            container = self._client.containers.create(
                self._image,
                list(command),
                user=self._user,
                environment={"HOME": "/tmp", "LANG": "C.UTF-8", **(env or {})},
                mounts=[_bind(mount) for mount in self._seen],
                working_dir=MOUNT_POINT,
                network_mode="none",
                read_only=True,
                tmpfs={"/tmp": "exec,mode=1777"},
                # The checkout keeps its SELinux labels.
                security_opt=["label=disable"],
                stdin_open=stdin_open,
                tty=tty,
            )
            try:
                yield container
            finally:
                container.remove(force=True, v=True)


def _imported(reply: str) -> str:
    """The image's identifier in the answer to an import."""
    return str(json.loads(reply)["status"])


def _bind(mount: Mount) -> docker.types.Mount:
    return docker.types.Mount(mount.place, str(mount.source), type="bind")


_INLET = {"stdin": 1, "stream": 1}


def _send(inlet: Any, content: bytes) -> None:
    # The SDK's public object can only read.
    raw: socket.socket = inlet._sock
    try:
        raw.sendall(content)
        raw.shutdown(socket.SHUT_WR)
    except BrokenPipeError:
        pass  # it did not read everything; its exit status says whether that is bad
    finally:
        inlet.close()


def _build_failure(engine: str, log: BuildLog, message: str) -> ColonnadeError:
    if "no space left on device" in (message + log.tail()).lower():
        return ColonnadeError(f"{engine}: building the image: no space left on device")
    return ColonnadeError(
        f"{engine}: building the image (log: {log.path}): {message}\n{log.tail()}"
    )


@contextmanager
def _translated(engine: str) -> Iterator[None]:
    try:
        yield
    except (DockerException, requests.RequestException) as error:
        raise ColonnadeError(f"{engine}: {error}") from error
