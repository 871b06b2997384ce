"""The `colonnade` command: one subcommand per rule, in modules named like the rules' files.

Commands that need configuration take a settings file first: see `colonnade.settings`. The workflow leaves
those of its jobs in results/settings.
"""

import sys

import click

from colonnade.cli import (
    accuracy,
    budget,
    config,
    convert,
    kernels,
    profile,
    prune,
    report,
    shell,
    study,
    throughput,
    validation,
)
from colonnade.cli.common import cli
from colonnade.errors import ColonnadeError

__all__ = [
    "accuracy",
    "budget",
    "cli",
    "config",
    "convert",
    "kernels",
    "main",
    "profile",
    "prune",
    "report",
    "shell",
    "study",
    "throughput",
    "validation",
]


def main() -> None:
    """Run the command; a ColonnadeError is one message on stderr and exit code 2."""
    try:
        cli(standalone_mode=False)
    except ColonnadeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
