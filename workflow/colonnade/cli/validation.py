"""How far the timing model can be trusted."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, RESULTS, band_of, cli, container
from colonnade.stages import Stages
from colonnade.targets import PLUGIN


@cli.command()
@click.argument("output", type=FILE)
def validation(output: Path) -> None:
    """Compare the timing model with published measurements."""
    from colonnade.validation import TimingModel
    from colonnade.validation.compare import write_validation

    work = RESULTS / "build/validation"
    work.mkdir(parents=True, exist_ok=True)
    write_validation(TimingModel(container(), RESULTS / "build/timing" / PLUGIN, work), output)


@cli.command("core-variant")
@click.argument("core")
@click.argument("output", type=FILE)
def core_variant(core: str, output: Path) -> None:
    """Describe a CORE of the band of what is not known of the target's core."""
    from colonnade.validation.band import write_core_variant

    write_core_variant(band_of(Stages.load()), core, output)


@cli.command("model-sensitivity")
@click.argument("table", type=FILE)
@click.argument("text", type=FILE)
def model_sensitivity(table: Path, text: Path) -> None:
    """Say which conclusions hold with every core of the band."""
    from colonnade.validation.band import read_band
    from colonnade.validation.sensitivity import read_reports, run_name, write_sensitivity

    stages = Stages.load()
    folders = (RESULTS / "throughput", RESULTS / "sensitivity")
    reports = read_reports(*folders, stages.runs, read_band(band_of(stages)))
    write_sensitivity(reports, run_name(*stages.runs[0]), table, text)
