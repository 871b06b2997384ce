# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A release is of one commit: the same bytes twice, of the version that its tag says."""

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml

from ..conftest import git

ROOT = Path(__file__).resolve().parents[3]
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "CITATION.cff")
FOLDERS = ("workflow/colonnade/common", "workflow/colonnade/report", "workflow/envs")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository of some of our files, with one commit."""
    folder = tmp_path / "checkout"
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "workflow/colonnade/__init__.py", folder / "workflow/colonnade")
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    git("init", "--quiet", "--initial-branch=main", ".", folder=folder)
    git("add", "--all", folder=folder)
    git("commit", "--quiet", "--message", "all of it", folder=folder)
    return folder


WHEEL = "colonnade-0.1.0-py3-none-manylinux_2_35_x86_64.whl"


def release(checkout: Path, target: Path, wheel: str = WHEEL) -> subprocess.CompletedProcess[str]:
    """Make a release with a wheel whose bytes do not matter; `test_wheel.py` is about these."""
    built = target.with_name("built") / wheel
    built.parent.mkdir(exist_ok=True)
    built.write_bytes(b"a wheel")
    return subprocess.run(
        [sys.executable, "workflow/envs/release.py", str(target), str(built)],
        cwd=checkout,
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_release_is_the_same_twice(checkout: Path, tmp_path: Path) -> None:
    again = tmp_path / "another place"
    shutil.copytree(checkout, again)
    made = []
    for number, folder in enumerate((checkout, again)):
        target = tmp_path / f"release{number}"
        ran = release(folder, target)
        assert ran.returncode == 0, ran.stderr
        assert "a rehearsal, not a release" in ran.stdout
        made.append({file.name: file.read_bytes() for file in target.iterdir()})
    names = {"SHA256SUMS", "colonnade-0.1.0-source.tar.gz", "colonnade-0.1.0.tar.gz", "zenodo.json"}
    assert made[0].keys() == names | {WHEEL}
    assert made[0][WHEEL] == b"a wheel"
    assert f"  {WHEEL}\n" in made[0]["SHA256SUMS"].decode()
    assert made[0] == made[1]
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
        cwd=tmp_path / "release0",
        check=False,
    )
    assert checked.returncode == 0


def test_a_release_holds_the_sources_and_what_zenodo_asks(checkout: Path, tmp_path: Path) -> None:
    git("tag", "v0.1.0", folder=checkout)
    ran = release(checkout, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "rehearsal" not in ran.stdout
    with tarfile.open(tmp_path / "colonnade-0.1.0.tar.gz") as archive:
        names = archive.getnames()
    assert "colonnade-0.1.0/PKG-INFO" in names
    assert "colonnade-0.1.0/workflow/colonnade/report/page.html.j2" in names
    with tarfile.open(tmp_path / "colonnade-0.1.0-source.tar.gz") as archive:
        members = archive.getmembers()
    assert "colonnade-0.1.0/workflow/envs/release.py" in [each.name for each in members]
    assert len({each.mtime for each in members}) == 1
    metadata = json.loads((tmp_path / "zenodo.json").read_text())["metadata"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert metadata["title"] == cited["title"]
    assert (metadata["version"], metadata["license"]) == ("0.1.0", "bsd-3-clause")
    assert metadata["related_identifiers"][0]["identifier"] == "arXiv:2507.17301"


def test_changes_and_other_tags_are_refused(checkout: Path, tmp_path: Path) -> None:
    git("tag", "v9.9.9", folder=checkout)
    ran = release(checkout, tmp_path / "out")
    assert ran.returncode == 1
    assert "error: version: 0.1.0 in pyproject.toml; tag here: v9.9.9" in ran.stderr
    git("tag", "--delete", "v9.9.9", folder=checkout)
    ran = release(checkout, tmp_path / "out", WHEEL.replace("0.1.0", "0.0.9"))
    assert ran.returncode == 1
    assert "not of version 0.1.0; `snakemake wheel` builds one" in ran.stderr
    (checkout / "README.md").write_text("changed")
    ran = release(checkout, tmp_path / "out")
    assert ran.returncode == 1
    assert "error: changes that are not committed:\nM README.md" in ran.stderr
    assert not (tmp_path / "out").exists()


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    header = (ROOT / "kernels/api/colonnade.h").read_text()
    assert re.findall(r'^#define COLONNADE_VERSION "(.*)"$', header, re.M) == [version]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
