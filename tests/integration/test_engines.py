# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The same build in a Docker container and in the engine that the other tests run in: the same bytes.

A Docker daemon of the test's own is started where one is installed and this is root.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
import requests
from docker.errors import DockerException

from colonnade.common.files import sha256_file
from colonnade.container import Container, open_image, select_engine
from tests.installed import require

# `make engine-nightly` compiles the emulator in the image too, and all programs with it, and the release
# image: minutes.
WHOLE_IMAGE = os.environ.get("COLONNADE_WHOLE_IMAGE") == "1"
PROGRAMS = ("colonnade-run", "colonnade-bench", "colonnade-tests")
TIMING = "libcolonnade-timing.so"
SOURCE = "kernels/common/pinning.c"
START_SECONDS = 60
# Whom files of a container's run belong to.
USER = 4242


@pytest.fixture(scope="module")
def private_docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Docker daemon with folders of its own; `DOCKER_HOST` points to it."""
    if os.geteuid() != 0:
        pytest.skip("only root can start a Docker daemon")
    dockerd = require("dockerd")
    home = tmp_path_factory.mktemp("docker")
    address = f"unix://{home / 'docker.sock'}"
    folders = ("--data-root", home / "data", "--exec-root", home / "exec")
    with (home / "log").open("w") as log:
        daemon = subprocess.Popen(
            [dockerd, *folders, "--pidfile", home / "pid", "--host", address],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(address):
            assert daemon.poll() is None, (home / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, (home / "log").read_text()[-2000:]
            time.sleep(0.2)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", address)
            yield
    finally:
        daemon.terminate()
        daemon.wait(timeout=START_SECONDS)
        # The network name space that it leaves mounted would keep the folder from being removed.
        for space in (home / "exec/netns").glob("*"):
            subprocess.run(["umount", space], check=True)


def answers(address: str) -> bool:
    try:
        return bool(docker.DockerClient(base_url=address, timeout=5).ping())
    except (DockerException, requests.RequestException):
        return False


def take_qemu(archive: Path, steps: Path) -> None:
    """Let the image have the emulator that is compiled already, instead of compiling it again."""
    shutil.copy(archive, steps)
    (steps / "qemu.sh").write_text(
        "set -eu\nmkdir /opt/qemu\ntar -C /opt/qemu -xf /opt/colonnade/steps/qemu.tar\n"
    )


def compile_one(container: Container, output: str) -> None:
    """One of the sources, for RISC-V, as the toolchain's file for CMake has it."""
    target = ("--target=riscv64-linux-gnu", "-march=rv64gcv", "-O2", "-Ikernels/common")
    container.run(["clang-19", *target, "-c", SOURCE, "-o", output])


@pytest.mark.usefixtures("private_docker", "timing_model")
def test_docker_builds_the_same_programs(
    toolchain: Container,
    build_part: Callable[[str], Path],
    root: Path,
    scratch: Path,
    tmp_path: Path,
) -> None:
    for name in ("containers", "kernels"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / name, tmp_path / name, ignore=ignored)
    (tmp_path / "results").mkdir()
    if not WHOLE_IMAGE:
        archive = scratch / "qemu.tar"
        toolchain.run(["tar", "-C", "/opt/qemu", "-cf", str(archive.relative_to(root)), "."])
        take_qemu(archive, tmp_path / "containers/steps")
    image = select_engine("docker").build(tmp_path)
    assert image.engine == "docker"
    image.save(tmp_path / "image.json")
    container = open_image(tmp_path / "image.json", tmp_path)
    compile_one(container, "results/one.o")
    compile_one(toolchain, str((scratch / "one.o").relative_to(root)))
    container.run(["sh", "kernels/build.sh", "timing", "results/timing"])
    same = [
        ("one.o", scratch / "one.o"),
        (f"timing/{TIMING}", root / "results/build/timing" / TIMING),
    ]
    if WHOLE_IMAGE:
        container.run(["sh", "kernels/build.sh", "riscv64", "results/riscv64"])
        programs = build_part("riscv64")
        same += [(f"riscv64/{program}", programs / program) for program in PROGRAMS]
    for built, expected in same:
        assert sha256_file(tmp_path / "results" / built) == sha256_file(expected), built


@pytest.mark.skipif(not WHOLE_IMAGE, reason="`make engine-nightly` runs it")
@pytest.mark.usefixtures("private_docker")
def test_a_release_image_runs_as_documented(root: Path, tmp_path: Path) -> None:
    """The blocks of docs/containers.md with `docker`, as whoever has nothing but the image types them."""
    subprocess.run(["git", "clone", "-q", str(root), str(tmp_path / "checkout")], check=True)
    made = ["make", "-C", str(tmp_path / "checkout"), "image"]
    subprocess.run(
        made,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        check=True,
    )
    here = tmp_path / "here"
    (here / "smoke").mkdir(parents=True)
    # Only root may ask the daemon; whose files they are to be is somebody else.
    os.chown(here / "smoke", USER, USER)
    asked = tmp_path / "programs/id"
    asked.parent.mkdir()
    asked.write_text(f"#!/bin/sh\necho {USER}\n")
    asked.chmod(0o755)
    text = (root / "docs/containers.md").read_text()
    typed = [
        block
        for block in re.findall(r"^```text\n(.*?)^```$", text, re.M | re.S)
        if "docker run" in block
    ]
    assert len(typed) == 2
    for block in typed:
        done = subprocess.run(
            ["bash", "-e", "-c", block],
            cwd=here,
            env={**os.environ, "PATH": f"{asked.parent}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        assert "have the SHA-256 of the run" in done.stdout
    files = [path for path in (here / "smoke").rglob("*") if not path.is_symlink()]
    assert here / "smoke/report.html" in files
    assert {path.stat().st_uid for path in files} == {USER}
