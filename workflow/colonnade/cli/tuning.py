# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Schedules of convolutions are searched: one step of the workflow each."""

import tempfile
from pathlib import Path

import click

from colonnade.cli.common import FILE, step, target_of
from colonnade.common.files import make_folder
from colonnade.models.conv_shape import ConvShape
from colonnade.workflow.convolutions import Convolutions
from colonnade.workflow.settings import read_settings


@step.command()
@click.argument("settings", type=FILE)
@click.argument("conv")
@click.argument("output", type=FILE)
def profile(settings: Path, conv: str, output: Path) -> None:
    """Run the promising candidates of the convolution CONV."""
    from colonnade.tuning.profiling import profile as tune

    given = read_settings(settings)
    shape, config = ConvShape.parse(conv), given.config
    convs = Convolutions(config)
    searches, tuning, timed = convs.searches(conv), config.profile, config.throughput
    tune(target_of(given), shape, searches, tuning, timed, convs.search_count, output)


@step.command()
@click.argument("settings", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("table", type=FILE)
@click.argument("profiles", type=FILE, nargs=-1, required=True)
def schedules(settings: Path, schedules: Path, table: Path, profiles: tuple[Path, ...]) -> None:
    """Choose the fastest candidates of PROFILES; write SCHEDULES and TABLE."""
    from colonnade.tuning.choice import collect

    given = read_settings(settings)
    layers, name = Convolutions(given.config).layers, given.config.model.name
    collect(profiles, layers, name, target_of(given), schedules, table)


@step.command()
@click.argument("settings", type=FILE)
@click.argument("core", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def retune(settings: Path, core: Path, schedules: Path, output: Path) -> None:
    """Tune SCHEDULES again for another CORE than the target's."""
    from colonnade.tuning import retune as tuning

    given = read_settings(settings)
    config, searches = given.config, Convolutions(given.config).all_searches
    target, timed = target_of(given, core), config.throughput
    tuning.retune(target, searches, schedules, config.profile, timed, output)


@step.command()
@click.argument("settings", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("environment", type=FILE)
@click.argument("listed", type=FILE)
@click.argument("output", type=FILE)
def compare(settings: Path, schedules: Path, environment: Path, listed: Path, output: Path) -> None:
    """Compare a network with the engines of ENVIRONMENT, of which LISTED says which are missing."""
    from colonnade.comparison.measure import Peers, compare_network

    given = read_settings(settings)
    config = given.config
    compare_network(
        target_of(given),
        config.model.name,
        config.comparison,
        config.throughput.image_px,
        Convolutions(config).pruned_layers,
        schedules,
        Peers.read(environment, listed),
        config.seed,
        output,
    )


@step.command("refine-compared")
@click.argument("settings", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
@click.argument("table", type=FILE)
@click.argument("profiles", type=FILE, nargs=-1, required=True)
def refine_compared(
    settings: Path, schedules: Path, output: Path, table: Path, profiles: tuple[Path, ...]
) -> None:
    """Refine SCHEDULES, chosen of PROFILES, in a network that is compared, dense and pruned."""
    from safetensors.numpy import save_file

    from colonnade.comparison.networks import random_image
    from colonnade.evaluation.refinement import TimedNetwork, refine_networks
    from colonnade.package.untrained import write_variants

    given = read_settings(settings)
    config, convs, timed = given.config, Convolutions(given.config), given.config.throughput
    patterns = config.comparison.patterns
    make_folder(output.parent)
    with tempfile.TemporaryDirectory(dir=output.parent) as name:
        folder = Path(name)
        variants = write_variants(
            folder / "networks",
            config.model.name,
            patterns,
            convs.pruned_layers,
            schedules,
            config.seed,
        )
        images = folder / "images.safetensors"
        save_file({"image": random_image(timed.batch, timed.image_px, config.seed)}, images)
        refine_networks(
            target_of(given),
            [
                TimedNetwork(variant.label, variant.package, pattern)
                for variant, pattern in zip(variants, [None, *patterns], strict=True)
            ],
            lambda pattern: convs.layers if pattern is None else convs.pruned_layers,
            schedules,
            profiles,
            images,
            timed,
            config.profile.minutes,
            output,
            table,
        )


@step.command("paper-network")
@click.argument("settings", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("output", type=FILE)
def paper_network(settings: Path, schedules: Path, output: Path) -> None:
    """Run a network of the paper, dense and pruned."""
    from colonnade.evaluation.paper_figures import run_paper_network

    given = read_settings(settings)
    config = given.config
    run_paper_network(
        target_of(given),
        config.model.name,
        config.pruning.patterns,
        config.throughput,
        Convolutions(config).pruned_layers,
        schedules,
        config.seed,
        output,
    )


@step.command("audit-tuner")
@click.argument("settings", type=FILE)
@click.argument("conv")
@click.argument("output", type=FILE)
def audit_tuner(settings: Path, conv: str, output: Path) -> None:
    """Run all candidates of the convolution CONV, and compare with what tuning finds."""
    from colonnade.tuning.audit import audit

    given = read_settings(settings)
    shape, config = ConvShape.parse(conv), given.config
    convs = Convolutions(config)
    profiled, tuning, timed = convs.audits(conv), config.profile, config.throughput
    audit(target_of(given), shape, profiled, tuning, timed, convs.search_count, output)


@step.command("tile-options")
@click.argument("settings", type=FILE)
@click.argument("conv")
@click.argument("profile", type=FILE)
@click.argument("output", type=FILE)
def tile_options(settings: Path, conv: str, profile: Path, output: Path) -> None:
    """Run smaller tiles of the pruned convolution CONV than PROFILE has."""
    from colonnade.tuning.tile_options import write_tile_options

    given = read_settings(settings)
    shape, config = ConvShape.parse(conv), given.config
    profiled, patterns = Convolutions(config).searches(conv), config.pruning.patterns
    tuning, timed = config.profile, config.throughput
    write_tile_options(target_of(given), shape, profiled, patterns, tuning, timed, profile, output)


@step.command("dense-baselines")
@click.argument("settings", type=FILE)
@click.argument("conv")
@click.argument("output", type=FILE)
def dense_baselines(settings: Path, conv: str, output: Path) -> None:
    """Run dense baselines of the convolution CONV."""
    from colonnade.evaluation.dense_baselines import run_baselines

    given = read_settings(settings)
    shape, config = ConvShape.parse(conv), given.config
    run_baselines(target_of(given), shape, config.profile.seed, config.throughput.threads, output)
