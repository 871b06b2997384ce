# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""An SSH server of our own on loopback: what tests take for a board."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from colonnade.config.board import BoardConfig
from tests.installed import PATH, require


@dataclass
class Server:
    """A server that runs; whoever logs in gets the shell `login`, which a test may write anew."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    home: Path = field(init=False)

    def __post_init__(self) -> None:
        self.home = self.folder / "home"

    def login(self, *lines: str) -> None:
        """What runs before a command there, in a shell."""
        text = "\n".join(
            ["#!/bin/sh", f"cd {self.home}", *lines, 'exec sh -c "$SSH_ORIGINAL_COMMAND"']
        )
        new = self.folder / "login.new"
        new.write_text(text + "\n")
        new.chmod(0o700)
        new.replace(self.folder / "login")

    def new_host_key(self) -> None:
        """Expect another key than the server has."""
        key = self.folder / "other_key"
        make_key(key)
        self.trust(key)

    def trust(self, key: Path) -> None:
        kind, text, *_ = key.with_suffix(".pub").read_text().split()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {kind} {text}\n")

    def config(self, **values: Any) -> BoardConfig:
        """How it is reached, with other values than these."""
        given = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "identity_file": self.folder / "identity",
            "known_hosts": self.folder / "known_hosts",
            "folder": "ours",
            "isa": "x86_64",
            "cores": [min(os.sched_getaffinity(0))],
            "cool_down_s": 0,
            "reconnect_s": 20,
        }
        return BoardConfig.model_validate({**given, **values})

    def cut(self) -> int:
        """End every connection, and nothing else; returns how many there were."""
        children = psutil.Process(self.process.pid).children()
        for each in children:
            # The session's own process, below the one that holds the port, as that of another user.
            for process in (*each.children(), each):
                if process.name().startswith("sshd"):
                    process.kill()
        return len(children)

    def jobs(self) -> list[Path]:
        """Folders of jobs that are there."""
        return sorted((self.home / "ours/jobs").glob("*"))


def make_key(path: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True, env={"PATH": PATH})


@contextmanager
def serve(folder: Path) -> Iterator[Server]:
    """Run a server until the block ends; its files, and the home of who logs in, are in `folder`."""
    sshd = require("sshd")
    if os.geteuid() == 0:
        # A system's service makes it when it starts.
        Path("/run/sshd").mkdir(exist_ok=True)
    (folder / "home").mkdir(parents=True)
    for name in ("host_key", "identity"):
        make_key(folder / name)
    shutil.copy(folder / "identity.pub", folder / "authorized_keys")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host_key",
        "AuthorizedKeysFile": folder / "authorized_keys",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "MaxStartups": "100",
        "ForceCommand": folder / "login",
    }
    (folder / "sshd_config").write_text(
        "".join(f"{key} {value}\n" for key, value in settings.items())
    )
    command = [sshd, "-D", "-e", "-f", str(folder / "sshd_config")]
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
    server = Server(process, port, folder)
    try:
        server.login()
        server.trust(folder / "host_key")
        _wait(server)
        yield server
    finally:
        process.terminate()
        process.wait()


def _wait(server: Server) -> None:
    for _ in range(500):
        if server.process.poll() is not None:
            break
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", server.port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail((server.folder / "sshd.log").read_text())
