# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Checks a folder of results against its crate: every file, and all that can be computed again.

Nothing is run for it but commands of `colonnade` that compute files from files: tables from raw ones,
claims from tables, the report from both.
"""

import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from colonnade.common.errors import first_line
from colonnade.common.files import sha256_file
from colonnade.common.paths import table_file
from colonnade.results.crate import METADATA, SUMS, files_of, read_crate, read_sums
from colonnade.results.records import CrateEntity, CrateGraph
from colonnade.results.tables import VALIDATION, read_table

Run = Callable[[Sequence[str]], None]

# Commands whose results follow from files of the folder alone; all other tables do too.
_STEPS = frozenset(("budget", "checklist", "claims", "report", "schedules", "section"))
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
        run: runs `colonnade` with the arguments that it is given, in this process.

    Raises:
        ColonnadeError: the folder has no crate, or one that is damaged.
    """
    crate = read_crate(folder)
    recorded = {each["@id"]: each["sha256"] for each in crate["@graph"] if "sha256" in each}
    problems = _changed_files(folder, recorded)
    recomputed = []
    with tempfile.TemporaryDirectory() as scratch:
        for action in _recomputable(crate):
            results = [made["@id"] for made in action.get("result", [])]
            problems += _recompute(folder, Path(scratch), action, results, run)
            recomputed += results
    if _VALIDATION in recorded:
        problems += _wrong_errors(folder / _VALIDATION)
    size = sum((folder / name).stat().st_size for name in recorded if (folder / name).is_file())
    return Verified(len(recorded), size, recomputed, problems)


def _changed_files(folder: Path, recorded: Mapping[str, str]) -> list[str]:
    """What is wrong with the files, by their checksums in both files that have these."""
    sums, there = read_sums(folder), set(files_of(folder))
    problems = []
    for name in sorted({*recorded, *sums} - {METADATA}):
        if not (folder / name).is_file():
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
        if each["@type"] == "CreateAction" and _is_pure(each.get("description", "").split()[:3])
    ]


def _is_pure(command: Sequence[str]) -> bool:
    match command:
        case ["colonnade", "table", name]:
            return name not in _MEASURED_TABLES
        case ["colonnade", "step", name]:
            return name in _STEPS
    return False


def _recompute(
    folder: Path, scratch: Path, action: CrateEntity, results: Sequence[str], run: Run
) -> list[str]:
    """Run the command of an action with other places for its results, and compare."""
    try:
        _, *words = shlex.split(action["description"])
        run([_place(folder, scratch, word, results) for word in words])
    except Exception as error:  # of files that were changed, anything may be said
        return [f"{name}: cannot be recomputed: {first_line(error)}" for name in results]
    return [
        difference
        for name in results
        if (difference := _difference(name, folder / name, scratch / name)) is not None
    ]


def _place(folder: Path, scratch: Path, word: str, results: Sequence[str]) -> str:
    if word in results:
        return str(scratch / word)
    return str(folder / word) if (folder / word).is_file() else word


def _difference(name: str, ours: Path, again: Path) -> str | None:
    if not ours.is_file():
        return f"{name}: not there"
    pairs = zip(
        [*ours.read_bytes().splitlines(), b""],
        [*again.read_bytes().splitlines(), b""],
        strict=False,
    )
    for number, (one, other) in enumerate(pairs, 1):
        if one != other:
            at = next(
                (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
                min(len(one), len(other)),
            )
            here, there = (_excerpt(line, at) for line in (one, other))
            return f"{name}: line {number}: {here!r}; recomputed from its sources: {there!r}"
    return None


def _excerpt(line: bytes, at: int) -> str:
    return line[max(0, at - 20) : at + 20].decode("utf-8", "replace")


def _wrong_errors(table: Path) -> list[str]:
    """Rows of `validation.csv` whose error does not follow from their two values."""
    rows = read_table(table, VALIDATION).iter_rows(named=True)
    return [
        f"{_VALIDATION}: {row['point']}: error_percent: {row['error_percent']}; of {row['modelled']}"
        f" against {row['published']} it is {error}"
        for row in rows
        if abs((error := 100 * (row["modelled"] / row["published"] - 1)) - row["error_percent"])
        > 1e-9 * max(1, abs(error))
    ]
