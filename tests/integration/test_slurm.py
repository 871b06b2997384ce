# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""`profiles/slurm` on a real cluster: Slurm's daemons on loopback, and what goes wrong on a cluster."""

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from .slurm import Cluster, cluster

ROOT = Path(__file__).resolve().parents[2]
PROFILE = ROOT / "profiles/slurm"
# Later than Snakemake waits for files of itself.
LATE_SECONDS = 15
# What a first attempt does: it is killed by the operator or a full node, takes too long, takes too much.
SNAKEFILE = """
rule all:
    input: "cancelled", "killed", "slow", "large", "late", "wide"

rule cancelled:
    output: "cancelled"
    shell: "if mkdir tried-{rule}; then scancel $SLURM_JOB_ID; sleep 300; fi; touch {output}"

rule killed:
    output: "killed"
    shell: "if mkdir tried-{rule}; then kill -9 $$; fi; touch {output}"

rule slow:
    output: "slow"
    shell: "if mkdir tried-{rule}; then sleep 300; fi; touch {output}"

rule large:
    output: "large"
    shell:
        "python -c 'import time; taken = bytearray(400 << 20); time.sleep(12)';"
        " mkdir tried-{rule}-{resources.mem_mb}; touch {output}"

rule late:
    output: "late"
    shell: "touch hidden-{output}"

rule wide:
    output: "wide"
    threads: workflow.cores
    shell: "echo $SLURM_CPUS_PER_TASK {threads} > {output}"
"""


@pytest.fixture(scope="module")
def loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("slurm") / "cluster") as made:
        yield made


def snakemake(made: Cluster, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the workflow of a folder by the project's profile."""
    command = [sys.executable, "-m", "snakemake", *options, "--workflow-profile", str(PROFILE)]
    # This cluster has no accounting, and two CPUs.
    command += ["--slurm-status-command", "squeue", "--slurm-no-account"]
    command += ["--slurm-init-seconds-before-status-checks", "3", "--cores", "2"]
    programs = f"{Path(sys.executable).parent}:{made.environment['PATH']}"
    return subprocess.run(
        command,
        cwd=folder,
        env={**made.environment, "PATH": programs, "PYTHONPATH": str(folder / "workflow")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=900,
    )


def show_late(folder: Path, ended: threading.Event) -> None:
    """Be a file system that shows a file long after the job that wrote it has ended."""
    hidden = folder / "hidden-late"
    while not ended.wait(0.2):
        if hidden.exists() and time.time() > hidden.stat().st_mtime + LATE_SECONDS:
            hidden.rename(folder / "late")
            return


def test_jobs_that_a_cluster_ends_begin_anew_with_more(loopback: Cluster, tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    ended = threading.Event()
    thread = threading.Thread(target=show_late, args=(tmp_path, ended))
    thread.start()
    # Instead of the profile's, which are hours.
    given = ["--default-resources", "mem_mb=800*attempt", "runtime=attempt*1"]
    given += ["--set-resources", "large:mem_mb=450*attempt"]
    try:
        run = snakemake(loopback, tmp_path, *given)
    finally:
        ended.set()
        thread.join()
    assert run.returncode == 0, run.stdout[-6000:] + loopback.logs()
    tried = {path.name for path in tmp_path.glob("tried-*")}
    assert {"tried-cancelled", "tried-killed", "tried-slow"} <= tried
    # The first attempt had too little: it did not get as far.
    assert [each for each in tried if each.startswith("tried-large")] == ["tried-large-900"]
    # All of a cluster's CPUs that a job may have, it gets.
    assert (tmp_path / "wide").read_text() == "2 2\n"
    ran = loopback.ask("squeue", "--states=all", "--noheader", "--format=%T").split()
    assert {"CANCELLED", "TIMEOUT", "COMPLETED"} <= set(ran)
    assert ran.count("COMPLETED") == 6


def test_a_job_of_the_workflow_runs_on_a_node(loopback: Cluster, tmp_path: Path) -> None:
    for name in ("config", "containers", "kernels", "workflow"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", tmp_path)
    run = snakemake(loopback, tmp_path, "images")
    assert run.returncode == 0, run.stdout[-6000:] + loopback.logs()
    assert "Job 0 has been submitted with SLURM jobid" in run.stdout
    assert (tmp_path / "results/throughput/images.safetensors").exists()


def test_the_profile_asks_for_what_its_rules_need() -> None:
    profile = yaml.safe_load((PROFILE / "config.yaml").read_text())
    texts = [path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk")]
    rules = {name for text in texts for name in re.findall(r"^rule (\w+):", text, re.M)}
    named = {each.partition(":")[0] for each in profile["set-resources"]}
    assert named <= rules
    assert len(named) > 5
