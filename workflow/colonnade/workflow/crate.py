# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the crate of a folder of results is told of a run: its jobs, and what they depend on."""

import re
import shlex
from collections.abc import Iterable
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from typing import Any

from colonnade.common.paths import PROVENANCE, RESULTS
from colonnade.results.crate import Made, write_crate

# Of the files of the checkout that jobs read, those that say what was run; sources of programs are in
# the commit that the provenance names.
_TEXTS = (".json", ".yaml")
_REDIRECTION = re.compile(r"[12]?>|\|$")


def describe_run(folder: Path, jobs: Iterable[Any], snakefiles: Iterable[str]) -> None:
    """Write the crate of a folder of results, if a run has left its provenance there.

    Args:
        folder: the results.
        jobs: Snakemake's, of the whole graph.
        snakefiles: the Snakefile, and what it includes.

    Raises:
        ColonnadeError: a file cannot be read or written.
    """
    if not (folder / PROVENANCE).exists():
        return
    made = [
        Made(
            job.rule.name,
            _words(job.shellcmd),
            [*map(str, job.input)],
            [*map(str, job.output)],
            [*map(str, job.log)],
        )
        for job in jobs
        if job.output and job.shellcmd
    ]
    workflow = [Path(each).resolve().relative_to(Path.cwd().resolve()) for each in snakefiles]
    write_crate(folder, made, [*workflow, *_described(made)], version("colonnade"))


def _words(command: str) -> list[str]:
    """Those of a shell command, up to where its output goes."""
    return list(takewhile(lambda word: not _REDIRECTION.match(word), shlex.split(command)))


def _described(jobs: Iterable[Made]) -> list[Path]:
    read = {Path(name) for job in jobs for name in job.inputs if name.endswith(_TEXTS)}
    return sorted(each for each in read if not each.is_absolute() and each.parts[0] != str(RESULTS))
