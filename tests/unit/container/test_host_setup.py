# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the set-up of a machine installs as root, with programs in the place of the system's."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = "dataset-fashion-mnist"
PRESENT = Path("/usr/share/datasets/fashion-mnist").is_dir()


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("user", [0, 1000])
def test_images_are_installed_as_root_and_their_absence_stops_nothing(
    user: int, refused: bool, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    calls.touch()
    programs = {
        "id": f"echo {user}",
        "apt-get": f'echo "$@" >>{calls}; case "$*" in *{PACKAGE}*) exit {int(refused)};; esac',
        "python3": f'exec {sys.executable} "$@"',
        **dict.fromkeys(("git", "mmdebstrap", "bwrap", "newuidmap", "dockerd"), "exit 0"),
    }
    for name, command in programs.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{command}\n")
        program.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(ROOT / "containers/host-setup.sh")],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "python3")
    tried = PACKAGE in calls.read_text()
    assert tried == (user == 0 and not PRESENT)
    assert ("going on without it" in done.stderr) == (tried and refused)
