# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The wheel: its tag, the same bytes each time, and what it does away from the checkout."""

import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colonnade.config.pruning import Pattern
from colonnade.package.optimize import optimize
from tests.unit.package.test_optimize import write_small

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="programs for this machine are built for x86-64"
)
SOURCES = ("pyproject.toml", "setup.py", "LICENSE", "workflow")
NATIVE = ("libcolonnade.so", "colonnade-run", "colonnade-bench")
PX = 33
# As README has them, but for the number of pixels.
LINES = f"""
import colonnade, numpy as np
net = colonnade.load("out/package")
y = net(np.zeros((2, 3, {PX}, {PX}), np.float32))
print(y.shape, colonnade.__file__)
"""


def pip(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pip without what this environment says of packages."""
    return subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def build(source: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """As the rule `wheel` does it."""
    options = ("--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source))
    return pip("wheel", *options, SOURCE_DATE_EPOCH="315532800")


@pytest.fixture(scope="module")
def source(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What of a checkout the wheel is made of, without programs."""
    folder = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (root / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(root / name, folder / name, ignore=ignored)
        else:
            shutil.copy2(root / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(
    source: Path, build_part: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    built, folder = build_part("host"), source / "results/build/host"
    folder.mkdir(parents=True)
    for name in NATIVE:
        shutil.copy2(built / name, folder / name)
    made = tmp_path_factory.mktemp("wheel")
    run = build(source, made)
    assert run.returncode == 0, run.stdout + run.stderr
    (path,) = made.iterdir()
    return path


def test_a_checkout_without_programs_is_refused(root: Path, source: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(source, bare, ignore=shutil.ignore_patterns("results", "build"))
    run = build(bare, tmp_path / "made")
    assert run.returncode != 0
    assert "libcolonnade.so" in run.stderr and "`snakemake wheel` builds them" in run.stderr
    # As `make env` installs it, before anything is compiled.
    (tmp_path / "editable").mkdir()
    hook = f"from setuptools import build_meta; build_meta.build_editable({str(tmp_path / 'editable')!r})"
    subprocess.run([sys.executable, "-c", hook], cwd=bare, check=True, capture_output=True)
    assert len([*(tmp_path / "editable").iterdir()]) == 1


def test_the_wheel_is_for_this_machine_and_the_same_each_time(
    wheel: Path, source: Path, tmp_path: Path
) -> None:
    tag = re.fullmatch(r"colonnade-0\.1\.0-py3-none-manylinux_2_(\d+)_x86_64\.whl", wheel.name)
    assert tag is not None, wheel.name
    # No newer than Debian 12's, whatever the toolchain has.
    assert int(tag[1]) <= 36
    # A module that is gone since is not in there.
    stale = source / "workflow/colonnade/stale.py"
    stale.write_text("")
    assert build(source, tmp_path / "stale").returncode == 0
    stale.unlink()
    assert build(source, tmp_path / "again").returncode == 0
    assert (tmp_path / "again" / wheel.name).read_bytes() == wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        modes = {Path(i.filename).name: i.external_attr >> 16 for i in archive.infolist()}
    assert {f"colonnade/native/{name}" for name in NATIVE} < set(names)
    assert {"colonnade/py.typed", "colonnade/report/report.css"} < set(names)
    assert all(modes[name] & 0o111 for name in NATIVE)


def test_an_installed_wheel_runs_packages_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    small = write_small(tmp_path / "small.pt2", PX, seed=8)
    optimize(small, tmp_path / "out", Pattern(m="full", sparsity=0.5), 4)
    Image.fromarray(np.full((40, 40, 3), 90, np.uint8)).save(tmp_path / "photo.png")
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = str(venv / "bin/python")
    run = pip("--python", python, "install", "--no-deps", "--no-index", str(wheel))
    assert run.returncode == 0, run.stdout + run.stderr
    # Its dependencies are those of this environment; a path has no finder of an editable installation.
    (site,) = venv.glob("lib/python3*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def typed(*command: str) -> str:
        run = subprocess.run(
            command,
            cwd=tmp_path,
            env={"PATH": f"{venv}/bin:/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    said = typed("python", "-c", LINES)
    assert said.startswith("(2, 10) ") and str(venv) in said
    size = ("--image-px", str(PX))
    assert "class" in typed("colonnade", "run", "out/package", "--image", "photo.png", *size)
    assert "median" in typed("colonnade", "bench", "out/package", *size)
    assert "0.5 of the columns" in typed("colonnade", "inspect", "out/package", *size)
    assert "agrees with PyTorch" in typed("colonnade", "validate", "out/package", *size)
