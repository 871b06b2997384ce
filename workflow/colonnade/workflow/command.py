# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The `snakemake` of this environment: Snakemake's own, which it starts after some mends.

Snakemake refuses a dotted key of --config with a traceback before it reads the Snakefile, and ends in
one where its cache, in the home folder, cannot be written.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.config.sources import parse_command_line

_OPTIONS = ("--config", "-C")
# As Snakemake has it of the key before the first dot; every key of ours is so.
_ENTRY = re.compile(r"[a-zA-Z_][\w-]*\w(\.[^=]*)?=")


def main() -> None:
    """Run Snakemake with the arguments of this process."""
    try:
        sys.argv[1:] = nest_config(sys.argv[1:])
        use_writable_cache()
        # Only now: importing Snakemake makes folders in the cache.
        from colonnade.workflow.start import start

        start()
    except ColonnadeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def nest_config(arguments: Sequence[str]) -> list[str]:
    """The arguments with every dotted key of `--config` as Snakemake reads it: `a={"b": 1}` for a.b=1.

    Raises:
        ColonnadeError: one line for every entry that is no KEY=VALUE.
    """
    given = list(_config_entries(arguments))
    wrong = [entry for _, entry in given if not _ENTRY.match(entry)]
    if wrong:
        raise ColonnadeError(
            "\n".join(
                f"--config: {entry!r}; allowed: KEY=VALUE, such as seed=1, with a key of"
                " docs/configuration.md; targets go before --config"
                for entry in wrong
            )
        )
    if not any("." in entry.partition("=")[0] for _, entry in given):
        return list(arguments)
    values = parse_command_line([entry for _, entry in given])
    # Two escapes for one character, as JSON has them, YAML takes for two characters.
    entries = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    taken = {index for index, _ in given}
    others = [each for index, each in enumerate(arguments) if index not in taken]
    others = [each for each in others if each not in _OPTIONS]
    return [*others, "--config", *entries]


def _config_entries(arguments: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Position and text of every entry of `--config`."""
    inside = False
    for index, argument in enumerate(arguments):
        option, equals, entry = argument.partition("=")
        if argument.startswith("-"):
            inside = argument in _OPTIONS
            if equals and option == "--config":
                yield index, entry
            elif argument.startswith("-C") and len(argument) > 2:
                yield index, argument[2:]
        elif inside:
            yield index, argument


def use_writable_cache() -> None:
    """Where Snakemake's cache cannot be written, use one inside the environment."""
    home = os.environ.get("HOME")
    above = os.environ.get("XDG_CACHE_HOME") or (home and f"{home}/.cache")
    if not above or not _can_write(Path(above) / "snakemake"):
        os.environ["XDG_CACHE_HOME"] = str(Path(sys.prefix) / "cache")


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
