# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The claims of ARTIFACT.md: written from config/claims.yaml, which alone has them."""

from collections.abc import Mapping
from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_text
from colonnade.common.paths import table_file
from colonnade.results.claims import Definitions

DOCUMENT = Path("ARTIFACT.md")
_BEGIN = "<!-- claims: written by `colonnade config-reference` -->\n"
_END = "<!-- end of claims -->\n"
_WHOSE = {
    "abstract": "the paper's abstract",
    "paper": "the paper",
    "third-party": "a machine-made summary of it",
    "ours": "ours",
}


def with_claims(document: Path, defined: Definitions, recorded: Mapping[str, float]) -> str:
    """The text of `document`, whose list of claims is written anew.

    Args:
        document: the page.
        defined: the claims.
        recorded: by the id of a claim what a recorded run says, where one does.

    Raises:
        ColonnadeError: it is missing, or does not say where its claims stand.
    """
    text = read_text(document)
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ColonnadeError(f"{document}: needed: the lines {_BEGIN.strip()} and {_END.strip()}")
    return "".join([before, begin, *_table(defined, recorded), end, after])


def _table(defined: Definitions, recorded: Mapping[str, float]) -> list[str]:
    rows = [
        "| id | claim | whose | shown if | recorded | expected here | computed from |\n",
        "|---|---|---|---|---|---|---|\n",
    ]
    for claim in defined.claims:
        unit = claim.unit if claim.unit in ("x", "%") else f" {claim.unit}"
        tables = ", ".join(f"`{table_file(name)}`" for name in claim.tables)
        criterion = f"{claim.holds} {claim.limit:g}{unit}"
        cells = (
            f"`{claim.id}`",
            claim.claim,
            _WHOSE[claim.source],
            criterion,
            f"{recorded[claim.id]:.2f}{unit}" if claim.id in recorded else "",
            claim.expected,
            tables,
        )
        rows.append(f"| {' | '.join(cells)} |\n")
    for run in defined.runs:
        names = ", ".join(f"`{each.id}`" for each in defined.claims if each.command == run.command)
        rows.append(f"\n{names} ({run.time}):\n\n    {run.command}\n")
    return rows
