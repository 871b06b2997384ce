# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Checkouts that were copied, and runs from other folders, for other users, on read-only files."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from .conftest import CLEAN_PATH, ROOT, Checkout
from .test_refusals import refuse

IMAGES = "results/throughput/images.safetensors"
# Root sees a read-only mount as anybody does, but not a folder's permissions.
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


def library(environment: Path) -> Path:
    """Where an environment imports this library from."""
    command = [
        str(environment / "bin/python"),
        "-I",
        "-c",
        "import colonnade; print(colonnade.__file__)",
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return Path(run.stdout.strip())


def test_copied_checkout_gets_an_environment_of_its_own(fresh: Checkout) -> None:
    assert library(fresh / ".venv").is_relative_to(fresh.folder)
    assert not library(ROOT / ".venv").is_relative_to(fresh.folder)
    # Long paths, or paths with spaces, are named in the second line.
    heads = [
        script.read_bytes()[:400].decode(errors="replace")
        for script in fresh.programs.iterdir()
        if script.is_file() and not script.is_symlink()
    ]
    programs = [head for head in heads if "python" in head.splitlines()[0] or "exec'" in head]
    assert len(programs) > 20
    assert all(str(fresh.folder) in program for program in programs)


def test_environment_that_is_there_is_left_alone(fresh: Checkout) -> None:
    before = (fresh.programs / "snakemake").stat().st_mtime_ns
    run = fresh.shell("make env")
    assert (run.returncode, run.stdout) == (0, "")
    assert (fresh.programs / "snakemake").stat().st_mtime_ns == before


def test_environment_of_another_checkout_is_refused(fresh: Checkout) -> None:
    run = subprocess.run(
        [str(ROOT / ".venv/bin/snakemake"), "full-run", "--dry-run"],
        cwd=fresh.folder,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    where = f"not from this checkout: run `make env` in {fresh.folder}"
    refuse(run, "colonnade is ", where)


def test_run_from_another_folder(fresh: Checkout, tmp_path: Path) -> None:
    (fresh / IMAGES).unlink(missing_ok=True)
    command = [str(fresh.programs / "snakemake"), "--snakefile", str(fresh / "Snakefile"), IMAGES]
    environment = {"HOME": str(tmp_path), "PATH": CLEAN_PATH}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    assert (fresh / IMAGES).is_file()
    assert not (tmp_path / "results").exists()


def test_run_into_another_folder_is_refused(fresh: Checkout, tmp_path: Path) -> None:
    run = fresh.workflow("full-run", "--directory", str(tmp_path))
    refuse(run, f"--directory {tmp_path}: a run stays in {fresh.folder}")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("start", [". .venv/bin/activate\nsnakemake", ".venv/bin/snakemake"])
@pytest.mark.parametrize("home", ["unset HOME", "HOME=/dev/null/none"])
def test_home_that_cannot_be_written_is_not_needed(fresh: Checkout, home: str, start: str) -> None:
    (fresh / IMAGES).unlink(missing_ok=True)
    run = fresh.shell(f"{home}\n{start} {IMAGES}")
    assert run.returncode == 0, run.stdout
    assert (fresh / IMAGES).is_file()


@pytest.mark.parametrize("folder", ["results", "."])
def test_read_only_results_are_named(fresh: Checkout, folder: str) -> None:
    enter = ["unshare", "--map-root-user", "--mount", "sh", "-c", READ_ONLY]
    if subprocess.run([*enter, str(fresh / folder), "true"], check=False).returncode != 0:
        pytest.skip("mounts are not allowed here")
    script = 'cd "$PWD" && . .venv/bin/activate && snakemake full-run'
    run = subprocess.run(
        [*enter, str(fresh / folder), "sh", "-c", script],
        cwd=fresh.folder,
        env=fresh.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    refuse(run, "results: cannot be written to")


def test_missing_engine_is_named_before_the_first_job(fresh: Checkout) -> None:
    toolchain, kept = fresh / "results/toolchain", fresh / "kept"
    shutil.move(toolchain, kept)
    try:
        run = fresh.workflow(
            *("full-run", "--config", "container={engine: docker}"),
            DOCKER_HOST="unix:///nonexistent/docker.sock",
        )
        refuse(run, "container.engine: docker: no such container engine works here", "docker.io")
        assert "Execute" not in run.stdout
        assert not toolchain.exists()
    finally:
        shutil.rmtree(toolchain, ignore_errors=True)
        shutil.move(kept, toolchain)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_missing_gpu_is_named_before_the_first_job(fresh: Checkout) -> None:
    run = fresh.workflow("full-run", "--config", "training.device=cuda", "results=results/gpu")
    refuse(run, "training.device: cuda: no GPU is available; allowed here: auto, cpu")
    assert "Execute" not in run.stdout
    assert not (fresh / "results/gpu/train").exists()
