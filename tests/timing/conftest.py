# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Builds the timing plugin in the toolchain container."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from colonnade.container import Container

from .model import CORE, ROOT, WORK, TestedModel


@pytest.fixture(scope="session")
def timing(toolchain: Container) -> TestedModel:
    """The timing model, built from the working tree."""
    (ROOT / WORK).mkdir(parents=True, exist_ok=True)
    options = ["-G", "Ninja", "-DCOLONNADE_TIMING_TESTS=ON"]
    toolchain.run(["cmake", "-S", "kernels/timing", "-B", str(WORK), *options])
    toolchain.run(["ninja", "-C", str(WORK)])
    return TestedModel(toolchain, WORK / "libcolonnade-timing.so", WORK)


@pytest.fixture
def variant(timing: TestedModel) -> Callable[[Callable[[Any], None]], str]:
    """Write a changed copy of the X60 description; returns its path in the repository."""

    def write(change: Callable[[Any], None]) -> str:
        description = json.loads((ROOT / CORE).read_text())
        change(description)
        path = WORK / "variant.json"
        (ROOT / path).write_text(json.dumps(description))
        return str(path)

    return write
