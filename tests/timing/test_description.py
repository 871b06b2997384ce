# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Core, target and the program's vectors agree; the documentation names every key."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError

from .model import ROOT, TestedModel

PAGE = (ROOT / "docs/timing-model.md").read_text("utf-8")
CORES = sorted((ROOT / "kernels/timing/cores").glob("*.json"))


def keys_of(value: Any) -> set[str]:
    """The keys of an object and of those in it."""
    items = value.items() if isinstance(value, dict) else ()
    return {key for key, _ in items}.union(*(keys_of(each) for _, each in items))


@pytest.fixture(scope="module")
def program(timing: TestedModel) -> Path:
    return timing.compile("described", ["kernels/timing/tests/functions.c"])


def test_documentation_names_every_key_of_a_description() -> None:
    keys: set[str] = set()
    for core in CORES:
        description = json.loads(core.read_text("utf-8"))
        costs = description.pop("classes").values()
        keys |= keys_of(description) | {"classes"}.union(*costs)
    assert keys >= {"vlen", "fork_join", "late_latency", "masked", "outstanding", "classes"}
    assert [key for key in sorted(keys) if f"`{key}`" not in PAGE] == []


def test_documentation_names_every_key_of_a_region(timing: TestedModel, program: Path) -> None:
    (region,) = timing.regions(program)
    assert "functions" in region
    assert [key for key in region if f"`{key}`" not in PAGE] == []


@pytest.mark.parametrize(("core", "vlen", "other"), [("x60", 256, 512), ("x280", 512, 256)])
def test_vectors_of_another_length_are_refused(
    timing: TestedModel, program: Path, core: str, vlen: int, other: int
) -> None:
    path = f"kernels/timing/cores/{core}.json"
    assert timing.regions(program, core=path, vlen=vlen)[0]["cycles"] > 0
    message = f"{path}: vlen: {vlen}; that of the program's CPU is {other}, -cpu vlen={vlen} is"
    with pytest.raises(ColonnadeError, match=re.escape(message)):
        timing.regions(program, core=path, vlen=other)
