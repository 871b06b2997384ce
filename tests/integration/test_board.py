# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The command `colonnade board` and a target of that kind: RISC-V and Arm over SSH on loopback."""

import csv
import json
import os
import platform
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from colonnade.container import Container
from colonnade.validation import KERNEL_POINTS, MICROBENCHMARKS

from .emulated_board import EmulatedBoard, emulated_board
from .pruned import export_pruned
from .schedules import cover, write
from .sshd import serve

NAME = "loopback"
TARGET = f"config/targets/{NAME}.yaml"
CONV = "n1c8h9w9-o8-k3x3-s1-p1-d1"
KINDS = ("machine", "instruction", "kernel", "convolution", "network")
CPU = min(os.sched_getaffinity(0))

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the emulator of the toolchain's image is one for x86-64"
)


@pytest.fixture(scope="module")
def running(
    toolchain: Container, root: Path, scratch: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmulatedBoard]:
    """The board; its server's folder is outside of the checkout."""
    tools = scratch / "tools"
    tools.mkdir()
    with serve(tmp_path_factory.mktemp("riscv") / "board") as server:
        yield emulated_board(server, toolchain, root, tools)


@pytest.fixture(scope="module")
def checkout(root: Path, tmp_path_factory: pytest.TempPathFactory, riscv64_programs: Path) -> Path:
    """A checkout with a target of its own, for which others need not know: the rest is the real one."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "config/targets").mkdir(parents=True)
    (folder / "results").mkdir()
    names = ["kernels", "containers", "Snakefile", "workflow", ".github", "results/toolchain"]
    names.append(str(riscv64_programs.parent))
    # Of an engine that keeps its image there.
    for path in (*(root / name for name in names), root / ".colonnade"):
        if path.exists():
            (folder / path.relative_to(root)).symlink_to(path)
    return folder


@pytest.fixture(scope="module")
def runs(checkout: Path) -> list[str]:
    """A network, and the implementations that run it, with schedules in schedules.json."""
    export_pruned(checkout / "package", "resnet18", {}, 32)
    write(checkout / "schedules.json", cover(checkout / "package"))
    return [f"package:{each}" for each in ("xnnpack_nhwc_dense", "colnm_dense")]


@pytest.fixture
def board(running: EmulatedBoard, checkout: Path) -> Iterator[EmulatedBoard]:
    """The board as every test finds it, with the target `loopback`."""
    running.login()
    (running.server.folder / "runs").unlink(missing_ok=True)
    running.target_file(checkout / TARGET)
    yield running
    running.server.trust(running.server.folder / "host_key")
    assert running.server.jobs() == []


def colonnade(*arguments: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("colonnade")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=checkout)


def refused(run: subprocess.CompletedProcess[str], said: str) -> None:
    """One line, no traceback, and the status of a user's mistake."""
    assert run.returncode == 2, run.stderr
    lines = run.stderr.strip().splitlines()
    assert len(lines) == 1, run.stderr
    assert lines[0].startswith("error: ")
    assert NAME in lines[0]
    assert said in lines[0]
    assert run.stdout == ""


def test_the_probe_says_what_it_is(board: EmulatedBoard, checkout: Path) -> None:
    run = colonnade("board", "probe", "--target", NAME, checkout=checkout)
    assert run.returncode == 0, run.stderr
    machine = json.loads(run.stdout)
    assert machine["machine"] == "riscv64"
    assert machine["vlen"] == 256
    assert CPU in [each["cpu"] for each in machine["cpus"]]
    assert "v" in machine["isa"]
    assert machine["l2_bytes"] is None or machine["l2_bytes"] >= 1 << 16
    assert board.runs == ["colonnade-probe"]


def test_the_bench_runs_there(board: EmulatedBoard, checkout: Path) -> None:
    (checkout / "shapes.txt").write_text(f"{CONV}\n")
    options = ["--shapes", "shapes.txt", "--algorithm", "direct,packed", "--check"]
    run = colonnade("bench-conv", "--target", NAME, *options, checkout=checkout)
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert [line["algorithm"] for line in lines] == ["direct", "packed"]
    for line in lines:
        assert (line["vlen"], line["cycles"]) == (256, None)
        assert line["ms"] > 0
        assert line["max_abs_error"] < 1e-5


