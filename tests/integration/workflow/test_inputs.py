# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Jobs depend on all that they name, and on no other run."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from .conftest import Checkout


def planned(checkout: Checkout, *arguments: str) -> dict[str, int]:
    """Jobs of a dry run by rule. The library is the checkout's own copy, so that it can be edited."""
    library = {"PYTHONPATH": str(checkout / "workflow")}
    run = checkout.workflow(*(arguments or ("full-run",)), "-n", **library)
    assert run.returncode == 0, run.stdout[-4000:]
    table = run.stdout.split("\nJob stats:")[-1].split("\n\n")[0]
    found = re.findall(r"^(\S+) +(\d+)$", table, flags=re.M)
    return {rule: int(count) for rule, count in found if rule != "total"}


def files_of(checkout: Checkout) -> dict[str, int]:
    """Every file of a checkout with its time, but for Snakemake's own and what Python compiles.

    Of folders, whose time tells of compiled files in them, there is the name.
    """
    return {
        str(path.relative_to(checkout.folder)): 0 if path.is_dir() else path.lstat().st_mtime_ns
        for path in checkout.folder.rglob("*")
        if not {".snakemake", "__pycache__"} & set(path.parts)
    }


@pytest.mark.parametrize(
    "arguments",
    [["full-run", "-n"], ["--lint"], ["--list"], ["full-run", "--summary"]],
    ids=lambda arguments: arguments[-1],
)
def test_reading_the_workflow_writes_nothing(fresh: Checkout, arguments: list[str]) -> None:
    before = files_of(fresh)
    run = fresh.workflow(*arguments, "--config", "seed=99", "results=results/read")
    assert run.returncode == 0, run.stdout[-4000:]
    assert files_of(fresh) == before


def test_a_job_has_the_configuration_that_its_run_was_started_with(
    fresh: Checkout, tmp_path: Path
) -> None:
    """Another run's configuration is read while the job waits to start."""
    wait = tmp_path / "colonnade"
    wait.write_text(
        f"#!/bin/sh\ntouch {tmp_path}/started\n"
        f'while [ ! -e {tmp_path}/go ]; do sleep 0.1; done\nexec "{fresh.programs}/colonnade" "$@"\n'
    )
    wait.chmod(0o755)
    images = "results/race/throughput/images.safetensors"
    config = ("--config", "results=results/race")
    process = subprocess.Popen(
        [str(fresh.programs / "snakemake"), images, *config, "seed=1"],
        cwd=fresh.folder,
        env={**fresh.environment, "PATH": f"{tmp_path}:{fresh.environment['PATH']}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "started").exists():
            assert process.poll() is None, "ended before its job started"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        other = fresh.workflow(images, "-n", "--nolock", *config, "seed=2")
        assert other.returncode == 0, other.stdout
        (tmp_path / "go").touch()
        assert process.wait(60) == 0
        (image,) = load_file(fresh / images).values()
        expected = np.random.default_rng(1).standard_normal(image.shape, dtype=np.float32)
        assert np.array_equal(image, expected)
    finally:
        (tmp_path / "go").touch()
        process.wait(60)
        shutil.rmtree(fresh / "results/race", ignore_errors=True)


def test_results_of_another_target_are_refused(finished: Checkout) -> None:
    run = finished.workflow("full-run", "-n", "--config", "target=host")
    assert run.returncode != 0
    assert "Traceback" not in run.stdout
    assert "results holds results of target x60, not host" in run.stdout
    assert "--config results=results/host-resnet18" in run.stdout
    jobs = planned(finished, "full-run", "--config", "target=host", "results=results/host-resnet18")
    assert jobs["train"] == jobs["report"] == 1
    assert "kernels_host" in jobs or (finished / "results/build/host/colonnade-run").exists()
    assert "kernels_riscv64" not in jobs


def append(name: str) -> Callable[[Checkout], None]:
    def change(checkout: Checkout) -> None:
        with (checkout / name).open("a") as stream:
            stream.write("\n{# edited #}\n" if name.endswith(".j2") else "\n# edited\n")

    return change


def new_picture(checkout: Checkout) -> None:
    """Other pixels in a file of the same time."""
    file = checkout / "images/train/dark/0.png"
    before = file.stat()
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def only_touched(checkout: Checkout) -> None:
    (checkout / "images/train/dark/0.png").touch()
    (checkout / "images/.DS_Store").touch()


PAGE = {"report_section", "report", "full-run"}
AFTER_TRAINING = PAGE | {
    *("train", "prune", "package", "evaluate", "accuracy_table", "throughput", "throughput_table"),
    *("packages_table", "claims", "provenance"),
}
# The study's table comes with its figure, and claims are computed from it.
STUDY_TABLE = {"small_study_table", "claims"}
STUDY = STUDY_TABLE | {"small_study_start", "small_study_finetune", "small_study_evaluate"}


def test_nothing_runs_again_after_a_full_run(finished: Checkout) -> None:
    assert planned(finished) == {}


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (append("workflow/colonnade/report/page.html.j2"), PAGE | STUDY_TABLE),
        (append("workflow/colonnade/report/figures.py"), PAGE | STUDY_TABLE),
        (append("workflow/colonnade/training/loop.py"), AFTER_TRAINING | STUDY),
        (new_picture, AFTER_TRAINING | {"settings"}),
        (append("workflow/colonnade/container/engine.py"), set()),
        (only_touched, set()),
    ],
    ids=["template", "figures", "training", "picture", "container", "touched"],
)
def test_what_changed_runs_again(
    finished: Checkout, tmp_path: Path, change: Callable[[Checkout], None], rules: set[str]
) -> None:
    kept = [shutil.copytree(finished / name, tmp_path / name) for name in ("workflow", "images")]
    try:
        change(finished)
        assert set(planned(finished)) == rules
    finally:
        for folder in kept:
            shutil.rmtree(finished / folder.name)
            shutil.copytree(folder, finished / folder.name)
    assert planned(finished) == {}


