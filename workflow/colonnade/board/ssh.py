# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""One connection of OpenSSH's client, shared by all commands, and what its failures are called."""

import re
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import NoReturn

from colonnade.common.errors import ColonnadeError
from colonnade.common.processes import child
from colonnade.config.board import BoardConfig

_SCRIPT = files("colonnade.board").joinpath("there.sh").read_text("utf-8")
# Only the key of the target's file, only a host whose key is known, and nothing of ours to go there.
_OPTIONS = {
    "BatchMode": "yes",
    "ClearAllForwardings": "yes",
    "ConnectTimeout": "10",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "GlobalKnownHostsFile": "/dev/null",
    "IdentitiesOnly": "yes",
    "KbdInteractiveAuthentication": "no",
    "LogLevel": "ERROR",
    "PasswordAuthentication": "no",
    "PermitLocalCommand": "no",
    "PreferredAuthentications": "publickey",
    "RequestTTY": "no",
    "ServerAliveCountMax": "3",
    "ServerAliveInterval": "5",
    "StrictHostKeyChecking": "yes",
    "UpdateHostKeys": "no",
}
# What ssh says of a machine that it does not take for the board, or that does not take us.
_REFUSALS = {
    "IDENTIFICATION HAS CHANGED": "its host key is not the one of {known_hosts}: it is another machine,"
    " or was installed anew; compare the key before you change that file",
    "Host key verification failed|No .* host key is known": "its host key is not in {known_hosts}; add"
    " it with ssh-keyscan, and compare it with the board's own",
    "Permission denied": "it refuses the key {identity_file} for user {user}",
}
_SSH_FAILED = 255
# Of one that has been lost.
_PAUSE_SECONDS = 1.0


class LostConnectionError(ColonnadeError):
    """The connection ended before an answer came, and could not be made again."""


class _NoAnswerError(Exception):
    """The connection ended, or was not made, this time."""


@dataclass(frozen=True)
class Answer:
    """What a command of `there.sh` printed, and its exit status."""

    status: int
    stdout: bytes
    stderr: str


class Connection:
    """A shared connection to a board; a context manager, which ends it."""

    def __init__(self, name: str, config: BoardConfig) -> None:
        """`name` is that of the target, for messages."""
        self._config = config
        self._where = f"target {name}: {config.user}@{config.host}:{config.port}"
        self._ending = ExitStack()
        self._master: subprocess.Popen[bytes] | None = None
        self._socket = Path()

    def __enter__(self) -> "Connection":
        """Connect.

        Raises:
            ColonnadeError: that is not possible; the message says why.
        """
        try:
            self._open()
        except BaseException as error:
            self._ending.close()
            if isinstance(error, _NoAnswerError):
                raise ColonnadeError(f"{self._where}: cannot be reached: {error}") from error
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._ending.close()

    def call(self, command: str, *arguments: str, stdin: bytes = b"") -> Answer:
        """Run a command of `there.sh`; a lost connection is made again and the command repeated.

        Raises:
            LostConnectionError: it stays lost.
            ColonnadeError: the board is full or lacks a program.
        """
        return self._lasting(lambda: self._call(command, arguments, stdin))

    def checked(self, command: str, *arguments: str, stdin: bytes = b"") -> bytes:
        """What a command prints that has to succeed.

        Raises:
            ColonnadeError: it failed; see also `call`.
        """
        answer = self.call(command, *arguments, stdin=stdin)
        if answer.status != 0:
            raise ColonnadeError(f"{self._where}: {command}: {_last_line(answer.stderr)}")
        return answer.stdout

    def _lasting(self, attempt: Callable[[], Answer]) -> Answer:
        last: float | None = None
        while True:
            try:
                if self._master is None or self._master.poll() is not None:
                    self._open()
                return attempt()
            except _NoAnswerError as error:
                now = time.monotonic()
                last = now + self._config.reconnect_s if last is None else last
                if now >= last:
                    raise LostConnectionError(
                        f"{self._where}: the connection was lost ({error}); a job there goes on, and"
                        " the same command again takes what it found"
                    ) from error
                time.sleep(min(_PAUSE_SECONDS, self._config.reconnect_s))

    def _open(self) -> None:
        self._ending.close()
        # The path of a socket is at most 107 bytes.
        folder = self._ending.enter_context(tempfile.TemporaryDirectory(prefix="colonnade-"))
        self._socket = Path(folder) / "ssh"
        command = [*self._ssh("ControlMaster=yes"), "-N", self._config.host]
        try:
            self._master = self._ending.enter_context(child(command))
        except FileNotFoundError as error:
            raise ColonnadeError(
                "ssh: not installed; Debian's package is openssh-client"
            ) from error
        while not self._socket.exists():
            if self._master.poll() is not None:
                _, stderr = self._master.communicate()
                self._refuse(stderr.decode(errors="replace"))
            time.sleep(0.02)

    def _refuse(self, said: str) -> NoReturn:
        """Say what is wrong with a connection that ssh did not make."""
        for pattern, told in _REFUSALS.items():
            if re.search(pattern, said):
                message = told.format(**self._config.model_dump())
                raise ColonnadeError(f"{self._where}: {message}")
        raise _NoAnswerError(_last_line(said) or "ssh ended")

    def _ssh(self, *options: str) -> list[str]:
        config = self._config
        given = {
            **_OPTIONS,
            "ControlPath": str(self._socket),
            "IdentityFile": str(config.identity_file.expanduser()),
            "UserKnownHostsFile": str(config.known_hosts.expanduser()),
        }
        listed = [*(f"{key}={value}" for key, value in given.items()), *options]
        ssh = ["ssh", "-F", "none", "-p", str(config.port), "-l", config.user]
        return [*ssh, *(word for option in listed for word in ("-o", option))]

    def _call(self, command: str, arguments: Sequence[str], stdin: bytes) -> Answer:
        words = ["sh", "-c", _SCRIPT, "sh", self._config.folder, command, *arguments]
        # Where the master is gone there is to be no second connection beside it.
        ssh = self._ssh("ControlMaster=no", "ProxyCommand=false")
        run = [*ssh, "--", self._config.host, shlex.join(words)]
        with child(run, stdin=subprocess.PIPE, polite=False) as process:
            stdout, stderr = process.communicate(stdin)
        said = stderr.decode(errors="replace")
        if process.returncode == _SSH_FAILED or process.returncode < 0:
            raise _NoAnswerError(_last_line(said) or "ssh ended")
        if "No space left on device" in said or "Disk quota exceeded" in said:
            raise ColonnadeError(f"{self._where}: {self._config.folder}: no space left there")
        if "no such program there" in said:
            raise ColonnadeError(f"{self._where}: {_last_line(said)}")
        return Answer(process.returncode, stdout, said)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
