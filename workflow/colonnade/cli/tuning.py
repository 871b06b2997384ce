# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Schedules of convolutions are searched: one step of the workflow each."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, step, target_of
from colonnade.models.conv_shape import ConvShape
from colonnade.workflow.convolutions import Convolutions
from colonnade.workflow.settings import read_settings


@step.command()
@click.argument("settings", type=FILE)
@click.argument("conv")
@click.argument("output", type=FILE)
def profile(settings: Path, conv: str, output: Path) -> None:
    """Run the promising candidates of the convolution CONV."""
    from colonnade.tuning.search import profile_conv

    given = read_settings(settings)
    shape, config = ConvShape.parse(conv), given.config
    searches = Convolutions(config).searches(conv)
    profile_conv(target_of(given), shape, searches, config.profile, config.throughput, output)


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


@step.command("audit-tuner")
@click.argument("settings", type=FILE)
@click.argument("conv")
@click.argument("output", type=FILE)
def audit_tuner(settings: Path, conv: str, output: Path) -> None:
    """Run all candidates of the convolution CONV, and compare with what tuning finds."""
    from colonnade.tuning.audit import audit_conv

    given = read_settings(settings)
    shape, config = ConvShape.parse(conv), given.config
    profiled = Convolutions(config).audits(conv)
    audit_conv(target_of(given), shape, profiled, config.profile, config.throughput, output)


@step.command("dense-baselines")
@click.argument("settings", type=FILE)
@click.argument("conv")
@click.argument("output", type=FILE)
def dense_baselines(settings: Path, conv: str, output: Path) -> None:
    """Run dense baselines of the convolution CONV."""
    from colonnade.evaluation.dense_baselines import run_baselines

    given = read_settings(settings)
    shape, config = ConvShape.parse(conv), given.config
    run_baselines(target_of(given), shape, config.throughput.threads, config.profile.seed, output)
