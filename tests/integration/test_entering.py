# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Entering the toolchain by hand, and a checkout whose folders are symlinks to another disk."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import Container, open_image, rootfs

COLONNADE = [sys.executable, "-c", "from colonnade.cli import main; main()"]
CONV = "n1c16h8w8-o16-k3x3-s1-p1-d1"


@pytest.fixture(params=["bubblewrap", "chroot"])
def each_way(
    request: pytest.FixtureRequest,
    toolchain: Container,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> str:
    """Both ways into a root file system; with another engine the first test is of that engine."""
    if request.param == "chroot":
        if not isinstance(toolchain, rootfs._Rootfs) or os.geteuid() != 0:
            pytest.skip("needs root and the engine rootfs")
        tools = tmp_path / "tools-without-bwrap"
        tools.mkdir()
        (tools / "unshare").symlink_to(str(shutil.which("unshare")))
        monkeypatch.setenv("PATH", str(tools))
        assert not rootfs._bubblewrap_works()
    return str(request.param)


@pytest.fixture
def elsewhere(root: Path, tmp_path: Path) -> Iterator[Path]:
    """A checkout whose results are on another disk, as are its state and a target's core."""
    checkout, disk = tmp_path / "checkout", tmp_path / "disk"
    for folder in (checkout / "kernels", disk / "results", disk / "build"):
        folder.mkdir(parents=True)
    (checkout / ".colonnade").symlink_to(root / ".colonnade")
    (checkout / "results").symlink_to(disk / "results")
    (disk / "results/build").symlink_to("../build")
    (disk / "core.json").write_text("{}")
    (checkout / "kernels/core.json").symlink_to("../../disk/core.json")
    yield checkout
    # What the rootfs keeps of it are empty folders.
    for place in (root / ".colonnade/rootfs").glob(f"*/tree{disk}"):
        shutil.rmtree(place)


@pytest.mark.usefixtures("each_way", "toolchain")
def test_results_on_another_disk_are_written_there(root: Path, elsewhere: Path) -> None:
    container = open_image(root / "results/toolchain/image.json", elsewhere)
    script = "cat kernels/core.json; cd results/build; mkdir riscv64; echo built > riscv64/program"
    assert container.run(["sh", "-c", script]).stdout == "{}"
    assert (elsewhere.parent / "disk/build/riscv64/program").read_text() == "built\n"
    with pytest.raises(ColonnadeError, match="Read-only file system"):
        container.run(["touch", "/usr/file"])


@pytest.mark.usefixtures("each_way")
def test_a_command_has_our_input_and_output_and_its_exit_status_is_ours(root: Path) -> None:
    def shell(*command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COLONNADE, "shell", *command], cwd=root, input=stdin, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    assert shell("--", "sh", "-c", "cat; pwd; exit 7", stdin="in\n").stdout == "in\n/colonnade\n"
    assert shell("--", "sh", "-c", "exit 7").returncode == 7
    assert shell("--", "sh", "-c", "kill -9 $$").returncode == 128 + signal.SIGKILL
    missing = shell("no-such-program")
    assert (missing.returncode, missing.stdout) == (127, "")
    assert "no-such-program: not found" in missing.stderr
    assert shell(
        stdin="test -t 0 || echo no terminal; ls kernels/build.sh"
    ).stdout.splitlines() == [
        "no terminal",
        "kernels/build.sh",
    ]


def test_the_working_directory_is_kept(root: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [*COLONNADE, "shell", "pwd"], cwd=root / "kernels/bench", capture_output=True, check=True
    )
    assert run.stdout == b"/colonnade/kernels/bench\n"
    outside = subprocess.run(
        [*COLONNADE, "shell", "pwd"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert outside.returncode == 2
    told = f"error: {tmp_path}: not in a checkout of Colonnade; change to one, such as {root}\n"
    assert outside.stderr == told


def _read_until(terminal: int, word: str) -> str:
    seen = ""
    deadline = time.monotonic() + 60
    while word not in seen and time.monotonic() < deadline:
        try:
            seen += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # the other end is closed
            break
    return seen


@pytest.mark.usefixtures("each_way")
def test_a_shell_on_a_terminal_has_its_keys_and_job_control(root: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(root)
        os.execv(sys.executable, [*COLONNADE, "shell"])
    try:
        os.write(terminal, b"PS1='ready> '; test -t 0 && echo on a $((40 + 2))th terminal\n")
        started = _read_until(terminal, "42th terminal")
        assert "42th terminal" in started
        assert "no job control" not in started
        os.write(terminal, b"sleep 300; echo status $?\n")
        time.sleep(1)
        os.write(terminal, b"\x03")  # Ctrl-C ends sleep, not the shell
        os.write(terminal, b"echo still $((40 + 1)) here; exit 3\n")
        assert "still 41 here" in _read_until(terminal, "still 41 here")
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 3
    finally:
        os.close(terminal)


def _bench(root: Path, *arguments: str, folder: str = ".") -> list[dict[str, object]]:
    run = subprocess.run(
        [*COLONNADE, "bench-conv", *arguments], cwd=root / folder, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.mark.usefixtures("riscv64_programs", "timing_model")
@pytest.mark.parametrize("dashes", [(), ("--",)])
def test_the_bench_runs_on_a_target_by_name(root: Path, dashes: tuple[str, ...]) -> None:
    options = ("--conv", CONV, "--algorithm", "direct,packed", "--tile", "14", "--lmul", "2")
    found = _bench(
        root, "--target", "x60", *dashes, *options, "--panels", "4", "--sparsity", "0,0.5"
    )
    assert [each["algorithm"] for each in found] == ["direct", "direct", "packed", "packed"]
    assert {each["vlen"] for each in found} == {256}
    assert all(int(str(each["cycles"])) > 0 for each in found)
    # 1.6 GHz, as `layers.csv` has it.
    assert [each["ms"] for each in found] == [int(str(each["cycles"])) / 1.6e6 for each in found]
    assert list((root / "results").glob(".bench-conv-*")) == []


@pytest.mark.usefixtures("riscv64_programs", "timing_model")
@pytest.mark.parametrize("form", ["--shapes {}", "--shapes={}"])
def test_files_are_found_from_where_the_caller_is(root: Path, tmp_path: Path, form: str) -> None:
    shapes = tmp_path / "my shapes.txt"
    shapes.write_text(f"{CONV}\n")
    for name in (str(shapes), os.path.relpath(shapes, root / "kernels")):
        option = form.replace(" ", "\0").format(name).split("\0")
        options = (*option, "--algorithm", "direct", "--tile", "8", "--lmul", "1", "--panels", "1")
        found = _bench(root, *options, folder="kernels")
        assert [each["conv"] for each in found] == [CONV]


@pytest.mark.usefixtures("riscv64_programs", "timing_model")
def test_what_the_bench_needs_is_named(root: Path) -> None:
    def message(*arguments: str) -> str:
        run = subprocess.run(
            [*COLONNADE, "bench-conv", *arguments], cwd=root, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert run.returncode == 2
        return run.stderr

    assert "target: 'x6'; allowed: " in message("--target", "x6")
    shapes = message("--shapes", "no-such-file")
    assert shapes == "error: --shapes: no-such-file: no such file\n"
