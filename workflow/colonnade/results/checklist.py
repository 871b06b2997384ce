# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The check-list of an artifact evaluation: every claim, what came out, and whether that was expected."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from colonnade.common.files import read_json
from colonnade.results.records import WHERE, Claim

_HOLDS = ("reproduced", "exceeded")
MARKS = {
    "ok": "as expected",
    "FAILS": "should hold, and does not or is not decided; or should be undecided, and does not hold",
    "open": "was expected to be run",
    "better": "holds, where that was not expected",
    "worse": "does not hold, where it was not expected to be run",
}
"""Marks of claims, and what they mean."""


def checklist(claims: Path) -> tuple[str, Sequence[str]]:
    """The check-list of a `claims.json`, and the ids of claims that should hold and do not.

    Raises:
        ColonnadeError: the file is missing or damaged.
    """
    listed: list[Claim] = read_json(claims, list[Claim])
    marks = {claim["id"]: _mark(claim) for claim in listed}
    lines = []
    for claim in listed:
        value = "" if claim["our_value"] is None else f", here {claim['our_value']:.2f}"
        unit = claim["unit"] if claim["unit"] in ("x", "%") else f" {claim['unit']}"
        lines += [
            f"[{marks[claim['id']]}] {claim['id']}: {claim['claim']}",
            f"        {claim['criterion']}{unit}{value and value + unit}: {claim['verdict']}"
            f" ({claim['evidence']}); expected: {claim['expected']}",
            f"        {claim['detail']}",
            f"        from {', '.join(claim['artifacts'])}"
            + (f"; run by `{claim['command']}`" if claim["our_value"] is None else ""),
        ]
    counts = Counter(marks.values())
    told = ", ".join(f"{counts[mark]} {mark}" for mark in MARKS if counts[mark])
    legend = "; ".join(f"{mark}: {meaning}" for mark, meaning in MARKS.items() if counts[mark])
    text = "\n".join([*lines, f"{len(listed)} claims: {told} ({legend})", ""])
    return text, [name for name, mark in marks.items() if mark == "FAILS"]


def _mark(claim: Claim) -> str:
    verdict: str = claim["verdict"]
    for where in WHERE:
        verdict = verdict.removesuffix(where)
    expected = claim["expected"]
    found = "holds" if verdict in _HOLDS else "does not hold"
    found = verdict if verdict in ("not run", "not decided") else found
    if found == expected or (found, expected) == ("not decided", "does not hold"):
        return "ok"
    if found == "not run":
        return "open"
    if found == "holds":
        return "better"
    return "worse" if expected in ("does not hold", "not run") else "FAILS"
