# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the prior simulates, once for all processes: the profile cache keeps it.

A row is keyed by the arguments of the simulation and by a digest of all else that decides its cycles:
the core's parameters, and the source code that simulates. A changed model or core finds nothing.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path

from colonnade.common.files import sha256_file
from colonnade.tuning.cache import CacheFile, Key, Table
from colonnade.tuning.core import Core, Kind
from colonnade.tuning.kernels import CallCost, Lines, call_cost, row_cost
from colonnade.tuning.pipeline import Access

SOURCES = tuple(Path(__file__).with_name(f"{name}.py") for name in ("core", "kernels", "pipeline"))
_TABLE = Table("simulation", ("model", "arguments"))


class Simulations:
    """Costs of kernel calls and of packed rows on a core, each simulated once."""

    def __init__(self, core: Core, cache: Path | None = None) -> None:
        """Begin with those that the profile cache knows; without `cache`, with none.

        Raises:
            ColonnadeError: the cache cannot be used.
        """
        self._core = core
        self._calls: dict[tuple[int, int, Lines], CallCost] = {}
        self._rows: dict[tuple[Kind, Access, Access], float] = {}
        self._model = _model(core)
        self._file = CacheFile(cache) if cache is not None else None
        self._known: dict[Key, Sequence[float]] = {}
        self._fresh: dict[Key, Sequence[float]] = {}
        if self._file is not None:
            self._known = self._file.find(_TABLE, [(self._model,)])

    def call(self, tile: int, lmul: int, lines: Lines) -> CallCost:
        """See `call_cost`."""
        key = (tile, lmul, lines)
        if key not in self._calls:
            cost = self._look_up(key, lambda: astuple(call_cost(self._core, *key)))
            self._calls[key] = CallCost(*cost)
        return self._calls[key]

    def row(self, load: Kind, read: Access, write: Access) -> float:
        """See `row_cost`."""
        key = (load, read, write)
        if key not in self._rows:
            (self._rows[key],) = self._look_up(key, lambda: (row_cost(self._core, *key),))
        return self._rows[key]

    def _look_up(self, arguments: Key, simulate: Callable[[], Sequence[float]]) -> Sequence[float]:
        # The arguments of a call begin with a number, those of a row with a name.
        key = (self._model, json.dumps(arguments, default=astuple))
        if key not in self._known:
            self._known[key] = self._fresh[key] = simulate()
        return self._known[key]

    def store(self) -> None:
        """Add what was simulated here to the profile cache, if there is one.

        Raises:
            ColonnadeError: the cache cannot be used.
        """
        if self._file is not None and self._fresh:
            self._file.add(_TABLE, self._fresh)
            self._fresh = {}


def _model(core: Core) -> str:
    parts = [repr(core), *(sha256_file(path) for path in SOURCES)]
    # Half a digest tells them apart, and is in every row.
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
