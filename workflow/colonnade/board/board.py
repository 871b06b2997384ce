# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A board that runs programs: files are sent, a job runs there, and what it wrote comes back."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from colonnade.board.machine import Machine, check_machine
from colonnade.board.ssh import Connection, LostConnectionError
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file, write_bytes
from colonnade.common.paths import PROBE, program
from colonnade.config.target import TargetConfig

# For so long the board is asked at a time whether a job is done.
_WAIT_SECONDS = 20
# As often a job is started that ended there without a status.
_STARTS = 2
_CANNOT_EXECUTE = 126


class Board:
    """The board of a target, connected; a context manager, which disconnects.

    Relative paths mean the same there as here, below a job's folder.
    """

    def __init__(self, name: str, config: TargetConfig) -> None:
        """`config` is that of target `name`.

        Raises:
            ColonnadeError: its target is no board.
        """
        if config.board is None:
            raise ColonnadeError(f"target {name}: kind: {config.kind}; allowed: board")
        self._name, self._config, self._board = name, config, config.board
        self._connection = Connection(name, config.board)

    def __enter__(self) -> "Board":
        """Connect.

        Raises:
            ColonnadeError: see `Connection`.
        """
        self._connection.__enter__()
        return self

    def __exit__(self, *unused: object) -> None:
        """Disconnect."""
        self._connection.__exit__(*unused)

    @cached_property
    def machine(self) -> Machine:
        """What the board says it is, checked against the target's file.

        Raises:
            ColonnadeError: it is something else, or the program that tells is not built or fails.
        """
        self._connection.checked("hello")
        machine = self.ask()
        check_machine(machine, self._board, self._config.vlen, self._name)
        return machine

    def ask(self) -> Machine:
        """What the board says it is, and how warm, busy and fast it is now.

        Raises:
            ColonnadeError: the program that tells is not built or fails.
        """
        text = self._run(program(self._config.part, PROBE), [], [], [], rest=0)
        try:
            return Machine.model_validate_json(text)
        except ValidationError as error:
            raise ColonnadeError(f"target {self._name}: {PROBE}: printed {text[:80]!r}") from error

    def run(
        self,
        executable: Path,
        arguments: Sequence[str],
        reads: Sequence[Path] = (),
        writes: Sequence[Path] = (),
        log: Path | None = None,
    ) -> str:
        """Run a program on the target's CPUs and return what it prints.

        Args:
            executable: built for the board.
            arguments: its arguments; files among them by the names they have here.
            reads: files and folders that it reads.
            writes: files that it writes.
            log: file for all that it prints, written at the end.

        Raises:
            ColonnadeError: it failed, or the board is not what the target's file says.
        """
        _ = self.machine
        rest = self._board.cool_down_s
        return self._run(executable, arguments, reads, writes, rest=rest, log=log)

    def clean(self) -> bool:
        """Remove all that we left there, and say whether that was done: not while a job runs."""
        return self._connection.checked("clean") == b"clean\n"

    def _run(
        self,
        executable: Path,
        arguments: Sequence[str],
        reads: Sequence[Path],
        writes: Sequence[Path],
        *,
        rest: float,
        log: Path | None = None,
    ) -> str:
        sent = _digests([executable, *reads])
        names = [_there(path) for path in writes]
        folders = sorted({str(Path(name).parent) for name in names})
        links = [
            *(f"- {each}" for each in folders),
            *(f"{sha} {name}" for name, sha in sent.items()),
        ]
        call = [f"./{_there(executable)}", *arguments]
        cpus = ",".join(map(str, self._board.cores))
        job = _digest_of([call, links, names, cpus])
        self._send(sent)
        with self._kept(job):
            begin = [job, str(_WAIT_SECONDS), cpus, f"{rest:g}", *call]
            self._finish(job, begin, "".join(f"{line}\n" for line in links).encode())
            return self._fetch(job, executable.name, dict(zip(names, writes, strict=True)), log)

    def _send(self, sent: Mapping[str, str]) -> None:
        """Send those files, digests by name, that are not there yet."""
        wanted = "".join(f"{sha}\n" for sha in dict.fromkeys(sent.values()))
        missing = set(self._connection.checked("missing", stdin=wanted.encode()).decode().split())
        for name, sha in sent.items():
            if sha in missing:
                self._connection.checked("put", sha, stdin=_read(Path(name)))
                missing.discard(sha)

    def _finish(self, job: str, begin: Sequence[str], links: bytes) -> None:
        """Start a job, unless it runs or has run, and wait for its end."""
        for _ in range(_STARTS):
            answer = self._connection.checked("start", *begin, stdin=links)
            while (state := answer.decode().strip()) == "running":
                answer = self._connection.checked("wait", job, str(_WAIT_SECONDS))
            if state == "done":
                return
        raise ColonnadeError(
            f"target {self._name}: a job ended there without a status: out of memory, no space left, or"
            " someone ended it"
        )

    @contextmanager
    def _kept(self, job: str) -> Iterator[None]:
        """Remove a job from the board at the end; one whose connection is lost stays, to be fetched."""
        try:
            yield
        except LostConnectionError:
            raise
        except BaseException:
            with suppress(ColonnadeError):
                self._connection.checked("drop", job)
            raise
        self._connection.checked("drop", job)

    def _fetch(self, job: str, name: str, writes: Mapping[str, Path], log: Path | None) -> str:
        """Bring back what a job printed and wrote; returns the first."""
        content = self._contents(job, ["status", "out", "err"])
        status, stdout, stderr = int(content[0]), content[1], content[2]
        if log is not None:
            write_bytes(log, stdout + stderr)
        said = stderr.decode(errors="replace").strip()
        if status == _CANNOT_EXECUTE:
            machine = self._connection.checked("hello").decode().strip()
            raise ColonnadeError(
                f"target {self._name}: board.isa: {self._board.isa}; its programs cannot run there, where"
                f" `uname -m` says {machine}"
            )
        if status != 0:
            last = (said.splitlines() or ["said nothing"])[-1]
            raise ColonnadeError(f"target {self._name}: {name}: exit status {status}: {last}")
        found = self._contents(job, [f"files/{each}" for each in writes]) if writes else []
        for here, content_of_it in zip(writes.values(), found, strict=True):
            write_bytes(here, content_of_it)
        return stdout.decode()

    def _contents(self, job: str, names: Sequence[str]) -> list[bytes]:
        """Files of a job, each as its digest says.

        Raises:
            ColonnadeError: one is not there, or something else comes.
        """
        answer = self._connection.checked("fetch", job, *names)
        found = []
        for name in names:
            line, _, answer = answer.partition(b"\n")
            sha, size = line.decode().split()
            content, answer = answer[: int(size)], answer[int(size) :]
            if hashlib.sha256(content).hexdigest() != sha:
                raise ColonnadeError(f"target {self._name}: {name}: came damaged from the board")
            found.append(content)
        return found


def _digests(paths: Sequence[Path]) -> dict[str, str]:
    """SHA-256 by name of files, and of all files in folders."""
    found: dict[str, str] = {}
    for path in paths:
        files = (
            sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        )
        for file in files:
            try:
                found[_there(file)] = sha256_file(file)
            except OSError as error:
                raise ColonnadeError(f"{file}: cannot be read: {error.strerror}") from error
    return found


def _there(path: Path) -> str:
    """What a path is called on the board.

    Raises:
        ColonnadeError: it leads out of the checkout, which is our working directory.
    """
    if path.is_absolute() or ".." in path.parts or not str(path).isprintable():
        raise ColonnadeError(
            f"{path}: has no name on the board; allowed: a path below the checkout's folder"
        )
    return str(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ColonnadeError(f"{path}: cannot be read: {error.strerror}") from error


def _digest_of(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
