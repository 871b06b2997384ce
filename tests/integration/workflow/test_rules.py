# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Jobs depend on nothing but what they name, and do the same whenever they run."""

import csv
import os
import re
import shutil
import subprocess
from pathlib import Path

from .conftest import BUILDS, Checkout, Job


def test_rules_read_only_what_they_name(finished: Checkout, tmp_path: Path) -> None:
    """A job of each rule, where nothing but its inputs and the toolchain is, does the same again."""
    targets = ("artifact-evaluation", "kernel-figures")
    run = finished.workflow(*targets)
    assert run.returncode == 0, run.stdout[-4000:]
    jobs = {job.rule: job for job in finished.jobs(*targets) if job.is_ours}
    # A checkpoint of the small study is deleted once it is judged.
    checkpoint = next(
        name for name in jobs["small_study_finetune"].outputs if "safetensors" in name
    )
    assert not (finished / checkpoint).exists()
    run = finished.workflow(checkpoint, "--notemp")
    assert run.returncode == 0, run.stdout[-4000:]
    jobs["small_study_evaluate"] = next(
        job
        for job in finished.jobs(*targets)
        if job.rule == "small_study_evaluate" and checkpoint in job.inputs
    )
    assert set(jobs) >= BUILDS | {"train", "prune", "profile", "evaluate", "throughput", "report"}
    differing = []
    for rule in sorted(jobs.keys() - BUILDS):
        folder = tmp_path / rule
        found = alone(finished, jobs[rule], folder)
        if found:
            differing.append(f"{rule}: {found}")
        shutil.rmtree(folder)
    (finished / checkpoint).unlink()
    assert not differing, "\n".join(differing)


def alone(checkout: Checkout, job: Job, folder: Path) -> str:
    """Run a job where only its inputs are; what is wrong with its outputs, if anything."""
    for name in job.inputs:
        source, copy = checkout / name, folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, copy_function=os.link)
        else:
            copy.hardlink_to(source)
    for name in [job.log, *job.outputs]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / ".colonnade").symlink_to(checkout / ".colonnade")
    run = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {job.shell}"],
        cwd=folder,
        env=checkout.environment,
        check=False,
    )
    if run.returncode != 0:
        return f"exit code {run.returncode}: {(folder / job.log).read_text()}"
    for name in job.outputs:
        if content(folder / name) != content(checkout / name):
            return f"another {name}"
    return ""


def content(file: Path) -> bytes | str | list[dict[str, str]]:
    """What a file holds, without the seconds (`samples` too) and the memory that something took."""
    if file.suffix == ".csv":
        rows = list(csv.DictReader(file.read_text().splitlines()))
        return [{key: row[key] for key in row if key != "seconds"} for row in rows]
    if file.suffix != ".json":
        return file.read_bytes()
    text = re.sub(r'"samples": \[[^]]*\]', "", file.read_text())
    return re.sub(r'"(seconds|peak_memory_bytes)": [\d.e-]+', "", text)
