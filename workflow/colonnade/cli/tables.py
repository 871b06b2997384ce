# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tables of the results contract, each collected from what was run: `colonnade table NAME`."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, cli, container, named_target, paired, table, target_of
from colonnade.common.paths import BUILD, TIMING_MODEL
from colonnade.workflow.networks import Networks
from colonnade.workflow.settings import read_settings


@table.command("throughput")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def throughput(settings: Path, output: Path, reports: tuple[Path, ...]) -> None:
    """Collect the REPORTS of all runs of the whole network."""
    from colonnade.evaluation.tables import throughput_table

    given = read_settings(settings)
    networks = Networks(given.config)
    target = target_of(given)
    runs = [
        (target, report, networks.pattern_columns(variant))
        for (_, variant), report in paired(networks.runs, reports)
    ]
    throughput_table(given.config.throughput, runs, output)


@table.command("throughput_cores")
@click.option("--target", "others", multiple=True, help="Another target; its reports follow.")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def throughput_cores(
    others: tuple[str, ...], settings: Path, output: Path, reports: tuple[Path, ...]
) -> None:
    """Collect the REPORTS of the same runs on the configured target, then on each other one."""
    from colonnade.evaluation.tables import throughput_table

    given = read_settings(settings)
    networks = Networks(given.config)
    targets = [target_of(given), *map(named_target, others)]
    wanted = [(target, variant) for target in targets for _, variant in networks.core_runs]
    runs = [
        (target, report, networks.pattern_columns(variant))
        for (target, variant), report in paired(wanted, reports)
    ]
    throughput_table(given.config.throughput, runs, output)


