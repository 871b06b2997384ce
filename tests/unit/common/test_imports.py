# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Parsing the workflow, and commands that do not train, start without the heavy libraries."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {"torch", "torchvision", "scipy", "sklearn", "matplotlib"}
# Without its first input a command has imported all it needs, and is refused.
RUN = """
import sys
from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
try:
    cli(sys.argv[1:], standalone_mode=False)
except ColonnadeError as error:
    assert str(error).startswith("missing: "), error
else:
    raise AssertionError("ran without an input")
print(*sys.modules)
"""
COMMANDS = [
    ["step", "profile", "missing", "conv", "output"],
    ["step", "schedules", "missing", "schedules", "table", "profile"],
    ["table", "bounds", "missing", "output", "profile"],
    ["table", "packing", "missing", "output", "profile"],
    ["step", "audit-tuner", "missing", "conv", "output"],
    ["table", "tuner_quality", "missing", "output", "audit"],
    ["step", "images", "missing", "output"],
    ["step", "throughput", "missing", "implementation", "graph", "schedules", "images", "output"],
    ["table", "throughput", "missing", "output", "report"],
    ["table", "throughput_cores", "--target", "c908", "missing", "output", "report"],
    ["step", "band-core", "missing", "name", "output"],
    ["step", "retune", "missing", "core", "schedules", "output"],
    ["table", "sensitivity_retuned", "--core", "slow", "missing", "output", "band", "report"],
    ["table", "decomposition", "missing", "output", "report"],
    ["table", "accuracy", "missing", "output", "report"],
    ["table", "sensitivity", "missing", "table", "band", "text", "report"],
    [
        *("step", "over-band", "--band", "band", "missing", "implementation", "f32", "1"),
        *("graph", "schedules", "images", "output"),
    ],
    ["step", "claims", "missing", "output", "throughput"],
    ["table", "packages", "missing", "output", "graph"],
    ["step", "provenance", "missing", "default", "output"],
    ["step", "regression", "missing", "table", "output"],
]


def imported(folder: Path, code: str, *arguments: str) -> set[str]:
    """Modules that Python has after `code`, run in `folder`."""
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


def test_parsing_the_workflow(tmp_path: Path) -> None:
    modules = imported(tmp_path, "import sys, colonnade.workflow.workflow; print(*sys.modules)")
    assert not modules & (HEAVY | {"polars", "docker", "numpy"})


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: " ".join(arguments[:2]))
def test_commands(arguments: list[str], tmp_path: Path) -> None:
    assert not imported(tmp_path, RUN, *arguments) & HEAVY


def test_profiling_reads_and_writes_no_tables(tmp_path: Path) -> None:
    assert "polars" not in imported(tmp_path, RUN, *COMMANDS[0])
