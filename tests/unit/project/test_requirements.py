# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The pinned packages are those that the project asks for, and every one has hashes."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
RUN, DEV = "requirements.txt", "requirements-dev.txt"
FILES = (RUN, "requirements-cpu.txt", "requirements-cuda.txt", DEV)
PIN = re.compile(r"^([a-z0-9-]+)==([\w.+]+)(?: \\\n    --hash=sha256:[0-9a-f]{64})+$", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text()
    found = {pin[1]: pin[2] for pin in PIN.finditer(text)}
    assert len(found) == len(PIN.findall(text))
    # Nothing but pins with hashes, and comments: no other index, no option.
    assert PIN.sub("", re.sub(r"^#.*$", "", text, flags=re.MULTILINE)).strip() == ""
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_package_has_hashes(name: str) -> None:
    assert pins(name)


def names(asked: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", name)[0].lower().replace("_", "-") for name in asked}


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run, dev = names(project["project"]["dependencies"]), names(project["dependency-groups"]["dev"])
    assert len(run) > 10 and len(dev) > 10
    assert run <= set(pins(RUN))
    assert dev <= set(pins(RUN)) | set(pins(DEV))


def test_users_install_no_tools_of_developers() -> None:
    assert not set(pins(DEV)) & set(pins(RUN))
    assert {"pytest", "mypy", "ruff", "mkdocs-material", "clang-tidy"} <= set(pins(DEV))
    # What the library imports is needed to run, by whatever part of it.
    library = "\n".join(path.read_text() for path in (ROOT / "workflow/colonnade").rglob("*.py"))
    imported = {
        name.lower() for name in re.findall(r"^\s*(?:from|import) (\w+)", library, re.MULTILINE)
    }
    assert {"torch", "numpy", "click"} <= imported
    assert not imported & {name.replace("-", "_") for name in pins(DEV)}


def test_torch_without_cuda_is_the_same_version() -> None:
    assert pins("requirements-cpu.txt") == {"torch": pins("requirements.txt")["torch"] + "+cpu"}
    assert not set(pins("requirements-cuda.txt")) & set(pins("requirements.txt"))
