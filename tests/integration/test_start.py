# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the environment's `snakemake` says where Snakemake's own words would mislead.

It runs a small workflow, which claims its folder as ours does.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from colonnade.workflow.start import INTERRUPTED
from tests.unit.signals import HEEDING

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
SNAKEFILE = """
from pathlib import Path
from colonnade.workflow.run import claim

if not workflow.output_settings.dryrun:
    claim(Path(".snakemake"), [])

rule:
    name: "full-run"
    default_target: True
    input: "results/slow"

rule slow:
    output: "results/slow"
    shell: "touch ready; sleep 120; touch {output}"

rule fails:
    output: "results/fails"
    shell: "exit 3"
"""
PROGRAM = "from colonnade.workflow.command import main; main()"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    return tmp_path


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The workflow, in a session of its own; both output streams come as `stdout`.

    It takes the library from the folder, if that has one.
    """
    libraries = f"{folder / 'workflow'}{os.pathsep}{ROOT / 'workflow'}"
    return subprocess.Popen(
        [*HEEDING, sys.executable, "-c", PROGRAM, "--cores", "1", *arguments],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True, env={**os.environ, "PYTHONPATH": libraries},
    )  # fmt: skip


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and output of a run."""
    process = started(folder, *arguments)
    said, _ = process.communicate(timeout=SECONDS)
    return process.returncode, said


@contextmanager
def live(checkout: Path) -> Iterator[subprocess.Popen[str]]:
    """A run whose first job is at work; ended with the block."""
    process = started(checkout)
    try:
        deadline = time.monotonic() + SECONDS
        while not (checkout / "ready").exists():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_an_interrupted_run_says_so_and_nothing_of_errors(checkout: Path) -> None:
    with live(checkout) as process:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert said.splitlines()[-1] == INTERRUPTED
    assert "Terminating processes on user request" in said
    for word in ("rror", "Exception", "did not complete", "Traceback"):
        assert word not in said
    assert not (checkout / "results/slow").exists()


def test_a_job_that_fails_by_itself_is_told_of(checkout: Path) -> None:
    status, said = run(checkout, "results/fails")
    assert status == 1
    assert "Error in rule fails" in said
    assert INTERRUPTED not in said


def test_a_second_run_is_told_to_wait_and_not_to_remove_locks(checkout: Path) -> None:
    with live(checkout) as first:
        status, said = run(checkout)
        assert first.poll() is None
    assert status == 1
    assert "error: another run makes the same files now; wait until it has ended" in said
    assert "unlock" not in said
    assert "LockException" not in said


def test_what_only_looks_beside_a_run_speaks_of_no_error(checkout: Path) -> None:
    with live(checkout):
        runs = {option: run(checkout, option) for option in ("-n", "--summary")}
    assert "This was a dry-run" in runs["-n"][1]
    assert "results/slow" in runs["--summary"][1]
    for status, said in runs.values():
        assert status == 0
        assert "rror" not in said


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("fullrun", "; did you mean 'full-run'?"),
        ("slw", "; did you mean 'slow'?"),
        ("everything", ";"),
    ],
)
def test_a_mistyped_target_is_answered_with_those_there_are(
    checkout: Path, name: str, guess: str
) -> None:
    status, said = run(checkout, "-n", "full-run", name)
    assert status == 1
    assert f"error: {name}: no such target{guess} targets: full-run\n" in said
    assert "No rule to produce" not in said


def test_a_file_that_no_rule_makes_is_snakemakes_to_tell(checkout: Path) -> None:
    status, said = run(checkout, "-n", "results/none")
    assert status == 1
    assert "No rule to produce results/none" in said


def test_configuration_files_that_cannot_be_read_are_named_all_at_once(checkout: Path) -> None:
    (checkout / "bad.yaml").write_text("seed: 1\ndata: [\n")
    status, said = run(checkout, "-n", "--configfile", "config/none.yaml", "bad.yaml")
    assert status == 2
    assert "error: config/none.yaml: cannot be read: No such file or directory\n" in said
    assert "bad.yaml: not a valid YAML file" in said
    assert "line 3" in said
    assert "Traceback" not in said


def test_an_empty_configuration_file_changes_nothing(checkout: Path) -> None:
    for name in ("empty.yaml", "comments.yaml"):
        (checkout / name).write_text("# nothing\n" if name == "comments.yaml" else "")
    status, said = run(checkout, "-n", "--configfile", "empty.yaml", "comments.yaml")
    assert status == 0, said


def test_a_file_of_the_checkout_is_found_from_another_folder(checkout: Path) -> None:
    (checkout / "config").mkdir()
    (checkout / "config/one.yaml").write_text("seed: 1")
    elsewhere = checkout / "elsewhere"
    elsewhere.mkdir()
    snakefile = str(checkout / "Snakefile")
    status, said = run(elsewhere, "-n", "--snakefile", snakefile, "--configfile", "config/one.yaml")
    assert status == 0, said


def test_the_default_file_is_located_too(tmp_path: Path) -> None:
    for name in ("config", "workflow"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", tmp_path)
    (tmp_path / "config/default.yaml").write_text("seed: 1\ndata: [\n")
    status, said = run(tmp_path, "-n")
    assert status == 1
    assert "config/default.yaml: not a valid YAML file" in said
    assert "line 3" in said
