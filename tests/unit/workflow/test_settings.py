# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Settings files: a job sees what its rule names of the configuration, and is refused the rest."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from colonnade.common.errors import ColonnadeError
from colonnade.workflow.job_settings import FINETUNING, JUDGING, SECTIONS
from colonnade.workflow.networks import Networks
from colonnade.workflow.settings import read_settings, select
from colonnade.workflow.workflow import Workflow


@pytest.fixture
def default(clone: Path) -> dict[str, Any]:
    values = yaml.safe_load((clone / "config/default.yaml").read_text())
    assert isinstance(values, dict)
    return values


def write(plan: Workflow, path: str, folder: Path) -> Path:
    """The settings file as rule `settings` writes it; it is named by its content."""
    digest = Path(path).stem
    text = plan.settings.text(digest) + "\n"
    assert hashlib.sha256(text.encode()).hexdigest().startswith(digest)
    file = folder / f"{digest}.json"
    file.write_text(text)
    return file


def test_a_job_reads_its_sections_and_no_other(default: dict[str, Any], tmp_path: Path) -> None:
    plan = Workflow.from_config(default, [])
    path = plan.settings.of("seed", "target", "training", "-training.finetune", "study.data")
    given = read_settings(write(plan, path, tmp_path))
    assert given.config.seed == plan.config.seed
    assert given.config.target == "x60"
    assert given.target == plan.target
    assert given.config.training.dense == plan.config.training.dense
    assert given.config.training.alone.threads == plan.config.training.threads
    assert given.config.study.data == plan.config.study.data
    # Keys with defaults, too, are refused: a default is not what was configured.
    for access in (
        lambda: given.config.model,
        lambda: given.config.training.finetune,
        lambda: given.config.training.alone.finetune,
        lambda: given.config.study.seeds,
        lambda: given.run,
    ):
        with pytest.raises(ColonnadeError, match=r"\.json: has no \S+"):
            access()


PATTERNS = [{"n": 1, "m": 4}, {"method": "filters", "m": "full", "sparsity": 0.5}]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"target": "host"},
        {"data": {"name": "textures", "classes": 2}},
        {"pruning": {"patterns": PATTERNS, "recipe": {"schedule": {"name": "gradual"}}}},
    ],
)
def test_all_of_it_reads_back_the_same(
    default: dict[str, Any], tmp_path: Path, changed: dict[str, Any]
) -> None:
    plan = Workflow.from_config({**default, **changed}, [])
    file = write(plan, plan.settings.of(*SECTIONS), tmp_path)
    read = read_settings(file).config
    assert read.model_dump() == plan.config.model_dump(exclude={"results"})
    assert read.digest() == plan.config.digest()


def test_what_has_names_of_the_users_keeps_its_order(
    default: dict[str, Any], tmp_path: Path
) -> None:
    """Jobs are listed, and their files given to the commands of tables, in the order of names."""
    study = {
        **default.get("study", {}),
        **{"recipes": {"z": {"permute": True}, "a": {"score": "l2"}}, "everywhere": ["a"]},
    }
    plan = Workflow.from_config({**default, "study": study}, [])
    small = plan.small_study
    assert small is not None
    for whole in (plan, small):
        read = read_settings(write(plan, whole.settings.of("study"), tmp_path))
        assert Networks(read.config).study == whole.networks.study
        assert list(read.config.study.candidates) == list(whole.networks.config.study.candidates)
    labels = [label for label in plan.networks.study_runs if label.endswith(("-z", "-a"))]
    assert labels == ["full0.25-a", "full0.5-a", "full0.75-z", "full0.75-a", "full0.875-a"]


def test_a_run_of_the_study_reads_back_the_same(default: dict[str, Any], tmp_path: Path) -> None:
    plan = Workflow.from_config(default, [])
    assert {"start", "dense", "full0.75", "full0.75-distilled"} <= set(plan.networks.study_runs)
    for label, run in plan.networks.study_runs.items():
        assert read_settings(write(plan, plan.settings.of_run(label), tmp_path)).run == run
    with pytest.raises(ColonnadeError, match=r"run 'full0\.3' of the study: allowed: dense, start"):
        plan.settings.of_run("full0.3")


