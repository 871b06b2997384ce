# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The `colonnade` command.

What people type stands at the top; tables of the results are `colonnade table NAME`, and what only
rules call `colonnade step NAME`.
"""

import os
import signal
import sys
from contextlib import suppress

import click

from colonnade.cli import (
    board,
    documents,
    grid,
    networks,
    nightly,
    optimizing,
    packages,
    photographs,
    report,
    tables,
    toolchain,
    tuning,
    verify,
)
from colonnade.cli.common import cli
from colonnade.common.errors import explained
from colonnade.common.processes import exit_on_signals

__all__ = [
    "board",
    "cli",
    "documents",
    "grid",
    "main",
    "networks",
    "nightly",
    "optimizing",
    "packages",
    "photographs",
    "report",
    "tables",
    "toolchain",
    "tuning",
    "verify",
]


# How often a thread of PyTorch looks for others before it sleeps: what libgomp itself takes where it
# knows of fewer CPUs than threads. Its default, some 300 times as often, takes the core from the thread
# that it waits for, where another program has one of them: with two threads on two cores, a batch took
# 4 s in the place of 0.2.
_SPINS = "1000"


def main() -> None:
    """Run the command; what a user can mend is one message on stderr and exit code 2.

    SIGTERM, SIGHUP and SIGINT end it with 128 + their number, after clean-up.
    """
    # libgomp reads it when PyTorch is imported, which only commands do.
    os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
    try:
        with exit_on_signals(last=True):
            cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        with suppress(OSError):
            click.echo("interrupted: what was not finished is not written", err=True)
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        message = explained(error)
        if message is None:
            raise
        with suppress(OSError):
            click.echo(f"error: {message}", err=True)
        sys.exit(2)
