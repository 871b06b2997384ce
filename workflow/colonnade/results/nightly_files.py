# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a nightly regression leaves for others: JUnit XML, a summary in Markdown, a history in SQLite."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from colonnade.common.errors import ColonnadeError, first_line
from colonnade.common.files import make_folder, write_bytes, write_text
from colonnade.results.nightly import Moved
from colonnade.results.records import CycleBaseline

# Of the layers that moved, the summary has those that moved most.
_SHOWN = 40


def write_junit(moved: Sequence[Moved], failed: Sequence[Moved], target: Path) -> None:
    """A test suite for each run, a test case for each layer, as CI systems read it."""
    root = ElementTree.Element("testsuites", tests=str(len(moved)), failures=str(len(failed)))
    for run in dict.fromkeys(each.run for each in moved):
        cases = [each for each in moved if each.run == run]
        failures = [each for each in failed if each.run == run]
        suite = ElementTree.SubElement(
            root, "testsuite", name=run, tests=str(len(cases)), failures=str(len(failures))
        )
        for each in cases:
            case = ElementTree.SubElement(suite, "testcase", classname=run, name=each.layer)
            if each in failures:
                ElementTree.SubElement(case, "failure", message=each.text)
            else:
                ElementTree.SubElement(case, "system-out").text = each.text
    ElementTree.indent(root)
    write_bytes(target, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def write_summary(
    moved: Sequence[Moved],
    failed: Sequence[Moved],
    baseline: CycleBaseline,
    strangers: Sequence[str],
    target: Path,
) -> None:
    """Totals of all runs, then what moved most; `strangers` are runs of other weights."""
    lines = [
        f"# Nightly regression: {len(failed)} of {len(moved)} layers fail"
        if failed
        else f"# Nightly regression: {len(moved)} layers, none fails",
        "",
        f"Baseline: commit {baseline['git_commit']}, accepted because: {baseline['reason']}",
        "",
        "| run | cycles before | now | change |",
        "|---|--:|--:|--:|",
    ]
    for run in dict.fromkeys(each.run for each in moved):
        both = [
            (each.before["cycles"], each.after["cycles"])
            for each in moved
            if each.run == run and each.before is not None and each.after is not None
        ]
        before, after = (sum(pair[index] for pair in both) for index in (0, 1))
        change = f"{100 * (after / before - 1):+.2f}%" if before else "not compared"
        lines.append(f"| {run} | {before:,} | {after:,} | {change} |")
    lines += [f"\nOther weights than the baseline's: {run}" for run in strangers]
    others = [each for each in moved if each.before != each.after and each not in failed]
    for title, chosen in (("Failing", failed), ("What else moved", others)):
        ordered = sorted(chosen, key=lambda each: -abs(each.percent))
        if ordered:
            lines += ["", f"## {title}", ""]
            lines += [f"- {each.run}, `{each.layer}`: {each.text}" for each in ordered[:_SHOWN]]
        if len(ordered) > _SHOWN:
            lines.append(f"- and {len(ordered) - _SHOWN} more: see junit.xml")
    write_text(target, "\n".join(lines) + "\n")


def remember(ours: CycleBaseline, dirty: bool | None, history: Path) -> None:
    """Add the totals of runs to the history; those of the same commit are replaced.

    Raises:
        ColonnadeError: the file is no history, or cannot be written.
    """
    make_folder(history.parent)
    commit = f"{ours['git_commit'] or 'unknown'}{'+' if dirty else ''}"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        with closing(sqlite3.connect(history)) as base, base:
            base.execute(
                "CREATE TABLE IF NOT EXISTS nights (git_commit TEXT, run TEXT, at TEXT, cycles INTEGER,"
                " PRIMARY KEY (git_commit, run))"
            )
            base.executemany(
                "INSERT OR REPLACE INTO nights VALUES (?, ?, ?, ?)",
                [
                    (commit, run, now, sum(layer["cycles"] for layer in found["layers"].values()))
                    for run, found in ours["runs"].items()
                ],
            )
    except sqlite3.Error as error:
        raise ColonnadeError(
            f"{history}: no history of nightly runs: {first_line(error)}"
        ) from error


def read_history(history: Path) -> Mapping[str, Sequence[tuple[str, int]]]:
    """Commit and cycles of every night, by run, in order of time.

    Raises:
        ColonnadeError: the file is no history.
    """
    found: dict[str, list[tuple[str, int]]] = {}
    try:
        with closing(sqlite3.connect(history)) as base:
            rows = base.execute(
                "SELECT run, git_commit, cycles FROM nights ORDER BY at, git_commit, run"
            )
            for run, commit, cycles in rows:
                found.setdefault(run, []).append((commit, cycles))
    except sqlite3.Error as error:
        raise ColonnadeError(
            f"{history}: no history of nightly runs: {first_line(error)}"
        ) from error
    return found
