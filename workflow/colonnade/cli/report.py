# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Claims, provenance, report and regression."""

from pathlib import Path

import click

from colonnade.cli.common import FILE, step
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_text
from colonnade.common.paths import CHECKLIST, IMAGE
from colonnade.workflow.settings import read_settings


@step.command()
@click.argument("definitions", type=FILE)
@click.argument("output", type=FILE)
@click.argument("tables", type=FILE, nargs=-1, required=True)
def claims(definitions: Path, output: Path, tables: tuple[Path, ...]) -> None:
    """Judge the claims of DEFINITIONS from TABLES."""
    from colonnade.results.claims import write_claims

    write_claims(definitions, tables, output)
    # That of an artifact evaluation before judged other claims.
    output.with_name(CHECKLIST).unlink(missing_ok=True)


@step.command()
@click.argument("settings", type=FILE)
@click.argument("default", type=FILE)
@click.argument("output", type=FILE)
def provenance(settings: Path, default: Path, output: Path) -> None:
    """Record where the numbers come from, and what SETTINGS has otherwise than DEFAULT."""
    from colonnade.results.provenance import write_provenance

    write_provenance(read_settings(settings).config, default, IMAGE, output)


@step.command()
@click.argument("claims", type=FILE)
@click.argument("output", type=FILE)
def checklist(claims: Path, output: Path) -> None:
    """Print the check-list of CLAIMS, and write it; fail where a claim that should hold does not."""
    from colonnade.results.checklist import checklist as compare

    text, failing = compare(claims)
    click.echo(text, nl=False)
    if failing:
        raise ColonnadeError(f"{claims}: should hold, and do not: {', '.join(failing)}")
    write_text(output, text)


@step.command("paper-figure")
@click.argument("table", type=FILE)
@click.argument("output", type=FILE)
def paper_figure(table: Path, output: Path) -> None:
    """Draw TABLE, the throughput of the paper's networks, as OUTPUT (.svg)."""
    from colonnade.report.paper import write_paper_figure

    write_paper_figure(table, output)


@step.command("section")
@click.argument("name")
@click.argument("provenance", type=FILE)
@click.argument("output", type=FILE)
@click.argument("files", type=FILE, nargs=-1)
def section(name: str, provenance: Path, output: Path, files: tuple[Path, ...]) -> None:
    """Render the section NAME of the report from the FILES that it shows."""
    from colonnade.report.sections import write_section

    write_section(name, provenance, files, output)


@step.command()
@click.option("--left-out", multiple=True, help="A section that another target asks for.")
@click.argument("throughput", type=FILE)
@click.argument("accuracy", type=FILE)
@click.argument("claims", type=FILE)
@click.argument("output", type=FILE)
@click.argument("sections", type=FILE, nargs=-1, required=True)
def report(
    left_out: tuple[str, ...],
    throughput: Path,
    accuracy: Path,
    claims: Path,
    output: Path,
    sections: tuple[Path, ...],
) -> None:
    """Join rendered SECTIONS into the page OUTPUT; its heading is of both tables and the claims."""
    from colonnade.report.page import write_page

    named = {section.stem: section for section in sections}
    write_page(throughput, accuracy, claims, named, left_out, output)


@step.command()
@click.argument("settings", type=FILE)
@click.argument("table", type=FILE)
@click.argument("output", type=FILE)
@click.argument("baseline", type=FILE, required=False)
def regression(settings: Path, table: Path, output: Path, baseline: Path | None) -> None:
    """Compare modelled cycles of TABLE with those of BASELINE, if there is one."""
    from colonnade.results.regression import compare

    allowed = read_settings(settings).config.nightly.allowed_slowdown_percent
    compare(table, baseline, allowed, output)