def test_networks_are_timed_by_turns(board: EmulatedBoard, checkout: Path, runs: list[str]) -> None:
    options = ["--schedules", "schedules.json", "--rounds", "2", "--image-px", "32"]
    options += ["--repetitions", "1", "--warmup", "0"]
    command = ["board", "run", "--target", NAME, *options, "board.csv", *runs]
    refused(
        colonnade(*command, "--threads", "2", checkout=checkout), "throughput.threads: 2; allowed"
    )
    run = colonnade(*command, checkout=checkout)
    assert run.returncode == 0, run.stderr
    rows = list(csv.DictReader((checkout / "board.csv").open()))
    assert [row["implementation"] for row in rows] == ["xnnpack_nhwc_dense", "colnm_dense"]
    assert float(rows[0]["speedup"]) == 1
    for row in rows:
        assert (row["evidence"], row["target"], row["rounds"]) == ("measured", NAME, "2")
        assert 0 < float(row["ms_least"]) <= float(row["ms"]) <= float(row["ms_most"])
    # By turns, and nothing is left, here or there.
    programs = [name for name in board.runs if name != "colonnade-probe"]
    assert programs == ["colonnade-run"] * 4
    assert list(checkout.glob(".board-*")) == []
    assert list(board.server.home.iterdir()) == []


@pytest.mark.usefixtures("aarch64_programs")
def test_an_arm_board_gets_programs_for_arm(
    board: EmulatedBoard, checkout: Path, runs: list[str]
) -> None:
    board.login(vlen=None)
    board.target_file(checkout / TARGET, isa="aarch64")
    run = colonnade("board", "probe", "--target", NAME, checkout=checkout)
    assert run.returncode == 0, run.stderr
    machine = json.loads(run.stdout)
    assert (machine["machine"], machine["vlen"]) == ("aarch64", None)
    assert CPU in [each["cpu"] for each in machine["cpus"]]
    options = ["--schedules", "schedules.json", "--rounds", "1", "--image-px", "32"]
    options += ["--repetitions", "1", "--warmup", "0"]
    command = ["board", "run", "--target", NAME, *options, "arm.csv", runs[-1]]
    run = colonnade(*command, checkout=checkout)
    assert run.returncode == 0, run.stderr
    (row,) = csv.DictReader((checkout / "arm.csv").open())
    assert (row["implementation"], row["evidence"]) == ("colnm_dense", "measured")
    assert float(row["ms"]) > 0


@pytest.mark.usefixtures("timing_model")
def test_a_core_is_calibrated(board: EmulatedBoard, checkout: Path) -> None:
    """Numbers are those of an emulator; what is tried is how they come and what becomes of them."""
    options = ["--rounds", "1", "--iterations", "20", "--table", "calibration.csv"]
    command = ["board", "calibrate", "--target", NAME, *options, "measured.json"]
    run = colonnade(*command, checkout=checkout)
    assert run.returncode == 0, run.stderr
    programs = {name for name in board.runs if name != "colonnade-probe"}
    assert programs == {
        *("board-microbenchmarks", "board-frequency"),
        *("kernels", "multiply", "xnnpack"),
    }
    description = json.loads((checkout / "measured.json").read_text())
    where = description["about"][0]
    assert where in run.stdout
    assert f"CPU {CPU}, 20" in where
    assert "kernels/timing/cores/x60.json" in where
    assert description["classes"]["vf_fma"]["about"] == "measured: latency, masked, occupancy"
    assert description["clock_mhz"] > 0
    rows = list(csv.DictReader((checkout / "calibration.csv").open()))
    assert {row["kind"] for row in rows} == {"instruction", "kernel"}
    kernels = {row["class"] for row in rows if row["kind"] == "kernel"}
    assert kernels == {"element-wise", "memory", "GEMM", "convolution"}
    assert all(float(row["measured_cycles"]) > 0 for row in rows)
    for row in rows:
        assert row["class"] in run.stdout
    # The bench runs under the model with it.
    target = {"kind": "emulated", "core": "measured.json"}
    (checkout / "config/targets/measured.yaml").write_text(json.dumps(target))
    bench = ["bench-conv", "--target", "measured", "--conv", CONV, "--algorithm", "direct"]
    run = colonnade(*bench, checkout=checkout)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["cycles"] > 0


def test_a_package_runs_there(board: EmulatedBoard, checkout: Path, runs: list[str]) -> None:
    """By the commands that run packages everywhere."""
    command = [
        "bench",
        "package",
        "--target",
        NAME,
        "--image-px",
        "32",
        "--repetitions",
        "2",
        "--json",
    ]
    run = colonnade(*command, checkout=checkout)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert (found["target"], found["evidence"], found["cycles"]) == (NAME, "measured", None)
    assert found["median_ms"] > 0
    assert board.runs[-1] == "colonnade-run"


