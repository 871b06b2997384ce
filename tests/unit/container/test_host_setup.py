# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the set-up of a machine installs as root, with programs in the place of the system's."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = (ROOT / "containers/host-setup.sh").read_text()
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


def test_the_same_pythons_are_taken_and_named_everywhere(tmp_path: Path) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    limits = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", settings["project"]["requires-python"])
    assert limits is not None
    least, beyond = map(int, limits.groups())
    # Stand-ins that say of themselves what they are, where the script asks them by name alone.
    chosen = {}
    for minor in range(least - 1, beyond + 1):
        folder = tmp_path / str(minor)
        folder.mkdir()
        version = f"import sys; sys.version_info = (3, {minor}, 0, 'final', 0);"
        (folder / "python3").write_text(
            f'#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.{minor}.0" && exit\n'
            f'exec {sys.executable} -c "{version} $2"\n'
        )
        (folder / "python3").chmod(0o755)
        found = re.search(r"^find_python\(\) \{\n.*?^\}\n", SCRIPT, re.M | re.S)
        say = re.search(r"^say\(\) \{\n.*?^\}\n", SCRIPT, re.M | re.S)
        assert found is not None
        assert say is not None
        done = subprocess.run(
            ["/bin/sh", "-c", f"{say[0]}{found[0]}find_python"],
            env={"PATH": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        chosen[minor] = done.returncode == 0
        if not chosen[minor]:
            assert done.returncode == 2
            assert done.stderr == (
                f"error: Python 3.{least} to 3.{beyond - 1} is needed;"
                f" python3 here is Python 3.{minor}.0\n"
            )
    assert chosen == {minor: least <= minor < beyond for minor in chosen}
    names = re.search(r"^    for name in (.*); do$", SCRIPT, re.M)
    assert names is not None
    assert names[1].split() == [
        "python3",
        *(f"python3.{minor}" for minor in range(beyond - 1, least - 1, -1)),
    ]
    for page in ("README.md", "CONTRIBUTING.md"):
        assert f"Python 3.{least} to 3.{beyond - 1}" in (ROOT / page).read_text(), page
