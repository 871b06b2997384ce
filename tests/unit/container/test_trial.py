# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The image that an engine has to run before it is chosen."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from colonnade.container.trial import PROGRAM, trial_image

# As Docker's protocol names what this kernel says of itself.
HERE = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64"}[os.uname().machine]


def _unpacked(architecture: str, folder: Path) -> Path:
    archive = trial_image(architecture)
    assert archive is not None
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder)
    return folder / PROGRAM.lstrip("/")


def test_the_program_runs_and_ends_at_once(tmp_path: Path) -> None:
    program = _unpacked(HERE, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [program.name]
    done = subprocess.run([program], capture_output=True, env={}, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("architecture", "machine", "instructions"),
    [
        ("amd64", 62, "31ffb83c0000000f05"),
        ("arm64", 183, "a80b80d2000080d2010000d4"),
        ("riscv64", 243, "9308d0051305000073000000"),
    ],
)
def test_each_architecture_has_instructions_of_its_own(
    architecture: str, machine: int, instructions: str, tmp_path: Path
) -> None:
    """As the manuals encode them: QEMU has run those of Arm and of RISC-V."""
    content = _unpacked(architecture, tmp_path).read_bytes()
    assert content[:4] == b"\x7fELF"
    assert int.from_bytes(content[18:20], "little") == machine
    assert content.endswith(bytes.fromhex(instructions))


def test_another_architecture_has_none() -> None:
    assert trial_image("s390x") is None
