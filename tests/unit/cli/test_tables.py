# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Each table is collected from the files that are given, each file for what stands in its place."""

from pathlib import Path
from typing import Any

import pytest

from colonnade.cli import cli, tables
from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import BUILD, TIMING_MODEL
from colonnade.study.search import Tried
from colonnade.workflow.convolutions import Convolutions
from colonnade.workflow.networks import Networks
from colonnade.workflow.settings import Settings

from .conftest import Note

OUT = Path("table.csv")


def run(*words: str | Path) -> None:
    cli([*map(str, words)], standalone_mode=False)


def files(count: int) -> list[Path]:
    return [Path(f"{index}.json") for index in range(count)]


def columns(config: Any, variant: str) -> dict[str, Any]:
    """Columns of a variant, of the pattern that has its label."""
    if variant == "dense":
        return {"n": None, "m": None, "sparsity": 0.0}
    (pattern,) = (each for each in config.pruning.patterns if each.label == variant)
    kept = 1 - pattern.sparsity if pattern.n is None else pattern.n
    return {"n": float(kept), "m": str(pattern.m), "sparsity": pattern.sparsity}


def test_runs_have_the_columns_of_their_variant(note: Note, settings: str, given: Settings) -> None:
    write = note("evaluation.tables", "throughput_table")
    runs = Networks(given.config).runs
    read = files(len(runs))
    run("table", "throughput", settings, OUT, *read)
    call = write.call
    assert (call["timed"], call["table"]) == (given.config.throughput, OUT)
    assert [(target.name, file, found) for target, file, found in call["runs"]] == [
        (given.config.target, file, columns(given.config, variant))
        for file, (_, variant) in zip(read, runs, strict=True)
    ]


def test_reports_of_several_cores_come_target_after_target(
    note: Note, settings: str, given: Settings
) -> None:
    write = note("evaluation.tables", "throughput_table")
    variants = [variant for _, variant in Networks(given.config).core_runs]
    read = files(3 * len(variants))
    others = ["--target", "c908", "--target", "emulated:x60"]
    run("table", "throughput_cores", *others, settings, OUT, *read)
    targets = [given.config.target, "c908", "x60"]
    wanted = [(target, variant) for target in targets for variant in variants]
    assert [(target.name, file, found) for target, file, found in write.call["runs"]] == [
        (target, file, columns(given.config, variant))
        for file, (target, variant) in zip(read, wanted, strict=True)
    ]


def test_runs_of_retuned_schedules_come_core_after_core(
    note: Note, settings: str, given: Settings
) -> None:
    write = note("evaluation.tables", "retuned_table")
    variants = [variant for _, variant in Networks(given.config).retuned_runs]
    assert variants[0] == "dense"
    read = files(2 * len(variants))
    cores = ["--core", "slow", "--core", "fast"]
    run("table", "sensitivity_retuned", *cores, settings, OUT, "band.csv", *read)
    wanted = [(core, variant) for core in ("slow", "fast") for variant in variants]
    assert write.call == {
        "runs": [
            (core, file, columns(given.config, variant))
            for file, (core, variant) in zip(read, wanted, strict=True)
        ],
        "band": Path("band.csv"),
        "table": OUT,
    }


def test_a_target_of_another_kind_is_refused(note: Note, settings: str) -> None:
    write = note("evaluation.tables", "throughput_table")
    with pytest.raises(ColonnadeError, match="'host:x60'; x60 is of kind emulated"):
        run("table", "throughput_cores", "--target", "host:x60", settings, OUT, "one")
    assert write.calls == []


