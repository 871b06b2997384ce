# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Checks a folder of results against its crate: every file, and all that can be computed again.

Nothing is run for it but commands of `colonnade` that compute files from files: tables from raw ones,
claims from tables, the report from both.

The folder may be a stranger's, who wrote names and commands as he liked. Only files of the folder are
read, none of it is changed, and commands write into a scratch folder that has links to the files.
"""

import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from colonnade.common.errors import ColonnadeError, first_line
from colonnade.common.files import sha256_file
from colonnade.common.paths import table_file
from colonnade.results.crate import (
    METADATA,
    SUMS,
    files_of,
    printable,
    read_crate,
    read_sums,
    refuse_links,
)
from colonnade.results.records import CrateEntity, CrateGraph
from colonnade.results.tables import VALIDATION, read_table

Place = Callable[[Path], Path]
"""Where a file that a command names is; raises ColonnadeError for what is no file of the results."""
Run = Callable[[Sequence[str], Place], None]

# Commands whose results follow from files of the folder alone; all other tables do too.
_STEPS = frozenset(
    ("budget", "checklist", "claims", "night-page", "report", "schedules", "section")
)
# What the timing model said of published kernels it alone can say again.
_MEASURED_TABLES = frozenset(("validation",))
_VALIDATION = table_file("validation")


@dataclass(frozen=True)
class Verified:
    """What was checked: files and their bytes, files that were computed again; and what is wrong."""

    files: int
    bytes: int
    recomputed: Sequence[str]
    problems: Sequence[str]


def verify(folder: Path, run: Run) -> Verified:
    """Check a folder of results.

    Args:
        folder: the results of a finished run.
        run: runs `colonnade` with the arguments that it is given, in this process, and with every file
            that they name in its place.

    Raises:
        ColonnadeError: the folder has no crate, or one that is damaged; or a link leads out of it.
    """
    refuse_links(folder)
    crate = read_crate(folder)
    recorded = {each["@id"]: each["sha256"] for each in crate["@graph"] if "sha256" in each}
    there = set(files_of(folder))
    problems = _changed_files(folder, there, recorded)
    recomputed = []
    with tempfile.TemporaryDirectory() as scratch:
        mirror = _Mirror(folder.resolve(), there, Path(scratch))
        for action in _recomputable(crate):
            results = [made["@id"] for made in action.get("result", [])]
            problems += _recompute(mirror, action, results, run)
            recomputed += results
    if _VALIDATION in there:
        problems += _wrong_errors(folder / _VALIDATION)
    size = sum((folder / name).stat().st_size for name in there & recorded.keys())
    return Verified(len(recorded), size, [*map(printable, recomputed)], [*map(printable, problems)])


def _changed_files(folder: Path, there: AbstractSet[str], recorded: Mapping[str, str]) -> list[str]:
    """What is wrong with the files, by their checksums in both files that have these."""
    sums = read_sums(folder)
    problems = []
    for name in sorted({*recorded, *sums} - {METADATA}):
        if name not in there:
            problems.append(f"{name}: not there")
            continue
        digest = sha256_file(folder / name)
        told = {source: known.get(name) for source, known in ((METADATA, recorded), (SUMS, sums))}
        wrong = [source for source, value in told.items() if value != digest]
        if len(wrong) == len(told):
            problems.append(f"{name}: changed: SHA-256 {digest}, recorded {recorded.get(name)}")
        else:
            problems += [f"{source}: changed: SHA-256 of {name}" for source in wrong]
    if sums.get(METADATA) != sha256_file(folder / METADATA):
        problems.append(f"{METADATA}: changed, or its line in {SUMS}")
    added = sorted(there - recorded.keys() - sums.keys())
    return problems + [f"{name}: not of the run: {METADATA} does not list it" for name in added]


def _recomputable(crate: CrateGraph) -> list[CrateEntity]:
    return [
        each
        for each in crate["@graph"]
        if each["@type"] == "CreateAction" and _is_pure(_words(each)[:3])
    ]


def _words(action: CrateEntity) -> list[str]:
    """The words of a command, as a shell has them; of none that a shell would take, as they stand."""
    command = action.get("description", "")
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _is_pure(command: Sequence[str]) -> bool:
    match command:
        case ["colonnade", "table", name]:
            return name not in _MEASURED_TABLES
        case ["colonnade", "step", name]:
            return name in _STEPS
    return False


class _Mirror:
    """A scratch folder with a link to every file of the results, for commands to read and write."""

    def __init__(self, folder: Path, there: AbstractSet[str], scratch: Path) -> None:
        self.folder = folder
        self.there = there
        self.scratch = scratch

    def without(self, results: Sequence[str]) -> None:
        """Link anew whatever is no link, as a command left it; but for results to be made."""
        for name in self.there:
            link = self.scratch / name
            if name in results or not link.is_symlink():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.unlink(missing_ok=True)
            if name not in results and not link.is_symlink():
                link.symlink_to(self.folder / name)

    def place(self, path: Path) -> Path:
        """Where a command finds or puts a file."""
        if str(path) not in self.there:
            raise ColonnadeError(f"its command names {str(path)!r}, no file of these results")
        return self.scratch / path


def _recompute(mirror: _Mirror, action: CrateEntity, results: Sequence[str], run: Run) -> list[str]:
    """Run the command of an action with other places for its results, and compare."""
    unknown = [name for name in results if name not in mirror.there]
    if unknown:
        return [f"{name}: not there" for name in unknown]
    mirror.without(results)
    try:
        _, *words = shlex.split(action["description"])
        run(words, mirror.place)
    except Exception as error:  # of files that were changed, anything may be said
        return [f"{name}: cannot be recomputed: {first_line(error)}" for name in results]
    return [
        difference
        for name in results
        if (difference := _difference(name, mirror.folder / name, mirror.scratch / name))
        is not None
    ]


def _difference(name: str, ours: Path, again: Path) -> str | None:
    if not again.is_file():
        return f"{name}: cannot be recomputed: its command does not make it"
    mine, recomputed = ours.read_bytes(), again.read_bytes()
    if mine == recomputed:
        return None
    pairs = zip_longest(mine.splitlines(), recomputed.splitlines(), fillvalue=b"")
    for number, (one, other) in enumerate(pairs, 1):
        if one != other:
            at = next(
                (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
                min(len(one), len(other)),
            )
            here, there = (_excerpt(line, at) for line in (one, other))
            return f"{name}: line {number}: {here!r}; recomputed from its sources: {there!r}"
    # Lines that end otherwise, or empty ones behind all others.
    sizes = (f"{len(content)} bytes" for content in (mine, recomputed))
    return f"{name}: {'; recomputed from its sources: '.join(sizes)}"


def _excerpt(line: bytes, at: int) -> str:
    return line[max(0, at - 20) : at + 20].decode("utf-8", "replace")


def _wrong_errors(table: Path) -> list[str]:
    """Rows of `validation.csv` whose error does not follow from their two values."""
    problems = []
    for row in read_table(table, VALIDATION).iter_rows(named=True):
        recorded, error = row["error_percent"], _error_percent(row["modelled"], row["published"])
        # Of NaN every comparison is false.
        follows = (
            error is not None
            and recorded is not None
            and abs(error - recorded) <= 1e-9 * max(1, abs(error))
        )
        if not follows:
            problems.append(
                f"{_VALIDATION}: {row['point']}: error_percent: {recorded}; of {row['modelled']}"
                f" against {row['published']} it is {error}"
            )
    return problems


def _error_percent(modelled: float | None, published: float | None) -> float | None:
    """None where there is no such error: a value is missing, or the published one is 0."""
    if modelled is None or not published:
        return None
    return 100 * (modelled / published - 1)
