# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The `colonnade` command: one subcommand per rule, in modules named like the rules' files.

Commands that need configuration take a settings file first: see `colonnade.workflow.settings`. The
workflow leaves those of its jobs in results/settings.
"""

import signal
import sys
from contextlib import suppress

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
from colonnade.common.failures import explained
from colonnade.container.processes import exit_on_signals

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
    """Run the command; what a user can mend is one message on stderr and exit code 2.

    SIGTERM, SIGHUP and SIGINT end it with 128 + their number, after clean-up.
    """
    try:
        with exit_on_signals(last=True):
            cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        message = explained(error)
        if message is None:
            raise
        with suppress(OSError):
            click.echo(f"error: {message}", err=True)
        sys.exit(2)
