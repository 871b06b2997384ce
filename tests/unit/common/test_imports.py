# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Parsing the workflow, and commands that do not train, start without the heavy libraries."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {"torch", "torchvision", "scipy", "sklearn", "matplotlib"}
# Without its first input a command has imported all it needs, and is refused. Each runs in a process of
# its own, all forked from one that has imported what they share.
RUN = """
import json, os, re, sys, traceback
from pathlib import Path
from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError

def run(arguments):
    try:
        cli(arguments, standalone_mode=False)
    except ColonnadeError as error:
        assert re.search("(^|/)missing(: |/)", str(error)), error
    else:
        raise AssertionError("ran without an input")
    return sorted(sys.modules)

for number, arguments in enumerate(json.loads(sys.argv[1])):
    child = os.fork()
    if child == 0:
        try:
            found = run(arguments)
        except BaseException:
            found = traceback.format_exc()
        Path(str(number)).write_text(json.dumps(found))
        os._exit(0)
    os.waitpid(child, 0)
"""
COMMANDS = [
    ["step", "profile", "missing", "conv", "output"],
    ["step", "schedules", "missing", "schedules", "table", "profile"],
    ["table", "bounds", "missing", "output", "profile"],
    ["table", "packing", "missing", "output", "profile"],
    ["step", "audit-tuner", "missing", "conv", "output"],
    ["table", "tuner_quality", "missing", "output", "audit"],
    ["step", "images", "missing", "output"],
    ["step", "throughput", "missing", "colnm_dense", "graph", "schedules", "images", "output"],
    ["table", "throughput", "missing", "output", "report"],
    ["table", "throughput_cores", "--target", "c908", "missing", "output", "report"],
    ["step", "band-core", "missing", "name", "output"],
    ["step", "retune", "missing", "core", "schedules", "output"],
    ["table", "sensitivity_retuned", "--core", "slow", "missing", "output", "band", "report"],
    ["table", "decomposition", "missing", "output", "report"],
    ["table", "accuracy", "missing", "output", "report"],
    ["table", "sensitivity", "missing", "table", "band", "text", "report"],
    [
        *("step", "over-band", "--band", "band", "missing", "colnm_dense", "f32", "1"),
        *("graph", "schedules", "images", "output"),
    ],
    ["step", "claims", "missing", "output", "throughput"],
    ["table", "packages", "missing", "output", "graph"],
    ["step", "provenance", "missing", "default", "output"],
    ["step", "regression", "missing", "table", "output"],
    # What people wait for.
    *(["inspect", "missing"], ["run", "missing", "--image", "missing"], ["bench", "missing"]),
]


def run_python(folder: Path, code: str, *arguments: str) -> str:
    """What Python prints that runs `code` in `folder`."""
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_parsing_the_workflow(tmp_path: Path) -> None:
    rules = [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]
    imports = [
        statement
        for file in rules
        for statement in re.findall(
            r"^from colonnade\.[\w.]+ import (?:\([^)]*\)|.*)$", file.read_text(), re.M
        )
    ]
    assert len(imports) > 3
    code = "\n".join(["import sys", *imports, "print(*sys.modules)"])
    modules = set(run_python(tmp_path, code).split())
    assert "colonnade.workflow.workflow" in modules
    assert not modules & (HEAVY | {"polars", "docker"})
    alone = "import sys, colonnade.workflow.workflow; print(*sys.modules)"
    modules = set(run_python(tmp_path, alone).split())
    assert not modules & (HEAVY | {"polars", "docker", "numpy"})


@pytest.fixture(scope="module")
def of_commands(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Modules that Python has after each command, or why it was not refused."""
    folder = tmp_path_factory.mktemp("commands")
    run_python(folder, RUN, json.dumps(COMMANDS))
    return [json.loads((folder / str(number)).read_text()) for number in range(len(COMMANDS))]


@pytest.mark.parametrize("number", range(len(COMMANDS)), ids=[" ".join(c[:2]) for c in COMMANDS])
def test_commands(number: int, of_commands: list[list[str]]) -> None:
    modules = of_commands[number]
    assert isinstance(modules, list), modules
    assert "colonnade.cli" in modules
    assert not set(modules) & (HEAVY | {"docker", "rich"})


def test_profiling_reads_and_writes_no_tables(of_commands: list[list[str]]) -> None:
    assert "polars" not in of_commands[0]
    assert any("polars" in modules for modules in of_commands)
