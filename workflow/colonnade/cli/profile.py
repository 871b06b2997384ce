# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tuning, and how good it is."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, cli, target_of
from colonnade.models.conv_shape import ConvShape
from colonnade.workflow.settings import read_settings
from colonnade.workflow.stages import Stages


@cli.command()
@click.argument("settings", type=FILE)
@click.argument("conv")
@click.argument("output", type=FILE)
def profile(settings: Path, conv: str, output: Path) -> None:
    """Run the promising candidates of the convolution CONV."""
    from colonnade.tuning.search import profile_conv

    given = read_settings(settings)
    shape, config = ConvShape.parse(conv), given.config
    searches = Stages(config).searches(conv)
    profile_conv(target_of(given), shape, searches, config.profile, config.throughput, output)


@cli.command()
@click.argument("settings", type=FILE)
@click.argument("schedules", type=FILE)
@click.argument("table", type=FILE)
@click.argument("profiles", type=FILE, nargs=-1, required=True)
def schedules(settings: Path, schedules: Path, table: Path, profiles: tuple[Path, ...]) -> None:
    """Choose the fastest candidates of PROFILES; write SCHEDULES and TABLE."""
    from colonnade.tuning.choice import collect

    given = read_settings(settings)
    layers, name = Stages(given.config).layers, given.config.model.name
    collect(profiles, layers, name, target_of(given), schedules, table)


@cli.command("bounds-table")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("profiles", type=FILE, nargs=-1, required=True)
def write_bounds_table(settings: Path, output: Path, profiles: tuple[Path, ...]) -> None:
    """Compare the winners of PROFILES with what the core could do."""
    from colonnade.evaluation.bounds import bounds_table

    given = read_settings(settings)
    name, threads = given.config.model.name, given.config.throughput.threads
    bounds_table(profiles, name, threads, target_of(given), output)


@cli.command("packing-table")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("profiles", type=FILE, nargs=-1, required=True)
def write_packing_table(settings: Path, output: Path, profiles: tuple[Path, ...]) -> None:
    """Compare packed and direct in PROFILES, and say what packing takes."""
    from colonnade.evaluation.packing_cost import packing_table

    given = read_settings(settings)
    packing_table(profiles, given.config.model.name, target_of(given), output)


@cli.command("audit-tuner")
@click.argument("settings", type=FILE)
@click.argument("conv")
@click.argument("output", type=FILE)
def audit_tuner(settings: Path, conv: str, output: Path) -> None:
    """Run all candidates of the convolution CONV, and compare with what tuning finds."""
    from colonnade.tuning.audit import audit_conv

    given = read_settings(settings)
    shape, config = ConvShape.parse(conv), given.config
    profiled = Stages(config).audited[conv]
    audit_conv(target_of(given), shape, profiled, config.profile, config.throughput, output)


@cli.command("tuner-quality-table")
@click.argument("settings", type=FILE)
@click.argument("output", type=FILE)
@click.argument("audits", type=FILE, nargs=-1, required=True)
def write_tuner_quality_table(settings: Path, output: Path, audits: tuple[Path, ...]) -> None:
    """Collect the audits of single convolutions."""
    from colonnade.tuning.audit import quality_table

    given = read_settings(settings)
    quality_table(audits, given.config.model.name, target_of(given), output)
