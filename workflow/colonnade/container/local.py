# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Containers that are entered by a process of this machine, without a daemon."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import ClassVar

from colonnade.common.processes import attached, child
from colonnade.container.engine import Container
from colonnade.container.image import EngineName
from colonnade.container.transcript import CompletedRun, Transcript

_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
}


class LocalContainer(Container):
    """Runs commands as children of this process, with an environment of their own."""

    engine: ClassVar[EngineName]

    @abstractmethod
    def _entering(self, command: Sequence[str], *, session: bool) -> list[str]:
        """A command line that runs `command` inside, in a terminal session of its own if asked for."""

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        stdin: bytes | None = None,
    ) -> CompletedRun:
        """Run one command, as every container does."""
        with (
            Transcript(log) as transcript,
            child(
                self._entering(command, session=True),
                stdin=DEVNULL if stdin is None else PIPE,
                env={**_ENVIRONMENT, **(env or {})},
            ) as process,
        ):
            status = transcript.drain(process, stdin)
        return transcript.result(f"{self.engine}: {command[0]}", status)

    def attach(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
        """Run one command on the caller's own terminal, as every container does."""
        # The shell knows the exit status of a program that is not there.
        found = ["/bin/sh", "-c", 'exec "$@"', "sh", *command]
        return attached(self._entering(found, session=False), {**_ENVIRONMENT, **(env or {})})