@pytest.mark.parametrize(
    "deleted",
    [["claims.json", "packages/1of4"], ["tables/throughput.csv", "report.html"]],
    ids=lambda names: names[0],
)
def test_deleted_results_are_made_again(finished: Checkout, deleted: list[str]) -> None:
    for name in deleted:
        path = finished / "results" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    run = finished.workflow("full-run")
    assert run.returncode == 0, run.stdout[-4000:]
    assert all((finished / "results" / name).exists() for name in deleted)
    assert planned(finished) == {}


PAGES = {
    "full-run": set(),
    "kernel-figures": {"decomposition"},
    "accuracy-study": {"study"},
    "tile-curve": {"tile_curve"},
    "pareto-front": {"pareto"},
    "tuner-quality": {"tuner_quality"},
    "dense-baselines": {"dense_baselines"},
    "host-comparison": {"comparison"},
    "photographs": {"photographs"},
    "artifact-evaluation": {"sensitivity"},
}


@pytest.mark.parametrize("target", PAGES)
def test_the_page_of_a_target_is_made_of_its_sections(fresh: Checkout, target: str) -> None:
    """Whatever was made before: a page that a section is missing from is made anew with it."""
    jobs = {output: job for job in fresh.jobs(target) for output in job.outputs}
    page = jobs["results/report.html"]
    sections = {Path(name).stem for name in page.inputs if name.startswith("results/report/")}
    own = PAGES[target]
    assert sections & set.union(*PAGES.values()) == own
    assert sections >= {
        "claims",
        "throughput",
        "accuracy",
        "small_study",
        "bounds",
        "validation",
        "provenance",
    }
    for section in own:
        inputs = jobs[f"results/report/{section}.html"].inputs
        tables = [name for name in inputs if name.startswith("results/tables/")]
        assert tables
        assert set(tables) <= jobs.keys()


def test_a_section_is_made_anew_with_its_table(finished: Checkout, tmp_path: Path) -> None:
    first = finished.workflow("kernel-figures")
    assert first.returncode == 0, first.stdout[-4000:]
    assert planned(finished, "kernel-figures") == {}
    table, kept = finished / "results/tables/decomposition.csv", tmp_path / "decomposition.csv"
    shutil.move(table, kept)
    try:
        found = planned(finished, "kernel-figures")
    finally:
        # Others verify these results.
        shutil.move(kept, table)
    assert found == dict.fromkeys(
        ("decomposition_table", "report_section", "report", "kernel-figures"), 1
    )
    # Another target's page has it not, and says so.
    assert set(planned(finished, "full-run")) == {"report", "full-run"}
