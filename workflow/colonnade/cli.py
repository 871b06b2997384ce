"""The `colonnade` command: one subcommand per rule of the workflow.

All but `toolchain` read the resolved configuration that the workflow left in results/config.json.
"""

import sys
from pathlib import Path

import click

from colonnade.container import Container, open_image, select_engine
from colonnade.conv import ConvShape
from colonnade.errors import ColonnadeError
from colonnade.stages import DENSE, TARGETS, Stages
from colonnade.targets import PLUGIN, Target

ROOT = Path()
RESULTS = Path("results")
IMAGE = RESULTS / "toolchain/image.json"
SCHEDULES = RESULTS / "schedules.json"
# Accuracy is checked on RISC-V even where time is measured on another target.
EMULATED = "x60"

FILE = click.Path(path_type=Path)


def _container() -> Container:
    return open_image(IMAGE, ROOT)


def _target(stages: Stages) -> Target:
    return Target(stages.config.target, stages.target, _container())


def _band(stages: Stages) -> Path:
    if stages.band is None:
        raise ColonnadeError(f"target {stages.config.target}: has no band of core variants")
    return stages.band


@click.group()
def cli() -> None:
    """Column-wise N:M pruning on RISC-V: the stages of the workflow."""


@cli.command()
@click.option("--engine", default="auto", show_default=True)
@click.argument("output", type=FILE)
def toolchain(engine: str, output: Path) -> None:
    """Build the toolchain container and record it in OUTPUT."""
    select_engine(engine).build(ROOT).save(output)


@cli.command()
@click.argument("part", type=click.Choice(["riscv64", "host", "timing"]))
@click.option("--log", type=FILE, required=True)
def build(part: str, log: Path) -> None:
    """Compile a PART of kernels/ in the container."""
    log.parent.mkdir(parents=True, exist_ok=True)
    (RESULTS / "build").mkdir(parents=True, exist_ok=True)
    _container().run(["sh", "kernels/build.sh", part, f"results/build/{part}"], log=log)


@cli.command()
@click.argument("conv")
@click.argument("output", type=FILE)
def profile(conv: str, output: Path) -> None:
    """Run the promising candidates of the convolution CONV."""
    from colonnade.tuning import profile_conv

    stages = Stages.load()
    shape, config = ConvShape.parse(conv), stages.config
    searches = stages.searches(conv)
    profile_conv(_target(stages), shape, searches, config.profile, config.throughput, output)


@cli.command()
@click.argument("schedules", type=FILE)
@click.argument("table", type=FILE)
@click.argument("profiles", type=FILE, nargs=-1, required=True)
def schedules(schedules: Path, table: Path, profiles: tuple[Path, ...]) -> None:
    """Choose the fastest candidates of PROFILES; write SCHEDULES and TABLE."""
    from colonnade.tuning import collect

    stages = Stages.load()
    name = stages.config.model.name
    collect(profiles, stages.layers, name, _target(stages), schedules, table)


@cli.command("audit-tuner")
@click.argument("conv")
@click.argument("output", type=FILE)
def audit_tuner(conv: str, output: Path) -> None:
    """Run all candidates of the convolution CONV, and compare with what tuning finds."""
    from colonnade.tuning import audit_conv

    stages = Stages.load()
    shape, config = ConvShape.parse(conv), stages.config
    profiled = stages.audited[conv]
    audit_conv(_target(stages), shape, profiled, config.profile, config.throughput, output)


@cli.command("tuner-quality-table")
@click.argument("output", type=FILE)
@click.argument("audits", type=FILE, nargs=-1, required=True)
def write_tuner_quality_table(output: Path, audits: tuple[Path, ...]) -> None:
    """Collect the audits of single convolutions."""
    from colonnade.tuning import quality_table

    stages = Stages.load()
    quality_table(audits, stages.config.model.name, _target(stages), output)


@cli.command()
@click.argument("output", type=FILE)
def train(output: Path) -> None:
    """Train the dense network."""
    from colonnade.training import train_dense

    config = Stages.load().config
    metrics = output.with_suffix(".csv")
    train_dense(config.model, config.data, config.training, config.seed, output, metrics)


