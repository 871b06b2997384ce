# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Each step of a network does its part with what the settings say of it, and with nothing else."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from colonnade.cli import cli
from colonnade.cli.common import target_of
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file
from colonnade.config.model import ModelConfig
from colonnade.config.pruning import Pattern
from colonnade.evaluation.runs import BandRun
from colonnade.pruning.plan import LayerPlan
from colonnade.targets.implementations import IMPLEMENTATIONS
from colonnade.workflow.convolutions import Convolutions
from colonnade.workflow.networks import Networks
from colonnade.workflow.settings import Settings, read_settings
from colonnade.workflow.workflow import Workflow

from .conftest import Note

TILES = {"layer1.0.conv1": 8, "layer4.1.conv2": 14}


def step(*words: str | Path) -> None:
    cli(["step", *map(str, words)], standalone_mode=False)


def tiles(**given: Any) -> dict[str, int]:
    """Tiles that differ by pattern."""
    layers = [name for name, _ in given["layers"]]
    assert set(TILES) <= set(layers)
    assert "conv1" not in layers
    return {name: tile + round(8 * given["pattern"].sparsity) for name, tile in TILES.items()}


def planned(pattern: Pattern) -> dict[str, LayerPlan]:
    """The plan that follows from these tiles."""
    more = round(8 * pattern.sparsity)
    return {name: LayerPlan(pattern=pattern, tile=tile + more) for name, tile in TILES.items()}


def test_the_dense_network_is_trained_as_configured(
    note: Note, settings: str, given: Settings
) -> None:
    train = note("training.stages", "train_dense")
    step("train", settings, "a/dense.safetensors")
    config = given.config
    assert train.call == {
        "model": config.model,
        "data": config.data,
        "training": config.training,
        "seed": config.seed,
        "output": Path("a/dense.safetensors"),
        "metrics": Path("a/dense.csv"),
    }


def test_a_variant_is_pruned_by_its_pattern_with_the_tiles_that_profiling_chose(
    note: Note, settings: str, given: Settings
) -> None:
    finetune = note("training.stages", "prune_and_finetune")
    chosen = note("tuning.choice", "tiles_for", tiles)
    config = given.config
    pattern = config.pruning.patterns[-1]
    step("prune", settings, pattern.label, "d.safetensors", "schedules.json", "p.safetensors")
    assert chosen.call["schedules"] == Path("schedules.json")
    assert finetune.call == {
        "dense": Path("d.safetensors"),
        "plan": planned(pattern),
        "recipe": config.pruning.recipe,
        "data": config.data,
        "training": config.training,
        "seed": config.seed,
        "output": Path("p.safetensors"),
        "metrics": Path("p.csv"),
    }


def test_a_variant_that_is_not_configured_is_refused(note: Note, settings: str) -> None:
    finetune = note("training.stages", "prune_and_finetune")
    with pytest.raises(ColonnadeError, match=r"variant 'none': allowed: dense, "):
        step("prune", settings, "none", "d.safetensors", "schedules.json", "p.safetensors")
    assert finetune.calls == []


def test_a_checkpoint_is_exported(note: Note) -> None:
    export = note("package.export", "export_package")
    step("export", "p.safetensors", "packages/p")
    assert export.call == {"checkpoint": Path("p.safetensors"), "out_dir": Path("packages/p")}


def test_variants_are_judged_by_their_own_implementation(
    note: Note, settings: str, given: Settings
) -> None:
    judge = note("evaluation.top1", "evaluate_variant")
    config = given.config
    expected = {"dense": "colnm_dense", config.pruning.patterns[0].label: "colnm_tuned"}
    for variant, implementation in expected.items():
        judge.calls.clear()
        step("evaluate", settings, variant, "c", "packages/v/graph.json", "schedules", "top1.json")
        assert judge.call == {
            "target": config.target,
            "data": config.data,
            "training": config.training,
            "accuracy": config.accuracy,
            "checkpoint": Path("c"),
            "package": Path("packages/v"),
            "implementation": implementation,
            "schedules": Path("schedules"),
            "output": Path("top1.json"),
            "basis": sha256_file(Path(settings)),
        }


