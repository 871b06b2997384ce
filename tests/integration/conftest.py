# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The programs built from the working tree, and a scratch folder that containers see."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from colonnade.container import Container

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout, which a container has as its working directory."""
    return ROOT


@pytest.fixture(scope="session")
def riscv64_programs(toolchain: Container, root: Path) -> Path:
    """Folder of the RISC-V programs, brought up to date with the sources."""
    output = root / "results" / "build" / "riscv64"
    output.parent.mkdir(parents=True, exist_ok=True)
    toolchain.run(["sh", "kernels/build.sh", "riscv64", str(output.relative_to(root))])
    return output


@pytest.fixture(scope="session")
def timing_model(toolchain: Container) -> None:
    """The timing model, brought up to date with its sources, where targets look for it."""
    toolchain.run(["sh", "kernels/build.sh", "timing", "results/build/timing"])


@pytest.fixture(scope="module")
def scratch(root: Path) -> Iterator[Path]:
    """An empty folder inside the checkout, removed with what a module's tests left in it."""
    (root / "results").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="tests-", dir=root / "results"))
    yield folder
    shutil.rmtree(folder)
