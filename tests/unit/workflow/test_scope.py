# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Results folders: where they may lie, and that each holds results of one scope."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from colonnade.common import paths
from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import (
    BUILD,
    MADE_WITH,
    RESULTS,
    SHARED,
    TAKEN,
    Results,
    table_file,
)
from colonnade.config.data import TexturesConfig
from colonnade.config.reading import read_config
from colonnade.workflow.workflow import Workflow

ROOT = Path(__file__).resolve().parents[3]


def values(**changed: Any) -> dict[str, Any]:
    return {**yaml.safe_load((ROOT / "config/default.yaml").read_text()), **changed}


@pytest.mark.parametrize("folder", ["results", "results/host", "results/x60/resnet_50-a.1"])
def test_results_lie_below_one_folder(folder: str) -> None:
    config, _ = read_config(values(results=folder), [], ROOT / "config/targets")
    assert config.results == folder
    # Where they lie changes no number.
    default, _ = read_config(values(), [], ROOT / "config/targets")
    assert config.digest() == default.digest()


@pytest.mark.parametrize(
    "folder",
    [
        *("", "/tmp/x", "../x", "results/../x", "results/", "results//a", "other", "results/a b"),
        *("results/.hidden", "results/$(id)", "results/{x}", "results/<x>", "results/tables"),
        *("results/docs", "results/release", "results/riscv-programs", "results/wheel"),
    ],
)
def test_other_places_are_refused(folder: str) -> None:
    with pytest.raises(ColonnadeError, match=r"results: .*allowed: ") as refused:
        read_config(values(results=folder), [], ROOT / "config/targets")
    assert f"results: {folder!r}; allowed: " in str(refused.value)


def test_names_that_the_rules_use_are_taken() -> None:
    """And no others are."""
    sources = [*(ROOT / "workflow/rules").glob("*.smk"), Path(paths.__file__)]
    place = re.compile(r'(?:"<results>|"results|\{self\.folder\}|RESULTS / ")/?([\w-]+)/')
    used = {name for file in sources for name in place.findall(file.read_text())}
    # A table's folder is part of its name, and pictures lie where the configuration says.
    elsewhere = {table_file("any").split("/")[0], *Results("").table("any").split("/")[1:-1]}
    elsewhere |= {BUILD.name, TexturesConfig(name="textures").cache.name, MADE_WITH}
    # What a rule or the Makefile makes as a whole; its smoke run has results like any other.
    made = r'^(?:site_dir: |.*directory\("|.*release\.py |.*board programs .*)results/([\w-]+)'
    files = [*(ROOT / "workflow/rules").glob("*.smk"), ROOT / "Makefile", ROOT / "mkdocs.yml"]
    whole = {name for file in files for name in re.findall(made, file.read_text(), re.MULTILINE)}
    assert whole == {"docs", "release", "riscv-programs", "wheel"}
    assert whole < SHARED
    assert used | elsewhere | whole == TAKEN


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose results are those of the default configuration."""
    for name in ("config", "kernels"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / RESULTS).mkdir()
    scope = tmp_path / Results(str(RESULTS)).scope
    scope.write_text(Workflow.from_config(values(), []).scope)
    return scope


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"target": "host"}, ["target x60, not host"]),
        ({"model": {"name": "resnet34"}}, ["model.name resnet18, not resnet34"]),
        ({"data": {"name": "textures"}}, ["data.name digits, not textures"]),
        (
            {
                "throughput": {
                    "image_px": 32,
                    "batch": 2,
                    "threads": 1,
                    "repetitions": 1,
                    "warmup": 0,
                }
            },
            ["throughput.image_px 224, not 32", "throughput.batch 1, not 2"],
        ),
    ],
)
def test_results_of_another_scope_are_refused(
    held: Path, changed: dict[str, Any], expected: list[str]
) -> None:
    with pytest.raises(ColonnadeError) as refused:
        Workflow.from_config(values(**changed), [])
    message = str(refused.value)
    assert message.startswith(f"results: results holds results of {'; '.join(expected)}. Give ")
    (folder,) = re.findall(r"--config results=(\S+)$", message)
    Workflow.from_config(values(results=folder, **changed), [])
    assert json.loads(held.read_text())["target"] == "x60"


@pytest.mark.parametrize(
    "changed",
    [{}, {"seed": 1}, {"pruning": {"patterns": [{"n": 1, "m": 4}]}}, {"training": {"threads": 1}}],
)
def test_what_only_makes_results_anew_is_not(held: Path, changed: dict[str, Any]) -> None:
    assert held.exists()
    Workflow.from_config(values(**changed), [])


def test_a_damaged_scope_is_named(held: Path) -> None:
    held.write_text("[]")
    with pytest.raises(ColonnadeError, match=r"results/scope\.json: damaged"):
        Workflow.from_config(values(), [])


def test_logs_of_what_all_runs_share_are_of_no_folder_of_results() -> None:
    """Or a run into another folder would change what the crate of `results` lists."""
    rules = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    logs = re.findall(r'^    log:\n        (?:\w+=)?"([^"]+)"', rules, re.MULTILINE)
    assert len(logs) == rules.count("    log:\n")
    shared = [log for log in logs if not log.startswith("<results>/")]
    assert len(shared) >= 7
    assert {tuple(log.split("/")[:2]) for log in shared} == {("results", BUILD.name)}
    assert BUILD.name in SHARED