def test_images_have_the_size_that_is_timed(note: Note, settings: str, given: Settings) -> None:
    write = note("evaluation.throughput", "write_random_images")
    step("images", settings, "images.bin")
    timed = given.config.throughput
    assert write.call == {
        "path": Path("images.bin"),
        "batch": timed.batch,
        "image_px": timed.image_px,
        "seed": given.config.seed,
    }


@pytest.mark.parametrize(
    ("options", "target"), [([], None), (["--target", "c908"], "c908")], ids=["own", "other"]
)
def test_a_network_is_timed_on_the_configured_or_the_named_target(
    note: Note, settings: str, given: Settings, options: Sequence[str], target: str | None
) -> None:
    run = note("evaluation.throughput", "run_network")
    files = ["packages/v/graph.json", "schedules.json", "images.bin", "report.json"]
    step("throughput", *options, settings, "colnm_tuned", *files)
    assert run.call == {
        "target": target or given.config.target,
        "package": Path("packages/v"),
        "implementation": "colnm_tuned",
        "schedules": Path("schedules.json"),
        "images": Path("images.bin"),
        "timed": given.config.throughput,
        "output": Path("report.json"),
        "dtype": "f32",
        "beside": (),
    }


@pytest.mark.parametrize("name", ["throughput", "over-band"])
def test_an_implementation_that_the_runner_lacks_is_refused_before_anything_runs(
    note: Note, settings: str, name: str
) -> None:
    calls = [note("evaluation.throughput", "run_network").calls]
    calls.append(note("validation.over_band", "run_over_band").calls)
    rest = ["g", "s", "i", "o"] if name == "throughput" else ["f16", "4", "g", "s", "i", "o"]
    with pytest.raises(ColonnadeError) as told:
        step(name, settings, "colnm_fastest", *rest)
    allowed = ", ".join(IMPLEMENTATIONS)
    assert str(told.value) == f"IMPLEMENTATION: 'colnm_fastest'; allowed: {allowed}"
    assert calls == [[], []]


def test_a_network_is_timed_on_another_core_of_the_target(settings: str, given: Settings) -> None:
    """Of the same name, VLEN and clock."""
    with cli.make_context("colonnade", ["step"]):
        own, other = target_of(given), target_of(given, Path("core.json"))
    assert other.config == own.config.model_copy(update={"core": Path("core.json")})
    assert other.config != own.config
    assert other.name == own.name


def test_another_target_has_no_core_of_this_ones_band(note: Note, settings: str) -> None:
    run = note("evaluation.throughput", "run_network")
    options = ["--target", "c908", "--core", "core.json"]
    with pytest.raises(ColonnadeError, match=r"--target c908 --core core\.json: allowed: one of t"):
        step("throughput", *options, settings, "colnm_tuned", "g", "s", "i", "o")
    assert run.calls == []


def test_a_core_of_the_band_is_described(note: Note) -> None:
    write = note("validation.band", "write_core")
    step("band-core", "band.json", "slow", "core.json")
    assert write.call == {
        "band": Path("band.json"),
        "name": "slow",
        "output": Path("core.json"),
    }


def test_an_unknown_target_is_refused_before_anything_runs(note: Note, settings: str) -> None:
    run = note("evaluation.throughput", "run_network")
    with pytest.raises(ColonnadeError, match=r"target: 'nowhere'|nowhere.*allowed"):
        step("throughput", "--target", "nowhere", settings, "colnm_tuned", "g", "s", "i", "o")
    assert run.calls == []


def test_networks_of_the_study_start_from_its_own_recipe_without_weights(
    note: Note, settings: str, given: Settings
) -> None:
    train = note("training.stages", "train_dense")
    step("study-start", settings, "11", "study/start.safetensors")
    study = given.config.study
    assert train.call == {
        "model": ModelConfig(name=given.config.model.name),
        "data": study.data,
        "training": study.training,
        "seed": 11,
        "output": Path("study/start.safetensors"),
        "metrics": Path("study/start.csv"),
    }


