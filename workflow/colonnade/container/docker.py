# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Docker, rootful or rootless, on its local socket."""

import os
from pathlib import Path
from typing import ClassVar

from colonnade.common.errors import ColonnadeError
from colonnade.container.image import EngineName
from colonnade.container.sdk import SdkEngine


class DockerEngine(SdkEngine):
    """A Docker engine that is already running."""

    name: ClassVar[EngineName] = "docker"
    address_option: ClassVar[str] = "--host"
    packages: ClassVar[str | None] = "docker.io (started, and this user in the group docker)"

    def address(self) -> str:
        """`DOCKER_HOST` if set, else the usual socket, else a rootless engine's."""
        chosen = os.environ.get("DOCKER_HOST")
        if chosen:
            if not chosen.startswith("unix://"):
                raise ColonnadeError(
                    f"DOCKER_HOST: {chosen}; only unix:// works, because the checkout is mounted"
                )
            return chosen
        candidates = [Path("/var/run/docker.sock")]
        if "XDG_RUNTIME_DIR" in os.environ:
            candidates.append(Path(os.environ["XDG_RUNTIME_DIR"], "docker.sock"))
        for candidate in candidates:
            if candidate.is_socket():
                return f"unix://{candidate}"
        raise ColonnadeError("no Docker engine is running")
