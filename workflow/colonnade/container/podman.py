# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Podman on its socket, which is started for the time we need it where it is not there already."""

import atexit
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import ClassVar

from colonnade.common.errors import ColonnadeError
from colonnade.common.processes import end
from colonnade.container.image import EngineName
from colonnade.container.sdk import SdkEngine

_START_SECONDS = 20
# A service that lost us to SIGKILL ends by itself after this many idle seconds.
_IDLE_SECONDS = 60


class PodmanEngine(SdkEngine):
    """Podman, for root or for a user, on a socket of its own if need be."""

    name: ClassVar[EngineName] = "podman"
    address_option: ClassVar[str] = "--url"
    packages: ClassVar[str | None] = "podman"

    def address(self) -> str:
        """The system's or the user's socket, else that of a service started here."""
        runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
        usual = Path("/run" if os.geteuid() == 0 else runtime, "podman/podman.sock")
        if usual.is_socket():
            return f"unix://{usual}"
        if shutil.which("podman") is None:
            raise ColonnadeError("Podman is not installed")
        return _start_service()


def _start_service() -> str:
    folder = tempfile.mkdtemp(prefix="colonnade-podman-")
    path = Path(folder, "podman.sock")
    address = f"unix://{path}"
    log = Path(folder, "log")
    with log.open("wb") as output:
        service = subprocess.Popen(
            ["podman", "system", "service", "--time", str(_IDLE_SECONDS), address],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def stop() -> None:
        end(service)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    deadline = time.monotonic() + _START_SECONDS
    while not path.is_socket():
        if service.poll() is not None or time.monotonic() > deadline:
            message = log.read_text(encoding="utf-8", errors="replace").strip()
            raise ColonnadeError(f"podman system service did not start: {message}")
        time.sleep(0.05)
    return address
