# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A stand-in for OpenSSH's client: a script on PATH that runs commands here, or fails as ssh does.

What runs "there" runs in the folder `home`, in a session of its own, as under a server: it goes on where
the client ends.
"""

import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from colonnade.board import ssh
from colonnade.config.board import BoardConfig

# As ssh: the options, then the host, then one word that a shell reads there. The sixth word in it is the
# command of there.sh; a file on-COMMAND says what happens instead of it.
_SSH = """#!/bin/sh
room={room}
for each; do
    case $each in
    ControlPath=*) socket=${{each#*=}} ;;
    ControlMaster=*) kind=${{each#*=}} ;;
    esac
    last=$each
done
cd "$room/home"
if [ "$kind" = yes ]; then
    printf '%s\\n' "$*" >>"$room/masters"
    if [ -e "$room/refusal" ]; then
        cat "$room/refusal" >&2
        exit 255
    fi
    echo $$ >"$room/master"
    : >"$socket"
    exec sleep 600
fi
if [ ! -e "$socket" ]; then
    echo "Control socket connect($socket): No such file or directory" >&2
    exit 255
fi
eval "set -- $last"
command=$6
echo "$command" >>"$room/commands"
there() {{ setsid "$@"; }}
cut() {{ kill "$(cat "$room/master")"; rm -f "$socket"; }}
once() {{ rm "$room/on-$command"; }}
if [ -e "$room/on-$command" ]; then . "$room/on-$command"; fi
there "$@"
"""
# What a board says it is.
MACHINE: dict[str, Any] = {
    **{"machine": "x86_64", "kernel": "6.6", "board": None, "cpu_model": "one", "isa": None},
    "vlen": None,
    "l2_bytes": None,
    "cpus": [{"cpu": 0, "governor": "performance", "mhz": 1600.0, "max_mhz": 1600.0}],
    **{"load": 0.5, "celsius": None, "memory_mb": 4000.0},
}


@dataclass(frozen=True)
class StandIn:
    """The client's stand-in, and the machine that it leads to, which is this one."""

    folder: Path

    @property
    def home(self) -> Path:
        """Where a login starts."""
        return self.folder / "home"

    def config(self, **values: Any) -> BoardConfig:
        """How it is reached, with other values than these."""
        given = {
            **{"host": "board.example", "port": 2222, "user": "somebody", "folder": "ours"},
            "identity_file": self.folder / "identity",
            "known_hosts": self.folder / "known_hosts",
            **{"isa": "x86_64", "cores": [0], "cool_down_s": 0, "reconnect_s": 5},
        }
        return BoardConfig.model_validate({**given, **values})

    def refuse(self, text: str) -> None:
        """From now on no connection is made, and ssh says this."""
        (self.folder / "refusal").write_text(text)

    def accept(self) -> None:
        """Connections are made again."""
        (self.folder / "refusal").unlink()

    def on(self, command: str, *lines: str) -> None:
        """Lines of the client's shell that run before a command of there.sh.

        `there "$@"` runs it, `cut` ends the connection, `once` forgets these lines.
        """
        (self.folder / f"on-{command}").write_text("\n".join(lines) + "\n")

    def _lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    @property
    def masters(self) -> list[str]:
        """Command lines of the connections that were tried."""
        return self._lines("masters")

    @property
    def commands(self) -> list[str]:
        """Commands of there.sh that arrived."""
        return self._lines("commands")

    @property
    def jobs(self) -> list[Path]:
        """Folders of jobs that are there."""
        return sorted((self.home / "ours/jobs").glob("*"))

    def probe(self, **machine: Any) -> None:
        """What the board says it is, with other values than those of a usual one."""
        self.program("colonnade-probe", f"echo {shlex.quote(json.dumps({**MACHINE, **machine}))}")

    def program(self, name: str, *lines: str) -> Path:
        """Write a script in the place of a program that is built for this host."""
        path = Path("results/build/host") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(["#!/bin/sh", "set -eu", *lines]) + "\n")
        return path


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Put the script first on PATH; `folder` keeps what it needs."""
    (folder / "home").mkdir(parents=True)
    tools = folder / "tools"
    tools.mkdir()
    (tools / "ssh").write_text(_SSH.format(room=shlex.quote(str(folder))))
    (tools / "ssh").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setattr(ssh, "_PAUSE_SECONDS", 0.01)
    return StandIn(folder)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A board, and a checkout that is the working directory."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    found = stand_in(tmp_path / "room", monkeypatch)
    found.probe()
    return found
