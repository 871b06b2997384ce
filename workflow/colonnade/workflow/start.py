# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Snakemake, started so that what a user can mend is said in the words of this project.

Snakemake reads configuration files before the Snakefile can, and says neither which of them is wrong
nor where; and of its endings some sound like failures that are none.
"""

import difflib
import logging
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType

from snakemake import cli
from snakemake.api import SnakemakeApi
from snakemake.exceptions import LockException, MissingRuleException, print_exception
from snakemake.logging import logger
from snakemake.persistence import PersistenceBase

from colonnade.common.errors import ColonnadeError
from colonnade.config.sources import read_yaml
from colonnade.workflow.run import another_is_alive

INTERRUPTED = "interrupted; the same command goes on from here: what is finished is kept"


def start() -> None:
    """Run Snakemake with the arguments of this process, and exit as it does.

    Raises:
        ColonnadeError: a file of `--configfile` cannot be read.
    """
    interruption = _Interruption()
    try:
        parser, args = cli.parse_args(None)
        folder = Path(args.snakefile or "Snakefile").absolute().parent
        args.configfile = with_keys(args.configfile or (), folder)
        cli.SnakemakeApi = _Api
        # What only looks, as a dry run does, calls it an error that another run is alive, and goes on.
        PersistenceBase.lock_warn_only = PersistenceBase.noop
        status = 0 if cli.args_to_api(args, parser) else 1
    except ColonnadeError:
        raise
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except Exception as error:
        print_exception(error)
        status = 1
    if interruption.came:
        print(INTERRUPTED, file=sys.stderr)
    sys.exit(status)


def with_keys(files: Sequence[Path], checkout: Path) -> list[Path]:
    """The configuration files that hold any keys: Snakemake refuses one that is empty.

    A relative path that leads nowhere from here is taken from the checkout.

    Raises:
        ColonnadeError: a line for every file that cannot be read.
    """
    kept, problems = [], []
    for given in files:
        file = given if given.exists() or not (checkout / given).exists() else checkout / given
        try:
            if read_yaml(file):
                kept.append(file)
        except ColonnadeError as error:
            problems.append(str(error))
    if problems:
        raise ColonnadeError("\n".join(problems))
    return kept


def unknown_target(name: str, grouping: Sequence[str], others: Iterable[str]) -> str:
    """What to say of a target that is neither a rule nor a file that one makes.

    Args:
        name: the target, as it was given.
        grouping: rules that are there to be asked for.
        others: more names of rules, which may be meant.
    """
    if "=" in name:
        return f"{name}: no such target; keys of the configuration stand behind --config"
    close = difflib.get_close_matches(name, [*grouping, *others], n=1)
    guess = f"; did you mean {close[0]!r}?" if close else ";"
    return f"{name}: no such target{guess} targets: {', '.join(grouping)}"


class _Interruption(logging.Filter):
    """What Ctrl-C does: jobs that it ended are no errors to tell of."""

    def __init__(self) -> None:
        super().__init__()
        self.came = False
        # Where it is ignored, as in the background, it stays so.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._come)
        logger.addFilter(self)

    def _come(self, _number: int, _frame: FrameType | None) -> None:
        self.came = True
        raise KeyboardInterrupt

    def filter(self, record: logging.LogRecord) -> bool:
        return not self.came or record.levelno < logging.WARNING


class _Api(SnakemakeApi):  # type: ignore[misc]
    """Snakemake's, with messages of our own for what our users can mend."""

    def print_exception(self, ex: Exception) -> None:
        if isinstance(ex, LockException) and another_is_alive():
            print(
                "error: another run makes the same files now; wait until it has ended, then give the"
                " same command again: what is finished is kept",
                file=sys.stderr,
            )
            return
        if not isinstance(ex, MissingRuleException):
            super().print_exception(ex)
            return
        workflow = self._workflow_api._workflow_store
        names = [rule.name for rule in workflow.rules if not rule.has_wildcards()]
        grouping = [rule.name for rule in workflow.rules if not rule.output]
        unknown = [
            target
            for target in workflow.dag_settings.targets
            if not workflow.is_rule(target)
            and not any(rule.is_producer(target) for rule in workflow.rules)
        ]
        # What rules say of a file that they refuse, Snakemake tells.
        if any("/" in target for target in unknown) or not unknown:
            super().print_exception(ex)
        for target in unknown:
            if "/" not in target:
                print(f"error: {unknown_target(target, grouping, names)}", file=sys.stderr)
