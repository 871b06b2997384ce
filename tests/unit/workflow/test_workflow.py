# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the rules take from a checked configuration."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from colonnade.common.errors import ColonnadeError
from colonnade.config.training import AdamWConfig, PhaseConfig, TrainingConfig
from colonnade.workflow.workflow import Workflow, code, launcher, one_of, run_wildcards

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout without results."""
    for name in ("config", "kernels"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)


def plan(**changed: Any) -> Workflow:
    values = yaml.safe_load((ROOT / "config/default.yaml").read_text())
    return Workflow.from_config({**values, **changed}, [])


def test_accuracy_is_checked_on_riscv_whatever_the_target_is() -> None:
    for target in ("host", "x60", "c908"):
        found = plan(target=target)
        assert found.machine.target == found.target
        emulated = found.emulated
        assert emulated.machine.core == ["kernels/timing/cores/x60.json"]
        assert emulated.settings.config.target == "x60"
        # It is the same configuration for all else.
        assert emulated.settings.config.model == found.config.model


def test_engines_are_compared_on_this_machine_whatever_the_target_is() -> None:
    found = plan(target="x60")
    host = found.host
    assert host.machine.core == []
    assert host.settings.config.target == "host"
    for network in found.config.comparison.networks:
        settings = host.of(network)
        assert settings.config.model.name == network
        assert settings.config.target == "host"
        assert settings.config.pruning.patterns == found.config.comparison.patterns
        # Pruned as the comparison does: all but the layer that reads the images.
        assert len(settings.config.pruning.skip) == 1


def test_figures_compare_as_the_paper_does_whatever_the_configuration_says() -> None:
    found = plan(target="host")
    assert "winograd" in found.config.profile.algorithms
    for network in found.config.figures.networks:
        config = found.figures.of(network).config
        assert (config.target, config.model.name) == ("x60", network)
        assert config.profile.algorithms == ("direct", "packed")
        assert config.pruning.patterns == found.config.figures.patterns


def test_convolutions_of_a_compared_network_are_its_own() -> None:
    """The published networks have 20, 36 and 53 convolutions; the first two have 11 shapes.

    Four of these are run with a residual added too, one of every size.
    """
    found = plan(target="x60", model={"name": "resnet18"})
    assert len(found.convolutions.layers) == 20
    counts = {name: len(found.host.convolutions(name).layers) for name in ("resnet34", "resnet50")}
    assert counts == {"resnet34": 36, "resnet50": 53}
    assert len(found.convolutions.distinct) == 11 + 4
    assert len(found.host.convolutions("resnet34").distinct) == 11 + 4


def test_jobs_of_the_small_study_get_it_as_the_study() -> None:
    found = plan(target="x60")
    small, whole = found.small_study, found.settings
    assert small is not None
    assert small.config.sparsities == (0.75,)
    labels = list(small.networks.study_runs)
    assert {"start", "dense", "full0.75", "unstructured-full0.75"} < set(labels)
    assert "full0.75-masked-untrained" in labels
    text = json.loads(whole.text(Path(small.settings.of_run("full0.75-all")).stem))
    assert text["study"]["data"]["classes"] == small.config.data.model_dump()["classes"] == 20
    assert text["run"]["recipe_name"] == "all"
    # What only the other one has.
    with pytest.raises(
        ColonnadeError, match=r"run 'full0\.5' of the study: allowed: dense, start, "
    ):
        small.settings.of_run("full0.5")
    assert "full0.5" in found.networks.study_runs


@pytest.mark.parametrize("name", ["imagenet", "resnet50"])
def test_the_small_study_can_be_left_out(name: str) -> None:
    values = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())
    assert plan(small_study=values["small_study"]).small_study is None


def test_the_scope_is_what_results_share() -> None:
    found = json.loads(plan(target="host", model={"name": "resnet34"}).scope)
    assert (found["target"], found["model.name"]) == ("host", "resnet34")
    assert "seed" not in found


def test_layers_that_are_not_pruned_have_to_exist() -> None:
    with pytest.raises(ColonnadeError, match=r"layer9\.none"):
        plan(pruning={"patterns": [{"n": 1, "m": 4}], "skip": ["layer9.none"]})


def test_runs_become_wildcards_of_equal_length() -> None:
    runs = iter([("a", "dense"), ("b", "dense"), ("a", "half")])
    assert run_wildcards(runs) == {
        "implementation": ["a", "b", "a"],
        "variant": ["dense", "dense", "half"],
    }
    assert run_wildcards([]) == {"implementation": [], "variant": []}


def test_a_wildcard_has_the_names_that_there_are_and_no_others() -> None:
    pattern = re.compile(one_of(["1:4", "a.b", "x+"]))
    for name, expected in (
        ("1:4", True),
        ("a.b", True),
        ("x+", True),
        ("axb", False),
        ("xx", False),
    ):
        assert bool(pattern.fullmatch(name)) == expected


@pytest.mark.parametrize(
    ("processes", "started"),
    [(1, ""), (4, "torchrun --standalone --nproc-per-node 4 --no-python ")],
)
def test_several_processes_are_started_by_torchrun(processes: int, started: str) -> None:
    phase = PhaseConfig(epochs=1, batch_size=8, optimizer=AdamWConfig(lr=1e-3), clip_norm=1.0)
    training = TrainingConfig(threads=1, processes=processes, dense=phase, finetune=phase)
    assert launcher(training) == f"GLIBC_TUNABLES=glibc.malloc.hugetlb=1 {started}"


def test_every_command_has_a_version_of_its_own_and_others_none() -> None:
    versions = [code("step report"), code("step claims"), code("table throughput")]
    assert all(re.fullmatch(r"[0-9a-f]{64}", version) for version in versions)
    assert len(set(versions)) == 3
    with pytest.raises(KeyError):
        code("step none")
