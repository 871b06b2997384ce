# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The library of the C interface in the shape of a stand-in, which needs no build."""

import ctypes
from pathlib import Path

import pytest

from colonnade.runtime import library, net

from .stand_in import StandIn


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """What `colonnade.load` finds in the place of the shared library."""
    made, place = StandIn(), Path("somewhere/libcolonnade.so")
    loaded = {str(place): made}
    monkeypatch.setattr(library, "native", place.with_name)
    monkeypatch.setattr(ctypes, "CDLL", loaded.__getitem__)
    # One of its own for each test; the true one is kept for the whole process.
    monkeypatch.setattr(net, "library", library.Library)
    return made
