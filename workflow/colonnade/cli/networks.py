# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks are trained, pruned, exported, judged and timed: one step of the workflow each."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, named_target, needed_band, paired, step, target_of
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file
from colonnade.config.pruning import Pattern
from colonnade.config.schema import Config
from colonnade.pruning.plan import Plan
from colonnade.targets.implementations import known_implementation
from colonnade.workflow.convolutions import Convolutions
from colonnade.workflow.networks import DENSE, Networks
from colonnade.workflow.settings import Settings, read_settings


@step.command()
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
def train(settings: Path, output: Path) -> None:
    """Train the dense network."""
    from colonnade.training.stages import train_dense

    config = read_settings(settings).config
    metrics = output.with_suffix(".csv")
    train_dense(config.model, config.data, config.training, config.seed, output, metrics)


@step.command()
@click.argument("settings", type=FILE)
@click.argument("variant")
@click.argument("dense", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def prune(settings: Path, variant: str, dense: Path, schedules: Path, output: Path) -> None:
    """Mask the checkpoint DENSE with the pattern VARIANT, and fine-tune it."""
    from colonnade.pruning.plan import uniform_plan
    from colonnade.tuning.choice import tiles_for

    given = read_settings(settings)
    pattern = Networks(given.config).pattern(variant)
    convolutions = Convolutions(given.config)
    tiles = convolutions.tiles(tiles_for(schedules, convolutions.pruned_layers, pattern))
    _finetune(given, dense, uniform_plan(pattern, tiles), output)


@step.command()
@click.argument("checkpoint", type=FILE)
@click.argument("package", type=FILE)
def export(checkpoint: Path, package: Path) -> None:
    """Export CHECKPOINT as the folder PACKAGE."""
    from colonnade.package.export import export_package

    export_package(checkpoint, package)


@step.command()
@click.argument("settings", type=FILE)
@click.argument("variant")
@click.argument("checkpoint", type=FILE)
@click.argument("graph", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def evaluate(
    settings: Path, variant: str, checkpoint: Path, graph: Path, schedules: Path, output: Path
) -> None:
    """Top-1 of VARIANT: its CHECKPOINT in PyTorch, its package with GRAPH on emulated RISC-V.

    There it runs with SCHEDULES.
    """
    from colonnade.evaluation.top1 import evaluate_variant

    given = read_settings(settings)
    evaluate_variant(
        target_of(given),
        given.config.data,
        given.config.training,
        given.config.accuracy,
        checkpoint,
        graph.parent,
        "colnm_dense" if variant == DENSE else "colnm_tuned",
        schedules,
        output,
        sha256_file(settings),
    )


@step.command()
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
def images(settings: Path, output: Path) -> None:
    """Write random images to time networks on."""
    from colonnade.evaluation.throughput import write_random_images

    config = read_settings(settings).config
    timed = config.throughput
    write_random_images(output, timed.batch, timed.image_px, config.seed)


@step.command()
@click.option("--graph", "graphs", type=FILE, multiple=True, required=True, help="Of a package.")
@click.argument("settings", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("images", type=FILE)
@click.argument("output", type=FILE)
@click.argument("table", type=FILE)
@click.argument("profiles", type=FILE, nargs=-1, required=True)
def refine(
    graphs: tuple[Path, ...],
    settings: Path,
    schedules: Path,
    images: Path,
    output: Path,
    table: Path,
    profiles: tuple[Path, ...],
) -> None:
    """Refine SCHEDULES, chosen of PROFILES, in packages with these graphs, the dense one first."""
    from colonnade.evaluation.refinement import TimedNetwork, refine_networks

    given = read_settings(settings)
    networks, convs = Networks(given.config), Convolutions(given.config)
    timed = [
        TimedNetwork(label, graph.parent, None if label == DENSE else networks.pattern(label))
        for label, graph in paired(networks.variants, graphs)
    ]
    refine_networks(
        target_of(given),
        timed,
        lambda pattern: convs.layers if pattern is None else convs.pruned_layers,
        schedules,
        profiles,
        images,
        given.config.throughput,
        given.config.profile.minutes,
        output,
        table,
    )


@step.command()
@click.option("--target", "other", help="Another target of config/targets than the configured one.")
@click.option("--core", type=FILE, help="Another core's description than the target's.")
@click.argument("settings", type=FILE)
@click.argument("implementation")
@click.argument("graph", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("images", type=FILE)
@click.argument("output", type=FILE)
def throughput(
    other: str | None,
    core: Path | None,
    settings: Path,
    implementation: str,
    graph: Path,
    schedules: Path,
    images: Path,
    output: Path,
) -> None:
    """Time IMPLEMENTATION of the package with GRAPH on the target."""
    from colonnade.evaluation.throughput import run_network

    if other is not None and core is not None:
        raise ColonnadeError(f"--target {other} --core {core}: allowed: one of the two")
    known_implementation(implementation, "IMPLEMENTATION")
    given = read_settings(settings)
    target = target_of(given, core) if other is None else named_target(other)
    timed = given.config.throughput
    run_network(target, graph.parent, implementation, schedules, images, timed, output)


@step.command("study-start")
@click.argument("settings", type=FILE)
@click.argument("seed", type=int)
@click.argument("output", type=FILE)
def study_start(settings: Path, seed: int, output: Path) -> None:
    """Train the dense network from which all runs of the study with SEED start."""
    from colonnade.config.model import ModelConfig
    from colonnade.training.stages import train_dense

    config = read_settings(settings).config
    model, study = ModelConfig(name=config.model.name), config.study
    train_dense(model, study.data, study.training, seed, output, output.with_suffix(".csv"))


@step.command("study-finetune")
@click.argument("settings", type=FILE)
@click.argument("seed", type=int)
@click.argument("dense", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def study_finetune(settings: Path, seed: int, dense: Path, schedules: Path, output: Path) -> None:
    """Prune and fine-tune DENSE as the run of the study says that SETTINGS describe."""
    from colonnade.training.stages import prune_and_finetune
    from colonnade.tuning.choice import tiles_for

    given = read_settings(settings)
    convolutions, study, run = Convolutions(given.config), given.config.study, given.run
    tiles = {}
    if run.pattern is not None:
        pattern = convolutions.profiled(run.pattern)
        tiles = tiles_for(schedules, convolutions.pruned_layers, pattern, all_layers=True)
    plan = run.plan(tiles)
    metrics = output.with_suffix(".csv")
    prune_and_finetune(dense, plan, run.recipe, study.data, study.training, seed, output, metrics)


@step.command("study-evaluate")
@click.argument("settings", type=FILE)
@click.argument("checkpoint", type=FILE)
@click.argument("output", type=FILE)
def study_evaluate(settings: Path, checkpoint: Path, output: Path) -> None:
    """Top-1 of a network of the study on the validation and the test split."""
    from colonnade.study.evaluation import evaluate_run

    study = read_settings(settings).config.study
    evaluate_run(checkpoint, study.data, study.training, output)


@step.command("layer-sensitivity")
@click.argument("settings", type=FILE)
@click.argument("dense", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("layers", type=FILE)
@click.argument("output", type=FILE)
@click.argument("options", type=FILE, nargs=-1, required=True)
def layer_sensitivity(
    settings: Path,
    dense: Path,
    schedules: Path,
    layers: Path,
    output: Path,
    options: tuple[Path, ...],
) -> None:
    """Measure how much each layer of DENSE minds each pattern, in each tile of OPTIONS."""
    from colonnade.budget.layer_sensitivity import write_layer_sensitivity
    from colonnade.budget.plan import Costs

    config, costs = read_settings(settings).config, Costs(layers, options)
    patterns = [
        (pattern, {name: costs.tiles(name, pattern) for name in tiles})
        for pattern, tiles in _patterns_with_tiles(config, schedules)
    ]
    write_layer_sensitivity(dense, patterns, config.data, config.training, output)


@step.command()
@click.argument("settings", type=FILE)
@click.argument("speedup", type=float)
@click.argument("sensitivity", type=FILE)
@click.argument("layers", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
@click.argument("output_schedules", type=FILE)
@click.argument("options", type=FILE, nargs=-1, required=True)
def budget(
    settings: Path,
    speedup: float,
    sensitivity: Path,
    layers: Path,
    schedules: Path,
    output: Path,
    output_schedules: Path,
    options: tuple[Path, ...],
) -> None:
    """Choose pattern and tile of every layer so that the convolutions are SPEEDUP times faster."""
    from colonnade.budget.plan import Costs, write_budget

    patterns = _patterns_with_tiles(read_settings(settings).config, schedules)
    costs = Costs(layers, options)
    write_budget(speedup, patterns, sensitivity, costs, schedules, output, output_schedules)


@step.command("budget-prune")
@click.argument("settings", type=FILE)
@click.argument("plan", type=FILE)
@click.argument("dense", type=FILE)
@click.argument("output", type=FILE)
def budget_prune(settings: Path, plan: Path, dense: Path, output: Path) -> None:
    """Mask DENSE as PLAN says, and fine-tune it."""
    from colonnade.budget.plan import read_budget

    _finetune(read_settings(settings), dense, read_budget(plan).layers, output)


@step.command()
@click.option("--option", "options", type=FILE, multiple=True, help="Tiles of a convolution.")
@click.option("--run", "runs", type=FILE, multiple=True, help="Of a network, in their order.")
@click.argument("settings", type=FILE)
@click.argument("layers", type=FILE)
@click.argument("table", type=FILE)
@click.argument("figure", type=FILE)
@click.argument("checkpoints", type=FILE, nargs=-1, required=True)
def pareto(
    options: tuple[Path, ...],
    runs: tuple[Path, ...],
    settings: Path,
    layers: Path,
    table: Path,
    figure: Path,
    checkpoints: tuple[Path, ...],
) -> None:
    """Compare per-layer and uniform patterns: CHECKPOINTS, the dense one first, then the uniform."""
    from colonnade.budget.front import write_front
    from colonnade.budget.plan import Costs

    given = read_settings(settings)
    config = given.config
    networks = [
        (network, checkpoint, run)
        for (network, checkpoint), run in paired(paired(Networks(config).front, checkpoints), runs)
    ]
    write_front(
        networks,
        Costs(layers, options),
        target_of(given),
        config.throughput.batch,
        config.data,
        config.training,
        config.budget.allowed_drop_points,
        table,
        figure,
    )


@step.command("over-band")
@click.option(
    "--band", type=FILE, help="What is not known of the target's core, where it has a band."
)
@click.argument("settings", type=FILE)
@click.argument("implementation")
@click.argument("dtype")
@click.argument("threads", type=int)
@click.argument("graph", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("images", type=FILE)
@click.argument("output", type=FILE)
def over_band(
    band: Path | None,
    settings: Path,
    implementation: str,
    dtype: str,
    threads: int,
    graph: Path,
    schedules: Path,
    images: Path,
    output: Path,
) -> None:
    """Model one run of the package with GRAPH on the target's core and on all cores of the band."""
    from colonnade.evaluation.runs import BandRun
    from colonnade.validation.over_band import run_over_band

    known_implementation(implementation, "IMPLEMENTATION")
    given = read_settings(settings)
    cores, timed, package = needed_band(band), given.config.throughput, graph.parent
    run = BandRun(implementation, package.name, dtype, threads)
    run_over_band(target_of(given), package, run, schedules, images, timed, cores, output)


@step.command("band-core")
@click.argument("band", type=FILE)
@click.argument("name")
@click.argument("output", type=FILE)
def band_core(band: Path, name: str, output: Path) -> None:
    """Describe the core NAME of BAND."""
    from colonnade.validation.band import write_core

    write_core(band, name, output)


def _patterns_with_tiles(config: Config, schedules: Path) -> list[tuple[Pattern, dict[str, int]]]:
    """Each pattern, with the tiles that profiling chose for the pruned layers at it."""
    from colonnade.tuning.choice import tiles_for

    layers = Convolutions(config).pruned_layers
    return [(pattern, tiles_for(schedules, layers, pattern)) for pattern in config.pruning.patterns]


def _finetune(settings: Settings, dense: Path, plan: Plan, output: Path) -> None:
    """Mask the checkpoint `dense` by `plan` and fine-tune it as configured; metrics lie beside it."""
    from colonnade.training.stages import prune_and_finetune

    config = settings.config
    prune_and_finetune(
        dense,
        plan,
        config.pruning.recipe,
        config.data,
        config.training,
        config.seed,
        output,
        output.with_suffix(".csv"),
    )