@pytest.mark.parametrize("dense", [True, False], ids=["dense", "pruned"])
def test_runs_of_the_study_take_the_tiles_of_the_nearest_profiled_pattern(
    note: Note, plan: Workflow, tmp_path: Path, dense: bool
) -> None:
    finetune = note("training.stages", "prune_and_finetune")
    chosen = note("tuning.choice", "tiles_for", tiles)
    runs = Networks(plan.settings.config).study_runs
    label = next(
        name
        for name, run in runs.items()
        if (run.pattern is None) == dense
        and (dense or (run.pattern is not None and run.pattern.tile is None))
    )
    text = plan.settings.text(Path(plan.settings.of_run(label)).stem)
    (tmp_path / "run.json").write_text(text)
    given = read_settings(tmp_path / "run.json")
    step("study-finetune", tmp_path / "run.json", "3", "d", "schedules.json", "s.safetensors")
    call = finetune.call
    expected: dict[str, LayerPlan] = {}
    if dense:
        assert chosen.calls == []
    else:
        run, configured = given.run, given.config.pruning.patterns
        assert run.pattern is not None
        share = run.pattern.sparsity
        nearest = min(configured, key=lambda each: abs(each.sparsity - share))
        assert chosen.call["pattern"] == nearest
        # Patterns are compared, not what is fastest.
        assert chosen.call["all_layers"]
        expected = {
            name: LayerPlan(pattern=run.pattern, tile=each.tile)
            for name, each in planned(nearest).items()
        }
    # Each reading of the settings has models of its own, which lack what the job was not given.
    training = call.pop("training")
    assert training.finetune == given.config.study.training.finetune
    assert training.threads == given.config.study.training.threads
    assert call == {
        "dense": Path("d"),
        "plan": expected,
        "recipe": given.run.recipe,
        "data": given.config.study.data,
        "seed": 3,
        "output": Path("s.safetensors"),
        "metrics": Path("s.csv"),
    }


def test_settings_without_a_run_of_the_study_are_told(note: Note, settings: str) -> None:
    finetune = note("training.stages", "prune_and_finetune")
    with pytest.raises(ColonnadeError, match=r"settings\.json: has no run"):
        step("study-finetune", settings, "3", "d", "schedules.json", "s.safetensors")
    assert finetune.calls == []


def test_a_network_of_the_study_is_judged_on_its_data(
    note: Note, settings: str, given: Settings
) -> None:
    judge = note("study.evaluation", "evaluate_run")
    step("study-evaluate", settings, "s.safetensors", "top1.json")
    study = given.config.study
    assert judge.call == {
        "checkpoint": Path("s.safetensors"),
        "data": study.data,
        "training": study.training,
        "output": Path("top1.json"),
    }


def test_the_sensitivity_of_layers_is_measured_at_each_pattern_with_its_tiles(
    note: Note, settings: str, given: Settings
) -> None:
    measure = note("budget.layer_sensitivity", "write_layer_sensitivity")
    costs = note(
        "budget.plan", "Costs", lambda **_: SimpleNamespace(tiles=lambda name, _: [len(name)])
    )
    note("tuning.choice", "tiles_for", tiles)
    files = ["d.safetensors", "schedules.json", "layers.csv", "sensitivity.csv", "a.json", "b.json"]
    step("layer-sensitivity", settings, *files)
    config = given.config
    assert costs.call == {"layers": Path("layers.csv"), "options": (Path("a.json"), Path("b.json"))}
    assert measure.call == {
        "dense": Path("d.safetensors"),
        "patterns": [
            (each, {name: [len(name)] for name in _tiles(each)}) for each in config.pruning.patterns
        ],
        "data": config.data,
        "training": config.training,
        "table": Path("sensitivity.csv"),
    }
    assert len(config.pruning.patterns) > 1


def _tiles(pattern: Pattern) -> dict[str, int]:
    return {name: each.tile for name, each in planned(pattern).items()}


def test_a_budget_is_chosen_of_the_patterns_with_their_tiles(
    note: Note, settings: str, given: Settings
) -> None:
    choose = note("budget.plan", "write_budget")
    costs = note("budget.plan", "Costs")
    note("tuning.choice", "tiles_for", tiles)
    files = ["sensitivity.csv", "layers.csv", "schedules.json", "plan.json", "own.json", "a.json"]
    step("budget", settings, "1.75", *files)
    assert costs.call == {"layers": Path("layers.csv"), "options": (Path("a.json"),)}
    assert choose.call == {
        "speedup": 1.75,
        "patterns": [(each, _tiles(each)) for each in given.config.pruning.patterns],
        "sensitivity": Path("sensitivity.csv"),
        "costs": None,
        "schedules": Path("schedules.json"),
        "output": Path("plan.json"),
        "output_schedules": Path("own.json"),
    }


