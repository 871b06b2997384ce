# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Results are checked, without the toolchain."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import click

from colonnade.cli.common import FILE, cli
from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import RESULTS


@cli.command()
@click.argument("results", type=FILE, default=RESULTS)
def verify(results: Path) -> None:
    """Check the folder RESULTS of a finished run: checksums, tables, claims, report.

    All that follows from other files of the folder is computed again and compared: tables from raw files,
    claims from tables, the report from both. Every difference is named. It takes neither the toolchain
    nor a network.
    """
    from colonnade.results.verification import verify as check

    found = check(results, _run)
    if found.problems:
        raise ColonnadeError(
            f"{results}: not as the run left it:\n  " + "\n  ".join(found.problems)
        )
    click.echo(
        f"{results}: {found.files} files, {found.bytes / 1e6:.0f} MB, have the SHA-256 of the run;"
        f" {len(found.recomputed)} were computed again from the others, and are equal:"
    )
    for name in found.recomputed:
        click.echo(f"  {name}")


def _run(arguments: Sequence[str]) -> None:
    try:
        # What commands print is of no interest here.
        with redirect_stdout(StringIO()):
            cli.main(list(arguments), standalone_mode=False)
    except click.ClickException as error:
        raise ColonnadeError(error.format_message()) from error