@cli.command()
@click.argument("variant")
@click.argument("dense", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def prune(variant: str, dense: Path, schedules: Path, output: Path) -> None:
    """Mask the checkpoint DENSE with the pattern VARIANT, and fine-tune it."""
    from colonnade.pruning import uniform_plan
    from colonnade.training import prune_and_finetune
    from colonnade.tuning import tiles_for

    stages = Stages.load()
    config, pattern = stages.config, stages.pattern(variant)
    tiles = tiles_for(schedules, stages.pruned_layers, pattern.sparsity)
    prune_and_finetune(
        dense,
        uniform_plan(pattern, tiles),
        config.pruning.recipe,
        config.data,
        config.training,
        config.seed,
        output,
        output.with_suffix(".csv"),
    )


@cli.command()
@click.argument("checkpoint", type=FILE)
@click.argument("package", type=FILE)
def export(checkpoint: Path, package: Path) -> None:
    """Export CHECKPOINT as the folder PACKAGE."""
    from colonnade import package as packages

    packages.export(checkpoint, package)


@cli.command()
@click.argument("variant")
@click.argument("output", type=FILE)
def evaluate(variant: str, output: Path) -> None:
    """Top-1 of VARIANT in PyTorch and on emulated RISC-V."""
    from colonnade.accuracy import evaluate_variant
    from colonnade.config import load_target

    config = Stages.load().config
    evaluate_variant(
        Target(EMULATED, load_target(TARGETS, EMULATED), _container()),
        config.data,
        config.training,
        RESULTS / "train" / f"{variant}.safetensors",
        RESULTS / "packages" / variant,
        "colnm_dense" if variant == DENSE else "colnm_tuned",
        output,
    )


@cli.command()
@click.argument("output", type=FILE)
def images(output: Path) -> None:
    """Write random images to time networks on."""
    from colonnade.throughput import write_random_images

    config = Stages.load().config
    timed = config.throughput
    write_random_images(output, timed.batch, timed.image_px, config.seed)


@cli.command()
@click.option("--core", type=FILE, help="Core of the timing model, in the place of the target's.")
@click.argument("implementation")
@click.argument("variant")
@click.argument("output", type=FILE)
def throughput(core: Path | None, implementation: str, variant: str, output: Path) -> None:
    """Time IMPLEMENTATION of VARIANT on the target."""
    from colonnade.throughput import run_network

    stages = Stages.load()
    run_network(
        _target(stages) if core is None else _target(stages).with_core(core),
        RESULTS / "packages" / variant,
        implementation,
        SCHEDULES,
        RESULTS / "throughput/images.safetensors",
        stages.config.throughput,
        output,
    )


@cli.command("throughput-table")
@click.argument("output", type=FILE)
def write_throughput_table(output: Path) -> None:
    """Collect the runs of the whole network."""
    from colonnade.throughput import throughput_table

    stages = Stages.load()
    runs = [
        (RESULTS / "throughput" / variant / f"{run}.json", stages.pattern_columns(variant))
        for run, variant in stages.runs
    ]
    throughput_table(_target(stages), stages.config.throughput, runs, output)


@cli.command("bounds-table")
@click.argument("output", type=FILE)
@click.argument("profiles", type=FILE, nargs=-1, required=True)
def write_bounds_table(output: Path, profiles: tuple[Path, ...]) -> None:
    """Compare the winners of PROFILES with what the core could do."""
    from colonnade.bounds import bounds_table

    stages = Stages.load()
    config = stages.config
    bounds_table(profiles, config.model.name, config.throughput.threads, _target(stages), output)


@cli.command("decomposition-table")
@click.argument("output", type=FILE)
def write_decomposition_table(output: Path) -> None:
    """Collect the runs that change one thing at a time."""
    from colonnade.decomposition import decomposition_table

    stages = Stages.load()
    runs = [
        (step, RESULTS / "throughput" / step.variant / f"{step.implementation}.json")
        for step in stages.steps
    ]
    decomposition_table(_target(stages), runs, output)


@cli.command("accuracy-table")
@click.argument("output", type=FILE)
def write_accuracy_table(output: Path) -> None:
    """Collect top-1 of every variant."""
    from colonnade.accuracy import accuracy_table

    stages = Stages.load()
    reports = [
        (
            RESULTS / "accuracy" / f"{variant}.json",
            {"method": stages.method(variant), **stages.pattern_columns(variant)},
        )
        for variant in stages.variants
    ]
    accuracy_table(stages.config.model.name, stages.config.data.name, reports, output)


@cli.command("layer-sensitivity")
@click.argument("dense", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def layer_sensitivity(dense: Path, schedules: Path, output: Path) -> None:
    """Measure how much each layer of DENSE minds each pattern."""
    from colonnade.budget import write_layer_sensitivity

    stages = Stages.load()
    config, patterns = stages.config, stages.patterns_with_tiles(schedules)
    write_layer_sensitivity(dense, patterns, config.data, config.training, output)


@cli.command()
@click.argument("speedup", type=float)
@click.argument("sensitivity", type=FILE)
@click.argument("layers", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def budget(speedup: float, sensitivity: Path, layers: Path, schedules: Path, output: Path) -> None:
    """Choose a pattern for every layer so that the convolutions are SPEEDUP times faster."""
    from colonnade.budget import write_budget

    patterns = Stages.load().patterns_with_tiles(schedules)
    write_budget(speedup, patterns, sensitivity, layers, output)


@cli.command("budget-prune")
@click.argument("plan", type=FILE)
@click.argument("dense", type=FILE)
@click.argument("output", type=FILE)
def budget_prune(plan: Path, dense: Path, output: Path) -> None:
    """Mask DENSE as PLAN says, and fine-tune it."""
    from colonnade.budget import read_budget
    from colonnade.training import prune_and_finetune

    config = Stages.load().config
    prune_and_finetune(
        dense,
        read_budget(plan).layers,
        config.pruning.recipe,
        config.data,
        config.training,
        config.seed,
        output,
        output.with_suffix(".csv"),
    )


@cli.command()
@click.argument("layers", type=FILE)
@click.argument("table", type=FILE)
@click.argument("figure", type=FILE)
def pareto(layers: Path, table: Path, figure: Path) -> None:
    """Compare per-layer and uniform patterns."""
    from colonnade.budget import write_front

    stages = Stages.load()
    config = stages.config
    allowed = config.budget.allowed_drop_points
    write_front(stages.front, layers, config.data, config.training, allowed, table, figure)


@cli.command("study-start")
@click.argument("seed", type=int)
@click.argument("output", type=FILE)
def study_start(seed: int, output: Path) -> None:
    """Train the dense network from which all runs of the study with SEED start."""
    from colonnade.models import ModelConfig
    from colonnade.training import train_dense

    config = Stages.load().config
    model, study = ModelConfig(name=config.model.name), config.study
    train_dense(model, study.data, study.training, seed, output, output.with_suffix(".csv"))


@cli.command("study-finetune")
@click.argument("run")
@click.argument("seed", type=int)
@click.argument("dense", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def study_finetune(run: str, seed: int, dense: Path, schedules: Path, output: Path) -> None:
    """Prune and fine-tune DENSE as RUN of the study says."""
    from colonnade.training import prune_and_finetune
    from colonnade.tuning import tiles_for

    stages = Stages.load()
    study, chosen = stages.config.study, stages.study_runs[run]
    sparsity = 0.0 if chosen.pattern is None else stages.profiled(chosen.pattern.sparsity)
    plan = chosen.plan(tiles_for(schedules, stages.pruned_layers, sparsity))
    metrics = output.with_suffix(".csv")
    prune_and_finetune(
        dense, plan, chosen.recipe, study.data, study.training, seed, output, metrics
    )


@cli.command("study-evaluate")
@click.argument("checkpoint", type=FILE)
@click.argument("output", type=FILE)
def study_evaluate(checkpoint: Path, output: Path) -> None:
    """Top-1 of a network of the study on the validation and the test split."""
    from colonnade.study import evaluate_run

    evaluate_run(checkpoint, Stages.load().config.study, output)


@cli.command("study-table")
@click.argument("table", type=FILE)
@click.argument("summary", type=FILE)
@click.argument("figure", type=FILE)
def study_table(table: Path, summary: Path, figure: Path) -> None:
    """Collect the study's networks."""
    from colonnade.study import write_study

    write_study(Stages.load().study_networks, table, summary, figure)


@cli.command()
@click.argument("output", type=FILE)
def validation(output: Path) -> None:
    """Compare the timing model with published measurements."""
    from colonnade.validation import TimingModel, write_validation

    work = RESULTS / "build/validation"
    work.mkdir(parents=True, exist_ok=True)
    write_validation(TimingModel(_container(), RESULTS / "build/timing" / PLUGIN, work), output)


@cli.command("core-variant")
@click.argument("core")
@click.argument("output", type=FILE)
def core_variant(core: str, output: Path) -> None:
    """Describe a CORE of the band of what is not known of the target's core."""
    from colonnade.validation.sensitivity import write_core_variant

    write_core_variant(_band(Stages.load()), core, output)


@cli.command("model-sensitivity")
@click.argument("table", type=FILE)
@click.argument("text", type=FILE)
def model_sensitivity(table: Path, text: Path) -> None:
    """Say which conclusions hold with every core of the band."""
    from colonnade.validation.sensitivity import (
        read_band,
        read_reports,
        run_name,
        write_sensitivity,
    )

    stages = Stages.load()
    folders = (RESULTS / "throughput", RESULTS / "sensitivity")
    reports = read_reports(*folders, stages.runs, read_band(_band(stages)))
    write_sensitivity(reports, run_name(*stages.runs[0]), table, text)


@cli.command()
@click.argument("output", type=FILE)
def claims(output: Path) -> None:
    """Judge the claims from the tables."""
    from colonnade.claims import write_claims

    sizes = {
        variant: sum(file.stat().st_size for file in (RESULTS / "packages" / variant).iterdir())
        for variant in Stages.load().variants
    }
    write_claims(RESULTS / "tables", sizes, output)


@cli.command()
@click.argument("output", type=FILE)
def provenance(output: Path) -> None:
    """Record where the numbers come from."""
    from colonnade.provenance import write_provenance

    write_provenance(Stages.load().config, IMAGE, output)


@cli.command()
@click.argument("output", type=FILE)
def report(output: Path) -> None:
    """Render the report."""
    from colonnade.report import write_report

    write_report(RESULTS, Stages.load().runs, output)


@cli.command()
@click.argument("output", type=FILE)
def regression(output: Path) -> None:
    """Compare modelled cycles with results/baseline."""
    from colonnade.regression import compare

    allowed = Stages.load().config.nightly.allowed_slowdown_percent
    table, baseline = RESULTS / "tables/throughput.csv", RESULTS / "baseline/throughput.csv"
    compare(table, baseline, allowed, output)


def main() -> None:
    """Run the command; a ColonnadeError is one message on stderr and exit code 2."""
    try:
        cli(standalone_mode=False)
    except ColonnadeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
