# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the workflow does with bad input, a full disk and a kill."""

import json
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from .conftest import CONV, KILLED, KILLS, VERIFIED, Checkout, start


def refuse(run: subprocess.CompletedProcess[str], *expected: str) -> None:
    """One clear error, no traceback."""
    assert run.returncode not in (0, -signal.SIGSEGV), run.stdout
    assert "Traceback" not in run.stdout
    for text in expected:
        assert text in run.stdout


def test_bad_configuration_is_refused_before_anything_runs(fresh: Checkout) -> None:
    bad: dict[str, Any] = {
        "taget": "x60",
        "profile": {"tiles": [0]},
        "pruning": {"patterns": [{"n": 5, "m": 4}]},
    }
    (fresh / "bad.yaml").write_text(yaml.safe_dump(bad))
    run = fresh.workflow("full-run", "--configfile", "bad.yaml")
    refuse(
        run,
        "bad.yaml: taget: unknown key; did you mean 'target'?",
        "bad.yaml: profile.tiles.0: 0; allowed: greater than or equal to 1",
        "bad.yaml: pruning.patterns.0.n: 5: allowed: 1 to m, here 4",
    )
    assert "Select jobs" not in run.stdout


def test_layer_to_skip_must_exist(fresh: Checkout) -> None:
    run = fresh.workflow("full-run", "-n", "--config", "pruning={skip: [conv7]}")
    refuse(run, "pruning.skip: conv7", "layer1.0.conv1")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("model.name=resnet5", "model.name: 'resnet5'; allowed: 'densenet121'"),
        ("model.nme=resnet50", "model.nme: unknown key; did you mean 'name'?"),
        ("full-run", "error: --config: 'full-run'; allowed: KEY=VALUE"),
        ("x=1", "error: --config: 'x=1'; allowed: KEY=VALUE"),
    ],
)
def test_command_line_is_read_as_files_are(fresh: Checkout, given: str, expected: str) -> None:
    refuse(fresh.workflow("-n", "--config", given), expected)


def test_missing_engine_is_named(fresh: Checkout) -> None:
    run = fresh.command(
        "colonnade",
        *("toolchain", "--engine", "docker", "results/none.json"),
        DOCKER_HOST="unix:///nonexistent/docker.sock",
    )
    refuse(run, "error: container.engine: docker", "docker.io")
    assert run.returncode == 2
    assert not (fresh / "results/none.json").exists()


RAN = "results/throughput/1of4/colnm_packed.json"
# How a job is done does not change, and takes a dry run to know.
job_of = cache(Checkout.job)


def throughput(checkout: Checkout, variant: str, output: str) -> subprocess.CompletedProcess[str]:
    other = {
        RAN: output,
        "results/packages/1of4/graph.json": f"results/packages/{variant}/graph.json",
    }
    return checkout.command(*job_of(checkout, RAN).command(**other))


@pytest.mark.parametrize("damage", ["truncated", "corrupted", "no graph"])
def test_damaged_package_is_refused(finished: Checkout, damage: str) -> None:
    package = finished / "results/packages/damaged"
    shutil.copytree(finished / "results/packages/1of4", package)
    weights = package / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    try:
        if damage == "truncated":
            weights.write_bytes(content[: len(content) // 2])
        elif damage == "corrupted":
            content[-1000] ^= 1
            weights.write_bytes(content)
        else:
            (package / "graph.json").write_text('{"format": "colonnade-pack')
        run = throughput(finished, "damaged", "results/damaged.json")
    finally:
        shutil.rmtree(package)
    refuse(run, "error: ", "results/packages/damaged")
    assert run.returncode == 2
    assert not list((finished / "results").glob("damaged.*"))


@pytest.mark.parametrize(
    "tensors",
    [
        {"image": np.zeros((1, 4, 32, 32), np.float32)},
        {"image": np.zeros((3, 32), np.float32)},
        {"picture": np.zeros((1, 3, 32, 32), np.float32)},
        {"image": np.zeros((1, 3, 32, 32), np.float64)},
    ],
    ids=["four channels", "two axes", "another name", "float64"],
)
def test_wrong_input_is_refused(finished: Checkout, tensors: dict[str, Any]) -> None:
    images = finished / "results/throughput/images.safetensors"
    before = load_file(images)
    try:
        save_file(tensors, images)
        run = throughput(finished, "1of4", "results/wrong.json")
    finally:
        save_file(before, images)
    refuse(run, "error: ", "image")
    assert run.returncode == 2
    assert not list((finished / "results").glob("wrong.*"))


def test_full_disk_leaves_nothing_half_written(finished: Checkout) -> None:
    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    large = {"results/report.html": "results/large.html"}
    command = finished.job("results/report.html").command(**large)
    run = finished.command(*command, prepare=small_disk)
    refuse(run, "error: results/large.html: cannot be written")
    assert run.returncode == 2
    assert not [file for file in (finished / "results").iterdir() if "large" in file.name]


def wait_for(pattern: Sequence[Path], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not any(path.exists() for path in pattern):
        assert process.poll() is None, "ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_killed_job_is_done_again_and_the_rest_is_kept(finished: Checkout) -> None:
    profiles = finished / "results/profile"
    target, kept = profiles / f"{CONV}.json", sorted(profiles.glob("*.json"))[0]
    assert kept != target
    expected, untouched = target.read_bytes(), kept.stat().st_mtime_ns
    target.unlink()
    process = start(finished, f"results/profile/{CONV}.json")
    try:
        wait_for([finished / f"results/logs/profile/{CONV}.log"], process)
    finally:
        # All of it, as a power cut does.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not target.exists()
    again = finished.workflow(f"results/profile/{CONV}.json")
    assert again.returncode == 0, again.stdout[-4000:]
    # Modelled cycles do not depend on what happened before.
    assert target.read_bytes() == expected
    assert kept.stat().st_mtime_ns == untouched


@pytest.mark.parametrize("name", ["train/2of9.safetensors", "study/full0.3/1.safetensors"])
def test_a_network_that_is_not_configured_has_no_rule(fresh: Checkout, name: str) -> None:
    refuse(fresh.workflow(f"results/{name}", "-n"), "MissingRuleException")


def test_a_run_that_is_killed_anywhere_goes_on_without_help(finished: Checkout) -> None:
    """What all tests here begin with; that every rule does the same again has a test of its own."""
    assert (finished / KILLED).read_text().count("\n") == KILLS
    status, said = json.loads((finished / VERIFIED).read_text())
    assert status == 0, said[-4000:]


def test_live_run_is_respected(finished: Checkout) -> None:
    output = f"results/profile/{CONV}.json"
    (finished / output).unlink(missing_ok=True)
    process = start(finished, output)
    try:
        wait_for([finished / ".snakemake/locks/0.output.lock"], process)
        process.send_signal(signal.SIGSTOP)
        second = finished.workflow(output)
    finally:
        process.send_signal(signal.SIGCONT)
        status = process.wait()
    refuse(second, "another run makes the same files now")
    assert status == 0
    assert (finished / output).exists()