def test_a_network_is_pruned_as_its_budget_says(
    note: Note, settings: str, given: Settings, tmp_path: Path
) -> None:
    finetune = note("training.stages", "prune_and_finetune")
    plan = tmp_path / "plan.json"
    plan.write_text(
        '{"speedup": 1.5, "layers": {"layer3.0.conv2": {"pattern": {"n": 2, "m": 4}, "tile": 7}}}'
    )
    step("budget-prune", settings, plan, "d.safetensors", "b.safetensors")
    call, config = finetune.call, given.config
    assert call["plan"] == {
        "layer3.0.conv2": LayerPlan(pattern=Pattern(n=2, m=4, sparsity=0.5), tile=7)
    }
    assert (call["dense"], call["output"]) == (Path("d.safetensors"), Path("b.safetensors"))
    assert (call["metrics"], call["seed"]) == (Path("b.csv"), config.seed)
    assert (call["recipe"], call["training"]) == (config.pruning.recipe, config.training)


def test_a_damaged_budget_is_refused_before_anything_is_pruned(
    note: Note, settings: str, tmp_path: Path
) -> None:
    finetune = note("training.stages", "prune_and_finetune")
    plan = tmp_path / "plan.json"
    plan.write_text('{"speedup": 1.5}')
    with pytest.raises(ColonnadeError, match=r"plan\.json.*layers"):
        step("budget-prune", settings, plan, "d.safetensors", tmp_path / "b.safetensors")
    assert finetune.calls == []


def test_the_front_has_each_network_with_its_own_checkpoint(
    note: Note, settings: str, given: Settings
) -> None:
    front = note("budget.front", "write_front")
    config = given.config
    patterns, speedups = config.pruning.patterns, config.budget.speedups
    names = ["dense", *(each.label for each in patterns), *(f"budget {s:g}" for s in speedups)]
    files = [f"{index}.safetensors" for index in range(len(names))]
    costs = note("budget.plan", "Costs")
    runs = [word for index in range(len(names)) for word in ("--run", f"{index}.json")]
    options = ["--option", "a.json", "--option", "b.json"]
    step("pareto", *options, *runs, settings, "layers.csv", "pareto.csv", "pareto.svg", *files)
    call = front.call
    assert [(network.name, *both) for network, *both in call.pop("networks")] == [
        (name, Path(file), Path(file).with_suffix(".json"))
        for name, file in zip(names, files, strict=True)
    ]
    assert costs.call == {"layers": Path("layers.csv"), "options": (Path("a.json"), Path("b.json"))}
    assert call == {
        "costs": None,
        "target": config.target,
        "batch": config.throughput.batch,
        "data": config.data,
        "training": config.training,
        "allowed_drop_points": config.budget.allowed_drop_points,
        "table": Path("pareto.csv"),
        "figure": Path("pareto.svg"),
    }


RUN = ["colnm_tuned", "f16", "4", "packages/v/graph.json", "schedules.json", "images.bin", "o.json"]


def test_a_run_is_modelled_over_the_band(note: Note, settings: str, given: Settings) -> None:
    run = note("validation.over_band", "run_over_band")
    step("over-band", "--band", "x60.band.yaml", settings, *RUN)
    assert run.call == {
        "target": given.config.target,
        "package": Path("packages/v"),
        "run": BandRun("colnm_tuned", "v", "f16", 4),
        "schedules": Path("schedules.json"),
        "images": Path("images.bin"),
        "timed": given.config.throughput,
        "band": Path("x60.band.yaml"),
        "output": Path("o.json"),
    }


def test_a_run_without_a_band_is_refused(note: Note, settings: str) -> None:
    run = note("validation.over_band", "run_over_band")
    with pytest.raises(ColonnadeError, match="this target has no band of core variants"):
        step("over-band", settings, *RUN)
    assert run.calls == []


def test_the_layers_of_the_tests_are_pruned_ones(given: Settings) -> None:
    assert set(TILES) < {name for name, _ in Convolutions(given.config).pruned_layers}
