# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Joins the sections of the report into one page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import polars as pl

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, read_text, write_text
from colonnade.report.contents import SECTIONS
from colonnade.report.rendering import environment
from colonnade.report.sections import fastest_of
from colonnade.report.words import PAPER
from colonnade.results.intervals import top1_interval
from colonnade.results.records import EVIDENCE, Claim, Verdict
from colonnade.results.tables import ACCURACY, THROUGHPUT, read_table


def write_page(
    throughput: Path,
    accuracy: Path,
    claims: Path,
    sections: Mapping[str, Path],
    left_out: Sequence[str],
    target: Path,
) -> None:
    """Write the page `target`.

    Args:
        throughput: `throughput.csv`, for the heading.
        accuracy: `accuracy.csv`, for the same.
        claims: `claims.json`, for the same.
        sections: rendered sections by name; the page has them in the order of `contents.SECTIONS`.
        left_out: names of sections that this page has not; it names the commands that make them.
        target: the file to write.

    Raises:
        ColonnadeError: a file is missing or damaged, or is of no section.
    """
    unknown = sorted({*sections, *left_out} - {section.name for section in SECTIONS})
    if unknown:
        raise ColonnadeError(f"{target}: no such section: {', '.join(unknown)}")
    fastest = fastest_of(read_table(throughput, THROUGHPUT).rows(named=True))
    emulated = read_table(accuracy, ACCURACY).filter(pl.col("executed_on") != "torch")
    same = emulated.filter(pl.col("checkpoint_sha256") == fastest["checkpoint_sha256"])
    if same.is_empty():
        raise ColonnadeError(f"{accuracy}: no row of checkpoint {fastest['checkpoint_sha256']}")
    row = same.row(0, named=True)
    html = environment().get_template("page.html.j2")
    text = html.render(
        fastest=fastest,
        legend=EVIDENCE,
        paper=PAPER,
        tally=_tally(read_json(claims, list[Claim])),
        same=row,
        interval=top1_interval(row["top1"], row["n_images"]),
        agreement=min(emulated["agreement_with_torch"]),
        sections=[section for section in SECTIONS if section.name in sections],
        fragments={name: read_text(path) for name, path in sections.items()},
        left_out=[section for section in SECTIONS if section.name in left_out],
    )
    write_text(target, text)


def _tally(claims: Sequence[Claim]) -> dict[str, int]:
    """How many claims have each verdict, in the order in which verdicts are listed."""
    count = Counter(claim["verdict"] for claim in claims)
    return {verdict: count[verdict] for verdict in get_args(Verdict) if count[verdict]}