def test_a_comparison_is_collected_and_printed(
    note: Note, settings: str, given: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    write = note("comparison.table", "comparison_table")
    note("comparison.table", "printed", lambda table: f"what {table} says")
    read = files(len(given.config.comparison.networks))
    run("table", "comparison", settings, OUT, *read)
    assert write.call == {"measured": read, "table": OUT}
    assert capsys.readouterr().out == "what table.csv says\n"


def test_steps_of_the_decomposition_have_their_reports(
    note: Note, settings: str, given: Settings
) -> None:
    write = note("evaluation.tables", "decomposition_table")
    steps = Networks(given.config).steps
    run("table", "decomposition", settings, OUT, *files(len(steps)))
    assert write.call == {
        "target": given.config.target,
        "runs": list(zip(steps, files(len(steps)), strict=True)),
        "table": OUT,
    }


@pytest.mark.parametrize(
    ("name", "module", "function", "key"),
    [
        ("bounds", "evaluation.bounds", "bounds_table", "profiles"),
        ("packing", "evaluation.packing_cost", "packing_table", "profiles"),
        ("tuner_quality", "tuning.audit", "quality_table", "audits"),
    ],
)
def test_what_convolutions_take_is_collected_from_all_files(
    note: Note, settings: str, given: Settings, name: str, module: str, function: str, key: str
) -> None:
    write = note(module, function)
    run("table", name, settings, OUT, *files(4))
    call = write.call
    if name == "bounds":
        assert call.pop("threads") == given.config.throughput.threads
    model, target = given.config.model.name, given.config.target
    assert call == {key: tuple(files(4)), "model": model, "target": target, "table": OUT}


def test_dense_baselines_follow_the_profiles(note: Note, settings: str, given: Settings) -> None:
    write = note("evaluation.dense_baselines", "baselines_table")
    run("table", "dense_baselines", settings, OUT, "p0", "p1", "p2", "b0", "b1", "b2")
    assert write.call == {
        "profiles": (Path("p0"), Path("p1"), Path("p2")),
        "baselines": (Path("b0"), Path("b1"), Path("b2")),
        "layers": Convolutions(given.config).layers,
        "model": given.config.model.name,
        "target": given.config.target,
        "table": OUT,
    }


def test_networks_of_the_study_have_their_run_and_seed(
    note: Note, settings: str, given: Settings
) -> None:
    write = note("study.results", "write_study")
    networks, study = Networks(given.config).study, given.config.study
    read = [Path(f"study/{found.label}/{seed}.json") for found, seed in networks]
    run("table", "study", settings, OUT, "summary.csv", "study.svg", *read)
    call = write.call
    assert call.pop("evaluated") == [
        (found, seed, file) for (found, seed), file in zip(networks, read, strict=True)
    ]
    assert call == {
        "allowed_points": study.control_drop_points,
        "table": OUT,
        "summary": Path("summary.csv"),
        "figure": Path("study.svg"),
    }
    assert {seed for _, seed in networks} == set(study.seeds)
    other = [read[1], read[0], *read[2:]]
    with pytest.raises(ColonnadeError, match=f"{other[0]}: allowed with .* in its place: "):
        run("table", "study", settings, OUT, "summary.csv", "study.svg", *other)
    assert len(write.calls) == 1


def test_the_tile_curve_is_of_all_runs_and_pruned_layers(
    note: Note, settings: str, given: Settings
) -> None:
    write = note("study.tile_curve", "write_tile_curve")
    run("table", "tile_curve", settings, OUT, "figure.svg", "summary.csv", "layers.csv")
    config = given.config
    assert write.call == {
        "runs": list(Networks(config).study_runs.values()),
        "pruned": [name for name, _ in Convolutions(config).pruned_layers],
        "summary": Path("summary.csv"),
        "layers": Path("layers.csv"),
        "table": OUT,
        "figure": Path("figure.svg"),
    }


def test_candidates_of_the_recipe_have_two_files_each(
    note: Note, settings: str, given: Settings
) -> None:
    write = note("study.search", "write_search")
    study = given.config.study
    count = len(study.candidates)
    read = [
        Path(f"search/{name}/{kind}.csv")
        for name in study.candidates
        for kind in ("control", "pruned")
    ]
    run("table", "recipe_search", settings, OUT, "start.csv", *read)
    assert write.call == {
        "candidates": study.candidates,
        "sparsity": study.recipe_sparsity,
        "allowed_points": study.control_drop_points,
        "start": Path("start.csv"),
        "tried": [Tried(read[2 * at], read[2 * at + 1]) for at in range(count)],
        "table": OUT,
    }
    with pytest.raises(ColonnadeError, match=f"{2 * count - 1} files, .*: {2 * count}, in"):
        run("table", "recipe_search", settings, OUT, "start.csv", *read[1:])
    with pytest.raises(ColonnadeError, match=f"{read[1]}: allowed with .* in its place: "):
        run("table", "recipe_search", settings, OUT, "start.csv", read[1], read[0], *read[2:])
    assert len(write.calls) == 1


@pytest.mark.parametrize(
    ("words", "module", "function", "folder"),
    [
        (["table", "validation"], "validation.compare", "write_validation", "validation"),
        (["fit-core", "fit.yaml"], "validation.fit", "fit_core", "fit"),
    ],
    ids=["validation", "fit"],
)
def test_the_timing_model_works_in_a_folder_of_the_build(
    note: Note,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: list[str],
    module: str,
    function: str,
    folder: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    toolchain = object()
    monkeypatch.setattr(tables, "container", lambda: toolchain)
    made = note("validation", "TimingModel", lambda **given: given)
    write = note(module, function)
    run(*words, OUT)
    place = BUILD / folder
    assert place.is_dir()
    assert list(made.call.values()) == [toolchain, TIMING_MODEL, place]
    call = write.call
    assert call.pop("model") == made.call
    assert list(call.values()) == ([OUT] if function != "fit_core" else [Path("fit.yaml"), OUT])


def test_nothing_is_validated_without_a_toolchain(
    note: Note, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    write = note("validation.compare", "write_validation")
    with pytest.raises(ColonnadeError, match="the toolchain is not built yet; `snakemake toolchai"):
        run("table", "validation", OUT)
    assert write.calls == []


def test_ranges_over_the_band_are_written_with_the_runs(
    note: Note, settings: str, given: Settings
) -> None:
    runs = Networks(given.config).band_runs
    read = files(len(runs))
    note("validation.sensitivity", "read_reports", lambda runs: {r: f"of {f}" for r, f in runs})
    ranges = note("validation.sensitivity", "write_sensitivity")
    band = note("evaluation.tables", "band_table")
    run("table", "sensitivity", settings, OUT, "band.csv", "sensitivity.md", *read)
    found = {each: f"of {file}" for each, file in zip(runs, read, strict=True)}
    assert ranges.call == {"reports": found, "table": OUT, "text": Path("sensitivity.md")}
    assert band.call == {
        "target": given.config.target,
        "timed": given.config.throughput,
        "runs": [(found[each], columns(given.config, each.variant)) for each in runs],
        "table": Path("band.csv"),
    }
