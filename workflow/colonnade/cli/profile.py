"""Tuning, and how good it is."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, cli, target_of
from colonnade.conv import ConvShape
from colonnade.stages import Stages


@cli.command()
@click.argument("conv")
@click.argument("output", type=FILE)
def profile(conv: str, output: Path) -> None:
    """Run the promising candidates of the convolution CONV."""
    from colonnade.tuning.search import profile_conv

    stages = Stages.load()
    shape, config = ConvShape.parse(conv), stages.config
    searches = stages.searches(conv)
    profile_conv(target_of(stages), shape, searches, config.profile, config.throughput, output)


@cli.command()
@click.argument("schedules", type=FILE)
@click.argument("table", type=FILE)
@click.argument("profiles", type=FILE, nargs=-1, required=True)
def schedules(schedules: Path, table: Path, profiles: tuple[Path, ...]) -> None:
    """Choose the fastest candidates of PROFILES; write SCHEDULES and TABLE."""
    from colonnade.tuning.choice import collect

    stages = Stages.load()
    name = stages.config.model.name
    collect(profiles, stages.layers, name, target_of(stages), schedules, table)


@cli.command("bounds-table")
@click.argument("output", type=FILE)
@click.argument("profiles", type=FILE, nargs=-1, required=True)
def write_bounds_table(output: Path, profiles: tuple[Path, ...]) -> None:
    """Compare the winners of PROFILES with what the core could do."""
    from colonnade.bounds import bounds_table

    stages = Stages.load()
    config = stages.config
    bounds_table(profiles, config.model.name, config.throughput.threads, target_of(stages), output)


@cli.command("packing-table")
@click.argument("output", type=FILE)
@click.argument("profiles", type=FILE, nargs=-1, required=True)
def write_packing_table(output: Path, profiles: tuple[Path, ...]) -> None:
    """Compare packed and direct in PROFILES, and say what packing takes."""
    from colonnade.packing_cost import packing_table

    stages = Stages.load()
    packing_table(profiles, stages.config.model.name, target_of(stages), output)


@cli.command("audit-tuner")
@click.argument("conv")
@click.argument("output", type=FILE)
def audit_tuner(conv: str, output: Path) -> None:
    """Run all candidates of the convolution CONV, and compare with what tuning finds."""
    from colonnade.tuning.audit import audit_conv

    stages = Stages.load()
    shape, config = ConvShape.parse(conv), stages.config
    profiled = stages.audited[conv]
    audit_conv(target_of(stages), shape, profiled, config.profile, config.throughput, output)


@cli.command("tuner-quality-table")
@click.argument("output", type=FILE)
@click.argument("audits", type=FILE, nargs=-1, required=True)
def write_tuner_quality_table(output: Path, audits: tuple[Path, ...]) -> None:
    """Collect the audits of single convolutions."""
    from colonnade.tuning.audit import quality_table

    stages = Stages.load()
    quality_table(audits, stages.config.model.name, target_of(stages), output)
