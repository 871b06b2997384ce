# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a nightly regression leaves for others: JUnit XML, and a summary in Markdown."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from colonnade.common.files import write_bytes, write_text
from colonnade.results.nightly import Case, other_weights, totals
from colonnade.results.records import CycleBaseline

# Of the layers that moved, the summary has those that moved most.
_SHOWN = 40


def write_junit(cases: Sequence[Case], target: Path) -> None:
    """A test suite for each run, a test case for each layer, as CI systems read it."""
    root = ElementTree.Element("testsuites", _counts(cases))
    for run in dict.fromkeys(each.run for each in cases):
        own = [each for each in cases if each.run == run]
        suite = ElementTree.SubElement(root, "testsuite", {"name": run, **_counts(own)})
        for each in own:
            case = ElementTree.SubElement(suite, "testcase", classname=run, name=each.name)
            if each.fails:
                ElementTree.SubElement(case, "failure", message=each.text)
            else:
                ElementTree.SubElement(case, "system-out").text = each.text
    ElementTree.indent(root)
    write_bytes(target, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _counts(cases: Sequence[Case]) -> dict[str, str]:
    return {"tests": str(len(cases)), "failures": str(sum(each.fails for each in cases))}


def write_summary(
    cases: Sequence[Case], baseline: CycleBaseline, ours: CycleBaseline, target: Path
) -> None:
    """Totals of all runs, then what moved most."""
    failed = [each for each in cases if each.fails]
    lines = [
        f"# Nightly regression: {len(failed)} of {len(cases)} comparisons fail{'s' * (len(failed) == 1)}"
        if failed
        else f"# Nightly regression: {len(cases)} comparisons, none fails",
        "",
        f"Baseline: commit {baseline['git_commit']}, accepted because: {baseline['reason']}",
        "",
        "| run | cycles before | now | change |",
        "|---|--:|--:|--:|",
    ]
    compared = {run: pair for run, *pair in totals(baseline, ours)}
    for run, found in ours["runs"].items():
        if run in compared:
            before, after = compared[run]
            lines.append(f"| {run} | {before:,} | {after:,} | {100 * (after / before - 1):+.2f}% |")
        else:
            cycles = sum(layer["cycles"] for layer in found["layers"].values())
            lines.append(f"| {run} | not compared | {cycles:,} | |")
    for run in other_weights(baseline, ours):
        lines += ["", f"Another network than the baseline's, by its checkpoint: {run}"]
    # Of runs that are new, all is.
    others = [each for each in cases if each.moved and not each.fails and each.run in compared]
    for title, chosen in (("Failing", failed), ("What else moved", others)):
        ordered = sorted(chosen, key=lambda each: -abs(each.percent))
        if ordered:
            lines += ["", f"## {title}", ""]
            lines += [f"- {each.run}, `{each.name}`: {each.text}" for each in ordered[:_SHOWN]]
        if len(ordered) > _SHOWN:
            lines.append(f"- and {len(ordered) - _SHOWN} more: see junit.xml")
    write_text(target, "\n".join(lines) + "\n")
