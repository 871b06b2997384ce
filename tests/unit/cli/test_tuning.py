# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Each step of tuning takes the convolution, the patterns and the limits that are configured."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.models.conv_shape import ConvShape
from colonnade.tuning.bench import DENSE
from colonnade.workflow.convolutions import Convolutions
from colonnade.workflow.settings import Settings

from .conftest import Note


def step(*words: str | Path) -> None:
    cli(["step", *map(str, words)], standalone_mode=False)


def searched(given: Settings, conv: ConvShape) -> dict[str, Any]:
    """What profiling and the audit have in common."""
    config = given.config
    convs = Convolutions(config)
    return {
        "target": config.target,
        "conv": conv,
        "settings": config.profile,
        "timed": config.throughput,
        "searches": sum(len(convs.searches(each)) for each in convs.distinct),
        "output": Path("out.json"),
    }


@pytest.mark.parametrize("pruned", [False, True], ids=["dense", "pruned"])
def test_convolutions_are_profiled_dense_and_at_what_prunes_them(
    note: Note, settings: str, given: Settings, pruned: bool
) -> None:
    tune = note("tuning.profiling", "profile")
    convs = Convolutions(given.config)
    those = {shape for _, shape in convs.pruned_layers}
    conv = next(shape for _, shape in convs.layers if (shape in those) == pruned)
    step("profile", settings, str(conv), "out.json")
    call = tune.call
    profiled = call.pop("profiled")
    assert profiled[0] == DENSE
    patterns = [each.pattern for each in profiled[1:]]
    kept = [each.keeps(conv.reduction) for each in given.config.pruning.patterns]
    assert [each.keeps(conv.reduction) for each in patterns] == (
        list(dict.fromkeys(kept)) if pruned else []
    )
    assert call == searched(given, conv)


def test_schedules_of_the_whole_network_are_tuned_again(
    note: Note, settings: str, given: Settings
) -> None:
    tune = note("tuning.retune", "retune")
    step("retune", settings, "core.json", "schedules.json", "out.json")
    convs = Convolutions(given.config)
    assert tune.call == {
        "target": given.config.target,
        "searches": [
            (ConvShape.parse(conv), each)
            for conv in convs.distinct
            for each in convs.searches(conv)
        ],
        "schedules": Path("schedules.json"),
        "settings": given.config.profile,
        "timed": given.config.throughput,
        "output": Path("out.json"),
    }


@pytest.mark.parametrize("command", ["profile", "dense-baselines"])
def test_a_convolution_that_is_none_is_refused(note: Note, settings: str, command: str) -> None:
    tune = note("tuning.profiling", "profile")
    baselines = note("evaluation.dense_baselines", "run_baselines")
    with pytest.raises((ColonnadeError, ValueError), match="n1c3"):
        step(command, settings, "n1c3", "out.json")
    assert tune.calls == baselines.calls == []


def test_schedules_are_chosen_for_all_layers(note: Note, settings: str, given: Settings) -> None:
    collect = note("tuning.choice", "collect")
    step("schedules", settings, "schedules.json", "layers.csv", "0.json", "1.json")
    assert collect.call == {
        "profiles": (Path("0.json"), Path("1.json")),
        "layers": Convolutions(given.config).layers,
        "model": given.config.model.name,
        "target": given.config.target,
        "schedules": Path("schedules.json"),
        "table": Path("layers.csv"),
    }


def test_an_audited_convolution_is_searched_at_its_patterns(
    note: Note, settings: str, given: Settings
) -> None:
    audit = note("tuning.audit", "audit")
    name, profiled = next(iter(Convolutions(given.config).audited.items()))
    step("audit-tuner", settings, name, "out.json")
    conv = ConvShape.parse(name)
    assert audit.call == {**searched(given, conv), "profiled": profiled}


def test_dense_baselines_run_as_the_convolution_is_tuned(
    note: Note, settings: str, given: Settings
) -> None:
    baselines = note("evaluation.dense_baselines", "run_baselines")
    _, conv = Convolutions(given.config).layers[3]
    step("dense-baselines", settings, str(conv), "out.json")
    assert baselines.call == {
        "target": given.config.target,
        "conv": conv,
        "seed": given.config.profile.seed,
        "threads": given.config.throughput.threads,
        "output": Path("out.json"),
    }


def test_schedules_of_a_network_that_is_compared_are_refined_in_it_dense_and_pruned(
    note: Note, settings: str, given: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = given.config
    patterns = config.comparison.patterns
    written: list[Any] = []

    def write_variants(folder: Path, *others: Any) -> list[Any]:
        written.append(others)
        folder.mkdir()
        labels = ["dense", *(pattern.label for pattern in patterns)]
        return [SimpleNamespace(label=label, package=folder / label) for label in labels]

    monkeypatch.setattr("colonnade.package.untrained.write_variants", write_variants)
    refine = note("evaluation.refinement", "refine_networks")
    output = tmp_path / "refined/schedules.json"
    step("refine-compared", settings, "schedules.json", output, "refinement.csv", "0.json")
    convs, call = Convolutions(config), refine.call
    assert written == [
        (config.model.name, patterns, convs.pruned_layers, Path("schedules.json"), config.seed)
    ]
    assert [(each.label, each.pattern) for each in call["networks"]] == [
        ("dense", None),
        *((pattern.label, pattern) for pattern in patterns),
    ]
    assert call["layers"](None) == convs.layers
    assert call["layers"](patterns[0]) == convs.pruned_layers
    assert call["profiles"] == (Path("0.json"),)
    assert (call["output"], call["table"]) == (output, Path("refinement.csv"))
    # Networks and images do not stay.
    assert list(output.parent.iterdir()) == []


def test_networks_are_compared_with_the_engines_that_are_there(
    note: Note, settings: str, given: Settings, tmp_path: Path
) -> None:
    compare = note("comparison.measure", "compare_network")
    listed = tmp_path / "peers.tsv"
    listed.write_text("onnxruntime\t\ntvm\tno wheel for this machine\n")
    step("compare", settings, "schedules.json", tmp_path / "peers", listed, "compared.json")
    call, config = compare.call, given.config
    peers = call.pop("peers")
    assert (peers.folder, peers.missing) == (
        tmp_path / "peers",
        {"tvm": "no wheel for this machine"},
    )
    assert call == {
        "target": config.target,
        "name": config.model.name,
        "settings": config.comparison,
        "image_px": config.throughput.image_px,
        "layers": Convolutions(config).pruned_layers,
        "schedules": Path("schedules.json"),
        "seed": config.seed,
        "output": Path("compared.json"),
    }


def test_a_missing_list_of_engines_is_told(note: Note, settings: str, tmp_path: Path) -> None:
    compare = note("comparison.measure", "compare_network")
    with pytest.raises(ColonnadeError, match=r"gone\.tsv: no list of peers"):
        step("compare", settings, "s", tmp_path, tmp_path / "gone.tsv", tmp_path / "o")
    assert compare.calls == []


def test_tiles_of_a_convolution_are_those_that_its_patterns_may_have(
    note: Note, settings: str, given: Settings
) -> None:
    options = note("tuning.tile_options", "write_tile_options")
    convs = Convolutions(given.config)
    _, conv = convs.layers[3]
    step("tile-options", settings, str(conv), "p.json", "out.json")
    config = given.config
    assert options.call == {
        "target": config.target,
        "conv": conv,
        "profiled": convs.searches(str(conv)),
        "patterns": config.pruning.patterns,
        "settings": config.profile,
        "timed": config.throughput,
        "profile": Path("p.json"),
        "output": Path("out.json"),
    }
