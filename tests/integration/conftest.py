# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The programs built from the working tree, and a scratch folder that containers see."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from colonnade.config.target import TargetConfig
from colonnade.container import Container
from colonnade.targets.target import Target

from ..conftest import Once

ARM_PROGRAMS = ("colonnade-tests", "colonnade-run", "colonnade-probe")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout, which a container has as its working directory."""
    return ROOT


@pytest.fixture(scope="session")
def build_part(toolchain: Container, root: Path, once: Once) -> Callable[..., Path]:
    """Bring a part of kernels/build.sh, or programs of it, up to date, and say in which folder."""

    def build(part: str, *programs: str) -> Path:
        output = root / "results" / "build" / part
        output.parent.mkdir(parents=True, exist_ok=True)
        command = ["sh", "kernels/build.sh", part, str(output.relative_to(root))]
        command += [" ".join(programs)] if programs else []
        once(part, lambda: toolchain.run(command))
        return output

    return build


@pytest.fixture(scope="session")
def riscv64_programs(build_part: Callable[[str], Path]) -> Path:
    """Folder of the RISC-V programs."""
    return build_part("riscv64")


@pytest.fixture(scope="session")
def aarch64_programs(build_part: Callable[..., Path]) -> Path:
    """Folder of the Arm programs, of which tests run these."""
    return build_part("aarch64", *ARM_PROGRAMS)


@pytest.fixture(scope="session")
def host_programs(build_part: Callable[[str], Path]) -> Path:
    """Folder of this machine's programs, where packages that run in process find the library."""
    return build_part("host")


@pytest.fixture(scope="session")
def host(toolchain: Container, host_programs: Path) -> Target:
    """This machine, its programs brought up to date with the sources."""
    return Target("host", TargetConfig(kind="host"), toolchain)


@pytest.fixture(scope="session")
def timing_model(build_part: Callable[[str], Path]) -> None:
    """The timing model, where targets look for it."""
    build_part("timing")


@pytest.fixture(scope="module")
def scratch(root: Path) -> Iterator[Path]:
    """An empty folder inside the checkout, removed with what a module's tests left in it."""
    (root / "results").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="tests-", dir=root / "results"))
    yield folder
    shutil.rmtree(folder)
