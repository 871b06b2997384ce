# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Reads a configuration from files and the command line; it is refused with every mistake listed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.config.errors import COMMAND_LINE, Source, validate_parts
from colonnade.config.partial import MissingKeyError, with_fields
from colonnade.config.schema import Config
from colonnade.config.sources import merge, read_yaml
from colonnade.config.target import TargetConfig, load_target, read_core

Check = Callable[[Config], None]
"""Raises ColonnadeError if keys that are right each contradict each other or a room above.

Of a wrong configuration it gets what is right of it, and it is left out where it reads any other key.
"""


def read_config(
    values: Mapping[str, Any],
    files: Sequence[Path],
    targets: Path,
    checks: Iterable[Check] = (),
) -> tuple[Config, TargetConfig]:
    """Merge and check a configuration, and the target it names.

    Args:
        values: what the command line sets; it wins over all files.
        files: configuration files, the one that wins first.
        targets: folder of the targets' descriptions, one file each.
        checks: what else must hold of a configuration whose keys are right each.

    Raises:
        ColonnadeError: one line for every wrong or missing key.
    """
    sources: list[Source] = [(COMMAND_LINE, values)]
    sources += [(str(_shown(path)), read_yaml(path)) for path in files]
    merged = merge(Config, [content for _, content in reversed(sources)])
    problems: list[str] = []
    target = None
    config = validate_parts(Config, merged, sources, problems)
    name = merged.get("target")
    if isinstance(name, str):
        try:
            target = load_target(targets, name)
        except ColonnadeError as error:
            problems.append(str(error))
    if config is not None:
        if target is None and "target" in config.__dict__:
            others = {key: value for key, value in config.__dict__.items() if key != "target"}
            config = with_fields(Config, others, MissingKeyError)
        for check in [*checks, *([] if target is None else [_enough_cores(target)])]:
            try:
                check(config)
            except ColonnadeError as error:
                problems.append(str(error))
            except MissingKeyError:
                continue
    if config is None or target is None or problems:
        raise ColonnadeError("\n".join(problems))
    return config, target


def _enough_cores(target: TargetConfig) -> Check:
    """That the target has a core for each thread."""

    def check(config: Config) -> None:
        check_threads(config.throughput.threads, config.target, target)

    return check


def check_threads(
    threads: int, name: str, target: TargetConfig, *, key: str = "throughput.threads"
) -> None:
    """Make sure that a target other than this machine has a core for each thread.

    Raises:
        ColonnadeError: it has fewer.
    """
    if target.board is not None:
        cores, source = len(target.board.cores), "its board.cores"
    elif target.core is not None:
        cores, source = read_core(target.core).cores.count, f"cores of {target.core}"
    else:
        return
    if threads > cores:
        raise ColonnadeError(
            f"{key}: {threads}; allowed for the {target.kind} target {name}:"
            f" 1 to {cores} ({source})"
        )


def _shown(path: Path) -> Path:
    """As a user writes it: relative to the folder of the run where it is inside."""
    absolute, here = path.absolute(), Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else path
