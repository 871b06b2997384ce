# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Versions of code: a command's changes with what it runs, and with nothing else."""

import ast
import functools
import re
import shutil
from pathlib import Path

import pytest

from colonnade.workflow.versions import HARNESS, PACKAGE, Library

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "workflow/colonnade"
COMMANDS = set(Library(SOURCES).commands)
# What people type, and no rule runs.
BY_HAND = {
    *("bench", "bench-conv", "completion", "config-reference", "fit-core", "grid", "inspect"),
    *("optimize", "release-image", "run", "sbom", "shell"),
    *("to-onnx", "to-torch", "validate", "verify"),
}
BUILDS = {"toolchain", "build"}
COMMAND = r'"(?:\{params\.launch\})?colonnade (toolchain|build|(?:step|table) [a-z_-]+)'
TRAINING = {
    f"step {name}" for name in ("train", "prune", "study-start", "study-finetune", "budget-prune")
}
JUDGING = {f"step {name}" for name in ("evaluate", "study-evaluate", "layer-sensitivity", "pareto")}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SOURCES, tmp_path / "colonnade"))


def versions(sources: Path) -> dict[str, str]:
    library = Library(sources)
    return {name: library.version(name) for name in COMMANDS}


@functools.cache
def unchanged() -> dict[str, str]:
    return versions(SOURCES)


def changed_by(copy: Path, file: str, old: str = "", new: str = "\n# edited\n") -> set[str]:
    """Commands whose version an edit changes."""
    before = unchanged()
    path = copy / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new) if old else text + new)
    after = versions(copy)
    path.write_text(text)
    return {name for name in COMMANDS if after[name] != before[name]}


def test_every_rule_has_the_version_of_its_command() -> None:
    """Rules that build from declared sources have none: the library only starts their builds."""
    found = {}
    for file in (ROOT / "workflow/rules").glob("*.smk"):
        for rule in re.split(r"(?m)^(?=rule )", file.read_text()):
            for command in re.findall(COMMAND, rule):
                found[rule.split(":")[0]] = command
                versions = re.findall(r'code=code\("([a-z_ -]+)"\)', rule)
                assert versions == ([] if command in BUILDS else [command])
    assert set(found.values()) == COMMANDS - BY_HAND
    assert len(found) > 25


@pytest.mark.parametrize(
    "file", ["report/page.html.j2", "report/report.css", "report/schedules.py"]
)
def test_another_page_trains_nothing(copy: Path, file: str) -> None:
    changed = changed_by(copy, file)
    # Figures of the study, of the front and of the nights are drawn where their tables are made.
    assert {"step report", "step section"} <= changed
    figures = {"table study", "table tile_curve", "step pareto"}
    figures |= {"step night-page", "step paper-figure"}
    assert changed - BY_HAND <= {"step report", "step section"} | figures


def test_training_runs_again_where_it_is_used(copy: Path) -> None:
    assert changed_by(copy, "training/loop.py") >= TRAINING | JUDGING
    profiling = {"step profile", "step schedules", "step throughput", "step images"}
    profiling |= {"table validation", "step report"}
    assert profiling <= COMMANDS
    assert not changed_by(copy, "training/loop.py") & profiling


def test_a_network_that_is_looked_for_runs_its_jobs_again(copy: Path) -> None:
    changed = changed_by(copy, "models/networks/resnet.py")
    assert changed >= TRAINING | JUDGING | {"step profile", "step schedules", "step export"}
    others = {f"step {name}" for name in ("claims", "regression", "throughput", "report")}
    assert others <= COMMANDS
    assert not others & changed


def test_a_command_depends_on_its_own_function_and_helpers(copy: Path) -> None:
    cli = "cli/networks.py"
    assert changed_by(
        copy, cli, "train_dense(config.model,", "train_dense(\n        config.model,"
    ) == {"step train"}
    assert changed_by(copy, cli, "dense,\n        plan,", "dense,\n        {**plan},") == {
        "step prune",
        "step budget-prune",
    }


@pytest.mark.parametrize(
    "file", ["workflow/workflow.py", "container/engine.py", "common/files.py", "cli/toolchain.py"]
)
def test_what_starts_jobs_runs_none_again(copy: Path, file: str) -> None:
    assert changed_by(copy, file) == set()


def test_derived_lists_run_their_jobs_again(copy: Path) -> None:
    networks = changed_by(copy, "workflow/networks.py")
    assert {"step prune", "table throughput", "table accuracy"} <= networks
    convolutions = changed_by(copy, "workflow/convolutions.py")
    assert {"step prune", "step profile", "step schedules"} <= convolutions
    others = {"step train", "step export", "step throughput", "table validation"}
    assert others <= COMMANDS
    assert not others & (networks | convolutions)
    assert not {"step profile"} & networks
    assert not {"table throughput"} & convolutions


def test_a_table_is_collected_anew_from_runs_that_stay(copy: Path) -> None:
    changed = changed_by(copy, "evaluation/tables.py")
    assert changed - BY_HAND == {
        # How long a network takes is told there.
        "step pareto",
        "table throughput_cores",
        "table sensitivity_retuned",
        *(
            f"table {name}"
            for name in (
                *("throughput", "decomposition", "accuracy", "packages", "sensitivity"),
                "paper",
            )
        ),
    }


def test_imports_are_those_that_python_sees() -> None:
    """The fast reading of imports misses none that a parser finds."""
    library = Library(SOURCES)
    seen = 0
    for module, file in library.sources.items():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
                assert node.level == 0
                expected = {str(node.module)}
                expected |= {f"{node.module}.{each.name}" for each in node.names}
            elif isinstance(node, ast.Import):
                expected = {each.name for each in node.names if each.name.startswith(PACKAGE)}
            else:
                continue
            expected = {each for each in expected if each in library.sources} - {PACKAGE}
            assert expected <= set(library.imports[module]), (module, ast.unparse(node))
            seen += len(expected)
    assert seen > 200


def test_harness_modules_exist() -> None:
    assert set(Library(SOURCES).sources) >= set(HARNESS)
