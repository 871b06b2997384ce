# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The pinned packages are those that the project asks for, and every one has hashes."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = ("requirements.txt", "requirements-cpu.txt", "requirements-cuda.txt")
PIN = re.compile(r"^([a-z0-9-]+)==([\w.+]+)(?: \\\n    --hash=sha256:[0-9a-f]{64})+$", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text()
    found = {pin[1]: pin[2] for pin in PIN.finditer(text)}
    # Nothing but pins with hashes, and comments: no other index, no option.
    assert PIN.sub("", re.sub(r"^#.*$", "", text, flags=re.MULTILINE)).strip() == ""
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_package_has_hashes(name: str) -> None:
    assert pins(name)


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    assert len(asked) > 20
    assert {name.lower().replace("_", "-") for name in asked} <= set(pins("requirements.txt"))


def test_torch_without_cuda_is_the_same_version() -> None:
    assert pins("requirements-cpu.txt") == {"torch": pins("requirements.txt")["torch"] + "+cpu"}
    assert not set(pins("requirements-cuda.txt")) & set(pins("requirements.txt"))
