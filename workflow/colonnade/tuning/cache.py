# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The profile cache: a SQLite file that keeps what takes long to find out.

The bench's reports of candidates are kept here, and the cost model's simulations. A row is keyed by
all that decides it. A result's key is the convolution, how it is run, and the fingerprint of the target,
which holds the digest of the programs. So a row never goes stale: after a change of the kernels their
new digest finds nothing, and the old build finds its rows again.
"""

import contextlib
import hashlib
import json
import sqlite3
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import locked
from colonnade.tuning.space import Candidate

Key = tuple[Any, ...]
Result = Mapping[str, Any]
T = TypeVar("T")

# The last is a statement that does not fit: a table of ours has columns that are not ours.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


@dataclass(frozen=True)
class Table:
    """Reports of one kind, each under a key of some columns."""

    kind: str
    key: tuple[str, ...]

    @property
    def name(self) -> str:
        """It tells the columns: a file may hold tables of other versions beside this one."""
        return f"{self.kind}_{hashlib.sha256(','.join(self.key).encode()).hexdigest()[:8]}"

    def begin(self, connection: sqlite3.Connection) -> None:
        """Create the table where there is none yet."""
        columns = ", ".join(f"{name} NOT NULL" for name in (*self.key, "report", "digest"))
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {self.name} "
            f"({columns}, PRIMARY KEY ({', '.join(self.key)})) WITHOUT ROWID"
        )


class CacheFile:
    """Tables in one file; any number of processes may use it at once.

    A damaged file is set aside with a message on stderr, and a new one is begun.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or begin one.

        Raises:
            ColonnadeError: the file system refused.
        """
        self._path = path
        self._checked = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refused(error.strerror) from error
        self._attempt(lambda _: None)

    def find(self, table: Table, keys: Collection[Key]) -> dict[Key, Any]:
        """The reports whose keys are among `keys`, or begin with one of them.

        Raises:
            ColonnadeError: the file system refused.
        """

        def select(connection: sqlite3.Connection) -> dict[Key, Any]:
            table.begin(connection)
            found = {}
            for key in keys:
                where = " AND ".join(f"{name} = ?" for name in table.key[: len(key)])
                query = f"SELECT * FROM {table.name} WHERE {where}"
                for *columns, report, digest in connection.execute(query, key):
                    whole = tuple(columns)
                    if digest != _digest(whole, report):
                        raise _DamagedError(f"the {table.kind} of {whole}")
                    found[whole] = json.loads(report)
            return found

        return self._attempt(select)

    def add(self, table: Table, reports: Mapping[Key, Any]) -> None:
        """Store reports, all or none of them; they are values of JSON.

        Raises:
            ColonnadeError: the file system refused.
        """
        rows = []
        for key, value in reports.items():
            report = json.dumps(value).encode()
            rows.append((*key, report, _digest(key, report)))

        def insert(connection: sqlite3.Connection) -> None:
            table.begin(connection)
            places = ", ".join("?" for _ in (*table.key, "report", "digest"))
            connection.executemany(f"INSERT OR REPLACE INTO {table.name} VALUES ({places})", rows)

        self._attempt(insert)

    def _attempt(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Do something in one transaction; if the file is damaged, in a new one.

        Transactions are small, and processes wait for each other: with SQLite's own locks alone, one
        could still write to a file, and leave its journal, when another one has begun a new file.
        """
        with locked(self._path):
            try:
                return self._transaction(action)
            except (sqlite3.Error, _DamagedError) as error:
                if not _is_damage(error):
                    raise self._refused(error) from error
                self._set_aside(error)
            try:
                return self._transaction(action)
            except (sqlite3.Error, _DamagedError) as error:
                raise self._refused(error) from error

    def _transaction(self, action: Callable[[sqlite3.Connection], T]) -> T:
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            # Damaged text is no error of decoding: its row's digest tells.
            connection.text_factory = partial(str, encoding="utf-8", errors="replace")
            if not self._checked:
                # Of the whole file, which takes its time: once. A row's digest is looked at each time.
                problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if problem != "ok":
                    raise _DamagedError(" ".join(problem.split()))
                self._checked = True
            with connection:
                return action(connection)

    def _set_aside(self, error: Exception) -> None:
        self._checked = False
        damaged = self._path.with_name(f"{self._path.name}.damaged")
        # A new file must not find the journal that an interrupted transaction left for this one.
        self._path.with_name(f"{self._path.name}-journal").unlink(missing_ok=True)
        self._path.replace(damaged)
        message = f"{self._path}: damaged ({error}); set aside as {damaged}, and begun anew"
        print(message, file=sys.stderr)

    def _refused(self, reason: object) -> ColonnadeError:
        return ColonnadeError(f"{self._path} (profile.cache): cannot be used: {reason}")


class _DamagedError(Exception):
    """The file is no whole database, or a row is not what was written."""


def _is_damage(error: Exception) -> bool:
    # The low byte of the code is the error, the rest its details.
    code = error.sqlite_errorcode & 0xFF if isinstance(error, sqlite3.Error) else None
    return code is None or code in _DAMAGED


def _digest(key: Key, report: bytes) -> bytes:
    return hashlib.sha256(repr(key).encode() + report).digest()


@dataclass(frozen=True)
class Setting:
    """Everything but the candidate that decides a result.

    A tile keeps `n` of each `m` consecutive columns; `repetitions` is how often the bench ran it;
    `target` is a fingerprint.
    """

    conv: str
    dtype: str
    n: int
    m: int
    threads: int
    repetitions: int
    seed: int
    target: str


_RESULTS = Table("result", tuple(field.name for field in (*fields(Setting), *fields(Candidate))))


class ProfileCache:
    """What the bench reported of candidates, in one file."""

    def __init__(self, path: Path) -> None:
        """Open the file, or begin one.

        Raises:
            ColonnadeError: the file system refused.
        """
        self._file = CacheFile(path)

    def find(self, setting: Setting, candidates: Sequence[Candidate]) -> dict[Candidate, Result]:
        """The known results among `candidates`."""
        keys = {_key(setting, candidate): candidate for candidate in candidates}
        found = self._file.find(_RESULTS, keys)
        return {candidate: found[key] for key, candidate in keys.items() if key in found}

    def add(self, setting: Setting, results: Mapping[Candidate, Result]) -> None:
        """Store results, all or none of them."""
        reports = {_key(setting, candidate): result for candidate, result in results.items()}
        self._file.add(_RESULTS, reports)


def _key(setting: Setting, candidate: Candidate) -> Key:
    return (*astuple(setting), *astuple(candidate))
