# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The shell functions that download and verify sources, with stand-ins for apt."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

APT_CACHE = """#!/bin/sh
printf 'Package: fxdiv\\nVersion: 9.9-1\\n\\nPackage: fxdiv\\nVersion: {version}\\n'
"""
APT_GET = """#!/bin/sh
echo tampered > fxdiv_0.orig.tar.xz
"""


def _unpack(tmp_path: Path, version: str) -> subprocess.CompletedProcess[str]:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (
        ("apt-cache", APT_CACHE.replace("{version}", version)),
        ("apt-get", APT_GET),
    ):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    shutil.copytree(ROOT / "containers", tmp_path / "containers")
    driver = tmp_path / "containers/steps/driver.sh"
    driver.write_text('. "$(dirname "$0")/common.sh"\nunpack_source fxdiv\n')
    return subprocess.run(
        ["sh", driver],
        env={"PATH": f"{tools}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("version", ["0.0~git20200417.b408327-4", "1:0.0~git20200417.b408327-4"])
def test_a_tarball_with_another_checksum_stops_the_build(tmp_path: Path, version: str) -> None:
    run = _unpack(tmp_path, version)
    assert run.returncode == 1
    assert "error: versions.env: SOURCES: fxdiv: the tarball has SHA-256" in run.stderr


def test_a_version_that_left_the_archive_is_named(tmp_path: Path) -> None:
    run = _unpack(tmp_path, "0.0~git20990101.0000000-1")
    assert run.returncode == 1
    assert "fxdiv 0.0~git20200417.b408327: the Debian archive no longer has it" in run.stderr
