"""The profile cache: what the bench reported of every candidate, in a SQLite file.

A row is keyed by all that decides the result: the convolution, how it is run, and the fingerprint of
the target, which holds the digest of the programs. So a row never goes stale: after a change of the
kernels their new digest finds nothing, and the old build finds its rows again.
"""

import contextlib
import hashlib
import json
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from colonnade.errors import ColonnadeError
from colonnade.files import locked
from colonnade.tuning.space import Candidate

Result = Mapping[str, Any]
T = TypeVar("T")

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True)
class Setting:
    """Everything but the candidate that decides a result.

    `m` is the group of columns in which a tile keeps the share 1 - `sparsity`, or `full`;
    `repetitions` is how often the bench ran it; `target` is a fingerprint.
    """

    conv: str
    dtype: str
    sparsity: float
    m: str
    threads: int
    repetitions: int
    seed: int
    target: str


_KEY = (*(field.name for field in fields(Setting)), *(field.name for field in fields(Candidate)))
# The name tells the columns: a file may hold tables of other versions beside it.
_NAME = f"result_{hashlib.sha256(','.join(_KEY).encode()).hexdigest()[:8]}"
_TABLE = f"""
CREATE TABLE IF NOT EXISTS {_NAME} (
    {", ".join(f"{name} NOT NULL" for name in _KEY)}, report NOT NULL, digest NOT NULL,
    PRIMARY KEY ({", ".join(_KEY)})
) WITHOUT ROWID
"""
_WHERE = " AND ".join(f"{name} = ?" for name in _KEY)
_PLACES = ", ".join("?" for _ in (*_KEY, "report", "digest"))


class ProfileCache:
    """The cache in one file; any number of processes may use it at once.

    A damaged file is set aside with a message on stderr, and a new one is begun.
    """

    def __init__(self, path: Path) -> None:
        """Open the cache, or begin one.

        Raises:
            ColonnadeError: the file system refused.
        """
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refused(error.strerror) from error
        self._attempt(lambda _: None)

    def find(self, setting: Setting, candidates: Sequence[Candidate]) -> dict[Candidate, Result]:
        """The known results among `candidates`."""

        def select(connection: sqlite3.Connection) -> dict[Candidate, Result]:
            query = f"SELECT report, digest FROM {_NAME} WHERE {_WHERE}"
            found = {}
            for candidate in candidates:
                key = (*astuple(setting), *astuple(candidate))
                row = connection.execute(query, key).fetchone()
                if row is None:
                    continue
                if row[1] != _digest(key, row[0]):
                    raise _DamagedError(f"the result of {candidate} for {setting.conv}")
                found[candidate] = json.loads(row[0])
            return found

        return self._attempt(select)

    def add(self, setting: Setting, results: Mapping[Candidate, Result]) -> None:
        """Store results, all or none of them."""
        rows = []
        for candidate, result in results.items():
            key, report = (*astuple(setting), *astuple(candidate)), json.dumps(result).encode()
            rows.append((*key, report, _digest(key, report)))

        def insert(connection: sqlite3.Connection) -> None:
            connection.executemany(f"INSERT OR REPLACE INTO {_NAME} VALUES ({_PLACES})", rows)

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
            _prepare(connection)
            with connection:
                return action(connection)

    def _set_aside(self, error: Exception) -> None:
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


def _prepare(connection: sqlite3.Connection) -> None:
    """Check the file as a whole, and begin it where it is new."""
    problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise _DamagedError(" ".join(problem.split()))
    connection.execute(_TABLE)


def _is_damage(error: Exception) -> bool:
    # The low byte of the code is the error, the rest its details.
    code = error.sqlite_errorcode & 0xFF if isinstance(error, sqlite3.Error) else None
    return code is None or code in _DAMAGED


def _digest(key: Sequence[object], report: bytes) -> bytes:
    return hashlib.sha256(repr(key).encode() + report).digest()
