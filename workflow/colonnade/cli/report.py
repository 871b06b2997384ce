"""Claims, provenance, report and regression."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, IMAGE, RESULTS, cli
from colonnade.stages import BASELINE, Stages


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
    compare(RESULTS / "tables/throughput.csv", BASELINE, allowed, output)
