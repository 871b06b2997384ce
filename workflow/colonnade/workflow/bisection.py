# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Finds the commit that broke something, in a checkout of its own."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import IMAGE, LAYER_BASELINE

NIGHTLY = (
    *("snakemake", "nightly-cycles", "--quiet", "all"),
    *("--configfile", "config/default.yaml", "config/cycles.yaml"),
)
_CHECKOUT, _KEPT = Path(".colonnade/bisect"), Path(".colonnade/bisect-kept")
# Of the checkout that the search is started from: they stay the same at every commit.
_SHARED = (Path(".venv"), Path(".colonnade/rootfs"))
_COPIED = (IMAGE, LAYER_BASELINE)
# They are put in before each command and taken out after it: git leaves no commit with changed files.
_JUDGE = """
cp -Rp "$1/." .
shift
"$@"
status=$?
git reset --quiet --hard
git clean --quiet -d --force
exit $status
"""


def first_bad(good: str, bad: str, command: Sequence[str]) -> str:
    """The first commit at which a command fails, as `git show --stat` tells it.

    Args:
        good: a commit at which it succeeds.
        bad: a later one at which it fails.
        command: what is run at every commit; 125 is a commit that cannot be judged.

    Raises:
        ColonnadeError: there is no such commit, `good` is none before `bad`, or nothing was found.
    """
    commits = [_git(Path(), "rev-parse", "--verify", f"{each}^{{commit}}") for each in (good, bad)]
    with _checkout(commits[1]) as checkout:
        _git(checkout, "bisect", "start", *reversed(commits))
        path = f"{Path('.venv/bin').absolute()}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(checkout / "workflow")}
        # What git says is read.
        environment["LC_ALL"] = "C.UTF-8"
        ran = subprocess.run(
            ["git", "bisect", "run", "sh", "-c", _JUDGE, "sh", str(_KEPT.absolute()), *command],
            cwd=checkout,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    found = re.search(r"^([0-9a-f]{40}) is the first bad commit$", ran.stdout, re.M)
    if found is None:
        lines = ran.stdout.strip().splitlines()
        raise ColonnadeError(
            f"{good}..{bad}: no first bad commit: {lines[-1] if lines else 'no output'}"
        )
    return _git(Path(), "show", "--stat", "--format=%H %s", found[1])


@contextmanager
def _checkout(commit: str) -> Iterator[Path]:
    """A checkout for the search, removed after it."""
    folder = _CHECKOUT.absolute()
    if folder.exists():
        raise ColonnadeError(f"{folder}: there already; another search runs, or remove it")
    _git(Path(), "worktree", "add", "--detach", str(folder), commit)
    try:
        for shared in _SHARED:
            if shared.exists() and not (folder / shared).exists():
                (folder / shared).parent.mkdir(parents=True, exist_ok=True)
                (folder / shared).symlink_to(shared.absolute())
        # A search that was killed may have left it.
        _KEPT.mkdir(exist_ok=True)
        for copied in _COPIED:
            if copied.exists():
                (_KEPT / copied).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(copied, _KEPT / copied)
        yield folder
    finally:
        shutil.rmtree(_KEPT, ignore_errors=True)
        _git(Path(), "worktree", "remove", "--force", str(folder))


def _git(folder: Path, *arguments: str) -> str:
    ran = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if ran.returncode != 0:
        raise ColonnadeError(f"git {arguments[0]}: {ran.stderr.strip() or ran.stdout.strip()}")
    return ran.stdout.strip()
