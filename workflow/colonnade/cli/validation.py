# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How far the timing model can be trusted."""

from pathlib import Path

import click

from colonnade.cli.common import BUILD, FILE, cli, container
from colonnade.common.errors import ColonnadeError
from colonnade.targets.target import PLUGIN
from colonnade.workflow.settings import read_settings
from colonnade.workflow.stages import Stages


@cli.command()
@click.argument("output", type=FILE)
def validation(output: Path) -> None:
    """Compare the timing model with published measurements."""
    from colonnade.validation import TimingModel
    from colonnade.validation.compare import write_validation

    work = BUILD / "validation"
    work.mkdir(parents=True, exist_ok=True)
    write_validation(TimingModel(container(), BUILD / "timing" / PLUGIN, work), output)


def _needed(band: Path | None) -> Path:
    """The band, for commands that cannot do without.

    Raises:
        ColonnadeError: the target has none.
    """
    if band is None:
        raise ColonnadeError(
            "this target has no band of core variants: only an emulated one whose core is in"
            " kernels/timing/bands has"
        )
    return band


@cli.command("core-variant")
@click.option(
    "--band", type=FILE, help="What is not known of the target's core, where it has a band."
)
@click.argument("core")
@click.argument("output", type=FILE)
def core_variant(band: Path | None, core: str, output: Path) -> None:
    """Describe the CORE of the band: what is not known of the target's."""
    from colonnade.validation.band import write_core_variant

    write_core_variant(_needed(band), core, output)


@cli.command("model-sensitivity")
@click.option(
    "--band", type=FILE, help="What is not known of the target's core, where it has a band."
)
@click.argument("settings", type=FILE)
@click.argument("table", type=FILE)
@click.argument("text", type=FILE)
@click.argument("reports", type=FILE, nargs=-1, required=True)
def model_sensitivity(
    band: Path | None, settings: Path, table: Path, text: Path, reports: tuple[Path, ...]
) -> None:
    """Say which conclusions hold with every core of the band, from REPORTS of all runs on each."""
    from colonnade.validation.band import read_band
    from colonnade.validation.sensitivity import read_reports, run_name, write_sensitivity

    runs = Stages(read_settings(settings).config).runs
    found = read_reports(reports, runs, read_band(_needed(band)))
    write_sensitivity(found, run_name(*runs[0]), table, text)
