# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The same build in a Docker container and in the engine that the other tests run in: the same bytes.

A Docker daemon of the test's own is started where one is installed and this is root, and Podman's service
for a user who is not.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest
import requests
from docker.errors import DockerException

from colonnade.common.files import sha256_file
from colonnade.common.paths import QEMU
from colonnade.container import Container, open_image, select_engine
from colonnade.container.podman import PodmanEngine
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
        wait(daemon, address, home / "log")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", address)
            yield
    finally:
        daemon.terminate()
        daemon.wait(timeout=START_SECONDS)
        # The network name space that it leaves mounted would keep the folder from being removed.
        for space in (home / "exec/netns").glob("*"):
            subprocess.run(["umount", space], check=True)


# What root does for a user that this machine does not have: with /etc as it would be, in name spaces of
# its own, with which all ends that the user starts.
AS_A_USER = f"""
cp -a /etc "$1/etc"
echo "somebody:x:{USER}:{USER}::$1:/bin/sh" >>"$1/etc/passwd"
echo "somebody:x:{USER}:" >>"$1/etc/group"
for file in subuid subgid; do echo "somebody:200000:65536" >"$1/etc/$file"; done
mount --bind "$1/etc" /etc
cd "$1"
exec setpriv --pdeathsig KILL --reuid {USER} --regid {USER} --clear-groups podman system service --time 0 "unix://$1/socket"
"""


@pytest.fixture
def rootless_podman(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Podman's service of a user; a folder that is the user's own."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    podman, _ = require("podman"), require("newuidmap")
    # Of pytest's own folders the user may enter none.
    with tempfile.TemporaryDirectory() as name, (Path(name) / "log").open("w") as log:
        home = Path(name)
        home.chmod(0o755)
        os.chown(home, USER, USER)
        settings = home / "containers.conf"
        # Where it is there: Podman's own default knows no control groups of version 1.
        settings.write_text('[engine]\nruntime = "runc"\n' if shutil.which("runc") else "")
        service = subprocess.Popen(
            [
                *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
                *("sh", "-e", "-c", AS_A_USER, "sh", name),
            ],
            env={
                **{"HOME": name, "XDG_RUNTIME_DIR": name, "CONTAINERS_CONF": str(settings)},
                "PATH": f"{Path(podman).parent}:{os.environ['PATH']}",
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        address = f"unix://{home / 'socket'}"
        try:
            wait(service, address, home / "log")
            monkeypatch.setattr(PodmanEngine, "address", lambda _: address)
            for mine in ("getuid", "getgid"):
                monkeypatch.setattr(os, mine, lambda: USER)
            yield home
        finally:
            # With it goes the name space of all processes.
            service.kill()
            service.wait(timeout=START_SECONDS)


def wait(service: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Wait until an engine answers."""
    deadline = time.monotonic() + START_SECONDS
    while not answers(address):
        assert service.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.2)


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


def test_podman_without_root_leaves_files_of_its_user(
    rootless_podman: Path, toolchain: Container, scratch: Path, root: Path
) -> None:
    """In an image of a shell and what it needs."""
    checkout, archive = rootless_podman / "checkout", scratch / "shell.tar"
    (checkout / "results").mkdir(parents=True)
    for folder in (checkout, checkout / "results"):
        os.chown(folder, USER, USER)
    needed = ("bin/sh", "lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libc.so.6")
    command = ["tar", "--dereference", "-C", "/", "-cf", str(archive.relative_to(root)), *needed]
    toolchain.run(command)
    engine = PodmanEngine()
    assert engine.problem() is None
    with closing(docker.DockerClient(base_url=engine.address())) as client:
        digest = json.loads(client.api.import_image_from_file(str(archive)))["status"]
    container = engine.open("shell", digest, checkout)
    said = container.run(
        ["/bin/sh", "-c", "read line && echo $line >results/line"], stdin=b"here\n"
    )
    assert said.stdout == ""
    found = checkout / "results/line"
    assert found.read_text() == "here\n"
    assert (found.stat().st_uid, found.stat().st_gid) == (USER, USER)


# Within a Debian of its own, as root of name spaces of its own, and then as a user of it.
IN_A_DEBIAN = f"""
mount --bind "$1" "$1"
for each in proc dev sys; do mount --rbind "/$each" "$1/$each"; done
mkdir "$1/checkout"
mount --bind "$2" "$1/checkout"
cd "$1"
pivot_root . mnt
cd /checkout
umount --lazy /mnt
touch /etc/hosts /etc/localtime
echo "somebody:x:{USER}:{USER}::/tmp:/bin/sh" >>/etc/passwd
exec setpriv --reuid {USER} --regid {USER} --clear-groups env HOME=/tmp sh -e -c "$3"
"""


@pytest.mark.skipif(not WHOLE_IMAGE, reason="`make engine-nightly` runs it")
def test_apptainer_enters_the_root_file_system_as_documented(
    toolchain: Container, root: Path, tmp_path: Path
) -> None:
    """With what Debian's sid has; its stable releases have no Apptainer."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    if not list(root.glob(".colonnade/rootfs/*/tree")):
        pytest.skip("the toolchain's engine is another")
    debian = tmp_path / "debian"
    packages = "--include=apptainer,mount,passwd,util-linux"
    # A mirror's index may be some weeks old.
    any_age = "--aptopt=Acquire::Check-Valid-Until false"
    subprocess.run(
        [require("mmdebstrap"), "--variant=apt", any_age, packages, "sid", debian], check=True
    )
    blocks = re.findall(
        r"^```text\n(.*?)^```$", (root / "docs/containers.md").read_text(), re.M | re.S
    )
    (typed,) = (block for block in blocks if block.startswith("apptainer "))
    command = ["unshare", "--mount", "sh", "-e", "-c", IN_A_DEBIAN, "sh", debian, root, typed]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == toolchain.run([QEMU, "--version"]).stdout


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
