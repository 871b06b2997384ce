"""Parsing the workflow, and commands that do not train, start without the heavy libraries."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {"torch", "torchvision", "scipy", "sklearn", "matplotlib"}
# Without a resolved configuration a command has imported all it needs, and is refused.
RUN = """
import sys
from colonnade.cli import cli
from colonnade.errors import ColonnadeError
try:
    cli(sys.argv[1:], standalone_mode=False)
except ColonnadeError as error:
    assert str(error).startswith("results/config.json: "), error
else:
    raise AssertionError("ran without a configuration")
print(*sys.modules)
"""
COMMANDS = [
    ["profile", "conv", "output"],
    ["schedules", "schedules", "table", "profile"],
    ["bounds-table", "output", "profile"],
    ["packing-table", "output", "profile"],
    ["audit-tuner", "conv", "output"],
    ["tuner-quality-table", "output", "audit"],
    ["images", "output"],
    ["throughput", "implementation", "variant", "output"],
    ["throughput-table", "output"],
    ["decomposition-table", "output"],
    ["accuracy-table", "output"],
    ["core-variant", "core", "output"],
    ["model-sensitivity", "table", "text"],
    ["claims", "output"],
    ["provenance", "output"],
    ["regression", "output"],
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
    modules = imported(tmp_path, "import sys, colonnade.stages; print(*sys.modules)")
    assert not modules & (HEAVY | {"polars", "docker"})


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_commands(arguments: list[str], tmp_path: Path) -> None:
    assert not imported(tmp_path, RUN, *arguments) & HEAVY


def test_profiling_reads_and_writes_no_tables(tmp_path: Path) -> None:
    assert "polars" not in imported(tmp_path, RUN, "profile", "conv", "output")