def test_a_candidate_takes_the_place_of_the_fine_tuning(
    default: dict[str, Any], tmp_path: Path
) -> None:
    plan = Workflow.from_config(default, [])
    candidates = plan.config.study.candidates
    for name, phase in candidates.items():
        given = read_settings(write(plan, plan.settings.of_candidate(name, "dense"), tmp_path))
        assert given.config.study.training.finetune == phase
    assert len(candidates) > 1
    with pytest.raises(ColonnadeError, match=r"candidate 'x' of the study: allowed: adamw-0\.0001"):
        plan.settings.of_candidate("x", "dense")
    # Neither the choice that is made of them nor the other candidates change it.
    study = {**default["study"], "training": {"finetune": candidates["sgd-0.01"].model_dump()}}
    kept = "adamw-0.001"
    study["candidates"] = {kept: candidates[kept].model_dump()}
    after = Workflow.from_config({**default, "study": study}, [])
    before = plan.settings.of_candidate(kept, "dense")
    assert after.settings.of_candidate(kept, "dense") == before


def test_only_what_a_job_reads_changes_its_settings(default: dict[str, Any]) -> None:
    changed = {**default, "training": {"finetune": {"epochs": 1, "optimizer": {"lr": 1.0}}}}
    changed["training"]["finetune"]["optimizer"]["name"] = "adamw"
    before, after = (Workflow.from_config(values, []) for values in (default, changed))
    dense = ("seed", "model", "data", "training", "-training.finetune")
    assert before.settings.of(*dense) == after.settings.of(*dense)
    assert before.settings.of(*JUDGING) == after.settings.of(*JUDGING)
    assert before.settings.of(*FINETUNING) != after.settings.of(*FINETUNING)


def test_a_variant_does_not_depend_on_other_patterns(default: dict[str, Any]) -> None:
    more = {**default, "pruning": {**default["pruning"]}}
    more["pruning"]["patterns"] = [*default["pruning"]["patterns"], {"n": 1, "m": 4}]
    before, after = (Workflow.from_config(values, []) for values in (default, more))
    assert before.settings.of("pruning") != after.settings.of("pruning")
    assert before.settings.of_variant("full0.5", "pruning") == after.settings.of_variant(
        "full0.5", "pruning"
    )
    with pytest.raises(ColonnadeError, match=r"variant '1of4': allowed: dense, full0\.5"):
        before.settings.of_variant("1of4", "pruning")


def test_rule_settings_writes_those_of_the_emulated_target_too(
    default: dict[str, Any], tmp_path: Path
) -> None:
    plan = Workflow.from_config({**default, "target": "host"}, [])
    given = read_settings(write(plan, plan.emulated.settings.of("target"), tmp_path))
    assert (given.config.target, given.target.vlen) == ("x60", 256)
    given = read_settings(write(plan, plan.settings.of("target"), tmp_path))
    assert (given.config.target, given.target.vlen) == ("host", None)


def test_a_wrong_section_is_an_error_of_the_rule() -> None:
    with pytest.raises(KeyError):
        select({"a": {"b": 1}}, ["a.c"])
    with pytest.raises(KeyError):
        select({"a": {"b": 1}}, ["-a.b"])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[1]", "not a settings file"),
        ("{", "not a valid JSON file"),
        ({"sed": 1}, "sed: unknown key"),
        ({"seed": -1}, "seed: -1: Input should be greater than or equal to 0"),
        ({"training": {"threads": 0}}, "training.threads: 0: Input should be"),
        ({"model": {"name": "vgg", "weights": None}}, "model.name: 'vgg': Input should be"),
        ({"target": "x60"}, "target: a name and a description are needed"),
        ({"target": {"kind": "host"}}, "target: a name and a description are needed"),
        ({"target": {"name": "x60", "kind": "emulated"}}, "needs core"),
        ({"run": {"recipe_name": "paper"}}, "run"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, content: Any, expected: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ColonnadeError, match=r"settings\.json: ") as refused:
        read_settings(file)
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)
