# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the cost model simulates, once for all processes: the profile cache keeps it.

A row is keyed by the arguments of the simulation and by a digest of all else that decides its cycles:
the core's parameters, the kernels' template, and the source code that simulates. A changed model, core
or kernel finds nothing.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path

from colonnade.common.files import sha256_file
from colonnade.tuning.cache import CacheFile, Key, Table
from colonnade.tuning.core import Core
from colonnade.tuning.cost_model.assembly import GENERATOR, TEMPLATE
from colonnade.tuning.cost_model.calls import CallCost, Kernel, Lines, Rows, call_cost, row_cost

_SIMULATING = ("assembly", "calls", "execution", "operations", "pipeline")
SOURCES = (
    *(Path(__file__).with_name(f"{name}.py") for name in _SIMULATING),
    Path(__file__).parents[1] / "core.py",
    GENERATOR,
    TEMPLATE,
)
_TABLE = Table("simulation", ("model", "arguments"))


class Simulations:
    """Costs of kernel calls and of packed rows on a core, each simulated once."""

    def __init__(self, core: Core, cache: Path | None = None) -> None:
        """Begin with those that the profile cache knows; without `cache`, with none.

        Raises:
            ColonnadeError: the cache cannot be used.
        """
        self._core = core
        self._calls: dict[tuple[Kernel, Lines], CallCost] = {}
        self._rows: dict[Rows, float] = {}
        self._model = _model(core)
        self._file = CacheFile(cache) if cache is not None else None
        self._known: dict[Key, Sequence[float]] = {}
        self._fresh: dict[Key, Sequence[float]] = {}
        if self._file is not None:
            self._known = self._file.find(_TABLE, [(self._model,)])

    def call(self, kernel: Kernel, lines: Lines) -> CallCost:
        """See `call_cost`."""
        key = (kernel, lines)
        if key not in self._calls:
            cost = self._look_up(("call", *key), lambda: astuple(call_cost(self._core, *key)))
            self._calls[key] = CallCost(*cost)
        return self._calls[key]

    def row(self, rows: Rows) -> float:
        """See `row_cost`."""
        if rows not in self._rows:
            (self._rows[rows],) = self._look_up(
                ("row", rows), lambda: (row_cost(self._core, rows),)
            )
        return self._rows[rows]

    def _look_up(self, arguments: Key, simulate: Callable[[], Sequence[float]]) -> Sequence[float]:
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