@table.command("sensitivity_retuned")
@click.option("--core", "cores", multiple=True, help="A core of the band; its reports follow.")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("band", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def sensitivity_retuned(
    cores: tuple[str, ...], settings: Path, output: Path, band: Path, reports: tuple[Path, ...]
) -> None:
    """Collect REPORTS of runs by schedules tuned for some cores, beside those of BAND."""
    from colonnade.evaluation.tables import retuned_table

    networks = Networks(read_settings(settings).config)
    wanted = [(core, variant) for core in cores for _, variant in networks.retuned_runs]
    runs = [
        (core, report, networks.pattern_columns(variant))
        for (core, variant), report in paired(wanted, reports)
    ]
    retuned_table(runs, band, output)


@table.command("paper")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("runs", type=FILE, nargs=-1, required=True)
def paper(settings: Path, output: Path, runs: tuple[Path, ...]) -> None:
    """Collect the RUNS of the paper's networks."""
    from colonnade.evaluation.paper_table import paper_table

    given = read_settings(settings)
    paper_table(target_of(given), given.config.throughput, runs, output)


@table.command("comparison")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("measured", type=FILE, nargs=-1, required=True)
def comparison(settings: Path, output: Path, measured: tuple[Path, ...]) -> None:
    """Collect what was MEASURED of every network that was compared, and print it."""
    from colonnade.comparison.table import comparison_table, printed

    networks = read_settings(settings).config.comparison.networks
    comparison_table([path for _, path in paired(networks, measured)], output)
    click.echo(printed(output))


@table.command("accuracy")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def accuracy(settings: Path, output: Path, reports: tuple[Path, ...]) -> None:
    """Collect top-1 of every variant from its REPORTS."""
    from colonnade.evaluation.tables import accuracy_table

    networks = Networks(read_settings(settings).config)
    rows = [
        (report, {"method": networks.method(variant), **networks.pattern_columns(variant)})
        for variant, report in paired(networks.variants, reports)
    ]
    accuracy_table(networks.config.model.name, networks.config.data.name, rows, output)


@table.command("packages")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("graphs", type=FILE, nargs=-1, required=True)
def packages(settings: Path, output: Path, graphs: tuple[Path, ...]) -> None:
    """Tell the size of every package, from their GRAPHS and the weights beside them."""
    from colonnade.evaluation.tables import packages_table
    from colonnade.package.archive import WEIGHTS

    networks = Networks(read_settings(settings).config)
    found = [
        (variant, (graph, graph.with_name(WEIGHTS)), networks.pattern_columns(variant))
        for variant, graph in paired(networks.variants, graphs)
    ]
    packages_table(found, output)


@table.command("decomposition")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def decomposition(settings: Path, output: Path, reports: tuple[Path, ...]) -> None:
    """Collect the REPORTS of the runs that change one thing at a time."""
    from colonnade.evaluation.tables import decomposition_table

    given = read_settings(settings)
    steps = paired(Networks(given.config).steps, reports)
    decomposition_table(target_of(given), steps, output)


@table.command("bounds")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("profiles", type=FILE, nargs=-1, required=True)
def bounds(settings: Path, output: Path, profiles: tuple[Path, ...]) -> None:
    """Compare the winners of PROFILES with what the core could do."""
    from colonnade.evaluation.bounds import bounds_table

    given = read_settings(settings)
    name, threads = given.config.model.name, given.config.throughput.threads
    bounds_table(profiles, name, threads, target_of(given), output)


@table.command("packing")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("profiles", type=FILE, nargs=-1, required=True)
def packing(settings: Path, output: Path, profiles: tuple[Path, ...]) -> None:
    """Compare packed and direct in PROFILES, and say what packing takes."""
    from colonnade.evaluation.packing_cost import packing_table

    given = read_settings(settings)
    packing_table(profiles, given.config.model.name, target_of(given), output)


@table.command("dense_baselines")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("files", type=FILE, nargs=-1, required=True)
def dense_baselines(settings: Path, output: Path, files: tuple[Path, ...]) -> None:
    """Compare dense ways to compute convolutions: FILES are their profiles, then as many baselines."""
    from colonnade.evaluation.dense_baselines import baselines_table
    from colonnade.workflow.convolutions import Convolutions

    given = read_settings(settings)
    half = len(files) // 2
    layers, name = Convolutions(given.config).layers, given.config.model.name
    baselines_table(files[:half], files[half:], layers, name, target_of(given), output)


@table.command("tuner_quality")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("audits", type=FILE, nargs=-1, required=True)
def tuner_quality(settings: Path, output: Path, audits: tuple[Path, ...]) -> None:
    """Collect the audits of single convolutions."""
    from colonnade.tuning.audit import quality_table

    given = read_settings(settings)
    quality_table(audits, given.config.model.name, target_of(given), output)


@table.command("study")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("summary", type=FILE)
@click.argument("figure", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def study(
    settings: Path, output: Path, summary: Path, figure: Path, reports: tuple[Path, ...]
) -> None:
    """Collect the REPORTS of the study's networks, run by run."""
    from colonnade.study.results import write_study
    from colonnade.study.runs import Evaluated

    config = read_settings(settings).config
    networks = Networks(config).study
    names = [f"{run.label}/{seed}.json" for run, seed in networks]
    evaluated = [
        Evaluated(run, seed, report) for (run, seed), report in paired(networks, reports, names)
    ]
    write_study(evaluated, config.study.control_drop_points, output, summary, figure)


@table.command("tile_curve")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("figure", type=FILE)
@click.argument("summary", type=FILE)
@click.argument("layers", type=FILE)
def tile_curve(settings: Path, output: Path, figure: Path, summary: Path, layers: Path) -> None:
    """Put the times of LAYERS beside the column-wise runs of the study's SUMMARY."""
    from colonnade.study.tile_curve import write_tile_curve
    from colonnade.workflow.convolutions import Convolutions

    config = read_settings(settings).config
    runs = list(Networks(config).study_runs.values())
    pruned = [name for name, _ in Convolutions(config).pruned_layers]
    write_tile_curve(runs, pruned, summary, layers, output, figure)


@table.command("recipe_search")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("start", type=FILE)
@click.argument("metrics", type=FILE, nargs=-1, required=True)
def recipe_search(settings: Path, output: Path, start: Path, metrics: tuple[Path, ...]) -> None:
    """Compare candidates by their METRICS, of the control and of the pruned network of each."""
    from colonnade.study.search import Tried, write_search

    searched = read_settings(settings).config.study
    names = [f"{name}/{kind}.csv" for name in searched.candidates for kind in Tried._fields]
    files = paired(names, metrics, names)
    controls, pruned = ([file for _, file in files[first::2]] for first in (0, 1))
    tried = [Tried(*pair) for pair in zip(controls, pruned, strict=True)]
    allowed = searched.control_drop_points
    write_search(searched.candidates, searched.recipe_sparsity, allowed, start, tried, output)


@table.command("validation")
@click.argument("output", type=FILE)
def validation(output: Path) -> None:
    """Compare the timing model with published measurements."""
    from colonnade.validation import TimingModel
    from colonnade.validation.compare import write_validation

    work = BUILD / "validation"
    work.mkdir(parents=True, exist_ok=True)
    write_validation(TimingModel(container(), TIMING_MODEL, work), output)


@cli.command("fit-core")
@click.argument("fit", type=FILE)
@click.argument("output", type=FILE)
def fit_core(fit: Path, output: Path) -> None:
    """Fit the parameters of a core that FIT names to published measurements; write what was found."""
    from colonnade.validation import TimingModel
    from colonnade.validation import fit as fitting

    work = BUILD / "fit"
    work.mkdir(parents=True, exist_ok=True)
    fitting.fit_core(TimingModel(container(), TIMING_MODEL, work), fit, output)


@table.command("sensitivity")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("band", type=FILE)
@click.argument("text", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def sensitivity(
    settings: Path, output: Path, band: Path, text: Path, reports: tuple[Path, ...]
) -> None:
    """Range values over a band of cores, from REPORTS of all runs on it; write the runs to BAND."""
    from colonnade.evaluation.tables import band_table
    from colonnade.validation.sensitivity import read_reports, write_sensitivity

    given = read_settings(settings)
    networks = Networks(given.config)
    found = read_reports(paired(networks.band_runs, reports))
    write_sensitivity(found, output, text)
    runs = [(report, networks.pattern_columns(run.variant)) for run, report in found.items()]
    band_table(target_of(given), given.config.throughput, runs, band)
