# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Results are checked, without the toolchain."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from colonnade.cli.common import FILE, cli
from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import CORES, RESULTS
from colonnade.workflow.settings import read_settings

if TYPE_CHECKING:
    from colonnade.results.verification import Place


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


def _run(arguments: Sequence[str], place: "Place") -> None:
    group, name, *words = arguments
    commands = cli.commands[group]
    assert isinstance(commands, click.Group)
    command = commands.commands[name]
    try:
        # What commands print is of no interest here.
        with command.make_context(name, words) as context, redirect_stdout(StringIO()):
            for parameter in command.params:
                if isinstance(parameter.type, click.Path) and parameter.name is not None:
                    context.params[parameter.name] = _placed(context.params[parameter.name], place)
            if "settings" in context.params:
                _check_core(context.params["settings"])
            command.invoke(context)
    except click.ClickException as error:
        raise ColonnadeError(error.format_message()) from error


def _placed(
    value: Path | tuple[Path, ...] | None, place: "Place"
) -> Path | tuple[Path, ...] | None:
    if isinstance(value, tuple):
        return tuple(map(place, value))
    return None if value is None else place(value)


def _check_core(settings: Path) -> None:
    """Make sure that the settings of a command name no other file as a core than one of the checkout.

    Raises:
        ColonnadeError: they do.
    """
    described = read_settings(settings).described
    core = None if described is None else described.core
    if core is not None and (core.parent != CORES or core.suffix != ".json"):
        raise ColonnadeError(f"target.core: {str(core)!r}; allowed: a file of {CORES}")