def measure_in_ci(
    board: EmulatedBoard, checkout: Path, folder: Path, work: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Do as the job of .github/workflows/nightly.yml does, in `work`, of which it writes `output`."""
    with tarfile.open(work / "programs.tar", "w") as archive:
        archive.add(folder, "riscv-programs")
    script = checkout / ".github/scripts/measure.sh"
    return board.shell(f"cd {work} && {script} programs.tar output {' '.join(arguments)}")


def test_a_folder_measures_a_machine_by_itself(
    board: EmulatedBoard, checkout: Path, runs: list[str], tmp_path: Path
) -> None:
    """Without SSH, as a runner of public CI does it; by the shell of the board's login."""
    options = ["--schedules", "schedules.json", "--image-px", "32"]
    run = colonnade("board", "programs", *options, "programs", *runs, checkout=checkout)
    assert run.returncode == 0, run.stderr
    folder = checkout / "programs"
    # All shapes would take the emulator minutes.
    assert len((folder / "resnet18.txt").read_text().splitlines()) > 5
    (folder / "resnet18.txt").write_text(f"{CONV}\n")
    measured = measure_in_ci(board, checkout, folder, tmp_path, "1", "20")
    assert measured.returncode == 0, measured.stderr
    output = tmp_path / "output"
    assert json.loads((output / "machine.json").read_text())["vlen"] == 256
    assert (output / "measured.csv").read_text() in measured.stdout
    rows = list(csv.DictReader((output / "measured.csv").open()))
    named = {kind: [row["name"] for row in rows if row["kind"] == kind] for kind in KINDS}
    assert named["machine"] == ["vlen", "frequency"]
    assert named["instruction"] == [each.name for each in MICROBENCHMARKS]
    assert {run for point in KERNEL_POINTS for run in point.runs} <= {
        (name.split()[0], int(name.split()[1])) for name in named["kernel"]
    }
    assert named["convolution"] == [
        f"{CONV} direct k72",
        f"{CONV} direct k18",
        f"{CONV} packed k72",
        f"{CONV} packed k18",
        f"{CONV} xnnpack_nhwc_dense k72",
    ]
    assert named["network"] == [f"{i}-{each.replace(':', ' ')}" for i, each in enumerate(runs)]
    assert all(float(row["value"]) > 0 for row in rows)
    assert sorted(path.name for path in output.iterdir()) == ["machine.json", "measured.csv"]


def test_a_machine_without_vectors_measures_nothing(
    board: EmulatedBoard, checkout: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    script = checkout / "workflow/colonnade/board/measure.sh"
    (folder / "measure.sh").write_text(script.read_text())
    (folder / "colonnade-probe").write_text('#!/bin/sh\necho \'{"vlen":0,"kernel":"5.10"}\'\n')
    (folder / "colonnade-probe").chmod(0o700)
    measured = measure_in_ci(board, checkout, folder, tmp_path)
    assert measured.returncode == 0
    assert "::warning::this runner has no vector extension" in measured.stdout
    assert "no vector extension on this machine" in measured.stderr
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["machine.json"]


def test_a_wrong_vlen_is_told(board: EmulatedBoard, checkout: Path) -> None:
    board.login(vlen=128)
    run = colonnade("board", "probe", "--target", NAME, checkout=checkout)
    refused(run, "core: of VLEN 256; the board has VLEN 128")


def test_a_machine_without_the_emulator_is_told(board: EmulatedBoard, checkout: Path) -> None:
    board.server.login()
    run = colonnade("board", "probe", "--target", NAME, checkout=checkout)
    refused(run, "board.isa: riscv64; its programs cannot run there, where `uname -m` says x86_64")


@pytest.mark.parametrize("disk", [1, 4096])
def test_a_full_disk_there_is_told(board: EmulatedBoard, checkout: Path, disk: int) -> None:
    colonnade("board", "clean", "--target", NAME, checkout=checkout)
    board.login(disk=disk)
    run = colonnade("board", "probe", "--target", NAME, checkout=checkout)
    refused(run, "no space left there")
    board.login()
    assert list((board.server.home / "ours/store").iterdir()) == []


def test_a_changed_host_key_is_told(board: EmulatedBoard, checkout: Path) -> None:
    board.server.new_host_key()
    run = colonnade("board", "probe", "--target", NAME, checkout=checkout)
    refused(run, "its host key is not the one of ")


def test_a_machine_that_is_off_is_told(board: EmulatedBoard, checkout: Path) -> None:
    board.target_file(checkout / TARGET, port=1)
    refused(colonnade("board", "probe", "--target", NAME, checkout=checkout), "cannot be reached: ")


def test_a_killed_command_goes_on_where_it_was(board: EmulatedBoard, checkout: Path) -> None:
    """The program that it started is not started again."""
    board.target_file(checkout / TARGET, cool_down_s=2)
    options = ["bench-conv", "--target", NAME, "--conv", CONV, "--algorithm", "direct"]
    command = [str(Path(sys.executable).with_name("colonnade")), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=checkout) as first:
        started = "ours/jobs/*/files/results/build/riscv64/colonnade-bench"
        for _ in range(3000):
            if any(board.server.home.glob(started)) or first.poll() is not None:
                break
            time.sleep(0.02)
        assert any(board.server.home.glob(started))
        first.send_signal(signal.SIGKILL)
    assert len(board.server.jobs()) == 1
    run = colonnade(*options, checkout=checkout)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["ms"] > 0
    assert board.runs.count("colonnade-bench") == 1
