# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Snakemake, imported once: that is half of what a dry run takes, and tests make hundreds of them.

As a program it reads requests, each a line of JSON, and answers each by the exit code of a process that
it forked for it, which has the request's arguments, folder and environment from its first line on.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Warm:
    """Snakemake of an environment, whose interpreter is `python`; it is started by the first run."""

    def __init__(self, python: Path) -> None:
        self._python = python
        self._server: subprocess.Popen[str] | None = None

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run it by its name and arguments; both output streams come as `stdout`."""
        if self._server is None:
            command = [str(self._python), "-I", __file__]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._server = subprocess.Popen(command, text=True, **pipes)  # type: ignore[call-overload]
        assert self._server is not None
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with tempfile.NamedTemporaryFile(mode="r") as output:
            request = {
                **{"arguments": list(arguments), "folder": str(folder)},
                **{"environment": dict(environment), "output": output.name},
            }
            print(json.dumps(request), file=self._server.stdin, flush=True)
            status = int(self._server.stdout.readline())
            return subprocess.CompletedProcess(arguments, status, output.read())

    def close(self) -> None:
        """End the process."""
        if self._server is not None:
            assert self._server.stdin is not None
            self._server.stdin.close()
            self._server.wait()


def serve() -> None:
    """Answer requests until there are no more."""
    from snakemake.cli import main

    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            become(request)
            sys.exit(main())
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(request: dict[str, Any]) -> None:
    """Be what a new interpreter with this request would be."""
    output = os.open(request["output"], os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["arguments"]
    named = filter(None, os.environ.get("PYTHONPATH", "").split(":"))
    sys.path[:0] = [str(Path(sys.argv[0]).parent), *named]


if __name__ == "__main__":
    serve()
