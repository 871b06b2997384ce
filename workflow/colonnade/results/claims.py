# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the paper, others about it and we claim, each judged from the tables of a run.

Claims are data: a file of definitions, each with the query over tables that computes its value. Values
are compared in the precision in which the claim states them: 3.97 reproduces "4.0x".
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, Self, get_args

import polars as pl
from pydantic import Field, field_validator, model_validator

from colonnade.common.errors import ColonnadeError, first_line
from colonnade.common.files import write_json
from colonnade.common.paths import table_file
from colonnade.config.errors import validated
from colonnade.config.section import Number, Section, Whole
from colonnade.config.sources import read_yaml
from colonnade.results.intervals import drop_interval, top1_interval
from colonnade.results.ranges import range_of
from colonnade.results.records import NOMINAL, WHERE, Expected, Verdict
from colonnade.results.tables import (
    ACCURACY,
    DENSE_BASELINES,
    PACKAGES,
    SMALL_STUDY,
    THROUGHPUT,
    THROUGHPUT_BAND,
    Schema,
    read_table,
)

TABLES: Mapping[str, Schema] = {
    "throughput": THROUGHPUT,
    "accuracy": ACCURACY,
    "packages": PACKAGES,
    "small_study": SMALL_STUDY,
    "dense_baselines": DENSE_BASELINES,
}
"""Those of which claims can be made."""
BAND = "throughput_band"
"""Throughput on every core of a band, on which claims of modelled values are judged too."""
ON_REQUEST = frozenset({"small_study", "dense_baselines"})
"""Of these, those that `full-run` may be without."""

Evidence = Literal["measured", "modelled", "emulated"]
Table = Literal["throughput", "accuracy", "packages", "small_study", "dense_baselines"]
Text = Annotated[str, Field(min_length=1)]
Command = Annotated[str, Field(pattern=r"^snakemake [a-z-]+( |$)")]


class Definition(Section):
    """One claim: what is said, how its value is computed, and when it holds."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    claim: Text
    source: Literal["abstract", "paper", "third-party", "ours"]
    stated: Number | None = None
    # Compared with where the claim states no number.
    bound: Number | None = None
    unit: Literal["x", "points", "%"]
    digits: Annotated[Whole, Field(ge=0, le=10)]
    holds: Literal["at least", "at most", "more than"]
    # Of a run of the default configuration.
    expected: Expected
    # What runs it.
    command: Command
    # A value beyond the stated one follows from what was configured, and exceeds nothing.
    by_choice: bool = False
    # The value is how much lower (at most) or higher (at least) `top1` is than `top1_dense`, of the dense
    # network or of what else it is compared with, over `n_images` images; the query selects all three.
    of_images: bool = False
    # Of queries that select no column of that name.
    evidence: Evidence | None = None
    tables: Annotated[tuple[Table, ...], Field(min_length=1)]
    query: Text
    detail: Text
    not_run: Text
    refuted_by: Text

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.stated is None) == (self.bound is None):
            raise ValueError("one of stated and bound is needed")
        return self

    @field_validator("query")
    @classmethod
    def _reads_tables_alone(cls, query: str) -> str:
        """Polars would open files and addresses: `SELECT * FROM read_csv('...')`."""
        if "read_" in query.lower():
            raise ValueError("allowed: the tables of the claim, no function that reads a file")
        return query

    @property
    def limit(self) -> float:
        """What the value is compared with."""
        limit = self.bound if self.stated is None else self.stated
        assert limit is not None
        return limit


class Run(Section):
    """A command that claims name, and how long it takes."""

    command: Command
    time: Text


class Definitions(Section):
    """A file of claims."""

    runs: tuple[Run, ...]
    claims: Annotated[tuple[Definition, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        names = [each.id for each in self.claims]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"id given twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _every_command_has_a_time(self) -> Self:
        named, timed = {each.command for each in self.claims}, [each.command for each in self.runs]
        if sorted(named) != sorted(timed):
            odd = ", ".join(sorted(named ^ set(timed)) or ["one of them twice"])
            raise ValueError(f"runs and the commands of claims differ: {odd}")
        return self


def read_definitions(path: Path) -> Definitions:
    """A file of claims.

    Raises:
        ColonnadeError: one line for every mistake, naming file and key.
    """
    return validated(Definitions, read_yaml(path), str(path))


def write_claims(
    definitions: Path, tables: Sequence[Path], target: Path, *, in_part: bool = False
) -> None:
    """Judge every claim of the file `definitions`, and write `claims.json`.

    Args:
        definitions: the file of claims.
        tables: the tables that claims may be made of, each named as in `TABLES`; `BAND` beside them if
            networks were run over a band.
        target: the file to write.
        in_part: claims whose tables were not given are not run; otherwise they are refused.

    Raises:
        ColonnadeError: a mistake in the definitions, or a table that is missing or damaged.
    """
    wanted = read_definitions(definitions).claims
    found: dict[str, pl.DataFrame] = {}
    schemas: Mapping[str, Schema] = {**TABLES, BAND: THROUGHPUT_BAND}
    for path in tables:
        if path.stem not in schemas:
            raise ColonnadeError(f"{path}: no table of claims; allowed: {', '.join(schemas)}")
        found[path.stem] = read_table(path, schemas[path.stem])
    claims = [_judge(each, definitions, found, in_part=in_part) for each in wanted]
    write_json(target, claims)


def recorded_values(defined: Definitions, throughput: pl.DataFrame) -> dict[str, float]:
    """The value of each claim that a recorded table of throughput is enough for, by its id."""
    tables = {"throughput": throughput}
    rows = {
        each.id: _row(each, each.id, tables)
        for each in defined.claims
        if tables.keys() >= {*each.tables}
    }
    return {name: float(row["value"]) for name, row in rows.items() if row is not None}


def verdict_of(
    definition: Definition, value: float, evidence: Evidence, band: Sequence[float] = ()
) -> Verdict:
    """What a value says of a claim.

    Modelled values do so in the model where those of all other cores, `band`, do too; without a band on
    the nominal core. "At least" is exceeded above the stated value; "at most" where nothing is lost.
    """
    words = {_word(definition, each) for each in (value, *band)}
    if "not reproduced" in words and len(words) > 1:
        return "depends on the core"
    (word,) = words if len(words) == 1 else ("reproduced",)
    where = WHERE[0 if band else 1]
    verdict = f"{word}{where}" if evidence == "modelled" else word
    assert verdict in get_args(Verdict)
    return verdict  # type: ignore[return-value]


def _word(definition: Definition, value: float) -> str:
    rounded, limit = round(value, definition.digits), definition.limit
    if definition.holds == "at most":
        holds, beyond = rounded <= limit, rounded <= 0
    elif definition.holds == "more than":
        holds, beyond = rounded > limit, False
    else:
        holds, beyond = rounded >= limit, rounded > limit
    beyond = beyond and definition.stated is not None and not definition.by_choice
    return "exceeded" if beyond else "reproduced" if holds else "not reproduced"


def _judge(
    definition: Definition, file: Path, tables: Mapping[str, pl.DataFrame], *, in_part: bool
) -> dict[str, Any]:
    where = f"{file}: {definition.id}"
    missing = [name for name in definition.tables if name not in tables]
    if not in_part and set(missing) - ON_REQUEST:
        raise ColonnadeError(f"{where}: tables: {', '.join(missing)} were not given")
    row = None if missing else _row(definition, where, tables)
    claim: dict[str, Any] = {
        "id": definition.id,
        "claim": definition.claim,
        "source": definition.source,
        "expected": definition.expected,
        "command": definition.command,
        "criterion": f"{definition.holds} {definition.limit:g}",
        "paper_value": definition.stated,
        "our_value": None,
        "unit": definition.unit,
        "evidence": definition.evidence or "modelled",
        "verdict": "not run",
        "over_band": None,
        "detail": definition.not_run,
        "refuted_by": definition.refuted_by,
        "artifacts": [table_file(name) for name in definition.tables],
    }
    if row is None:
        return claim
    value, evidence = (
        float(row["value"]),
        _evidence(row.get("evidence", definition.evidence), where),
    )
    detail = _filled(definition.detail, row, where)
    if definition.by_choice:
        detail += "; what is beyond the stated value follows from the sparsities that were chosen"
    band = _over_band(definition, where, tables) if evidence == "modelled" else {}
    verdict = verdict_of(definition, value, evidence, list(band.values()))
    if band:
        claim["over_band"] = range_of({NOMINAL: value, **band})
        claim["artifacts"].append(table_file(BAND))
    if definition.of_images:
        verdict, said = _of_images(definition, row, verdict, where)
        detail += said
    return claim | {"our_value": value, "evidence": evidence, "verdict": verdict, "detail": detail}


def _over_band(
    definition: Definition, where: str, tables: Mapping[str, pl.DataFrame]
) -> dict[str, float]:
    """The value on every other core of the band, where there is one with the runs of the claim.

    Raises:
        ColonnadeError: the band has other runs than the table of throughput: a range over them would be
            of another value.
    """
    if BAND not in tables or "throughput" not in definition.tables:
        return {}
    # Those as in the table of throughput: others have another datatype, or more threads.
    threads = tables["throughput"]["threads"].unique()
    alike = tables[BAND].filter(
        (pl.col("dtype") == "f32") & pl.col("threads").is_in(threads.to_list())
    )
    found = {}
    wanted = _runs_of(tables["throughput"])
    for (core,), runs in alike.group_by("core", maintain_order=True):
        if (there := _runs_of(runs)) != wanted:
            allowed = ", ".join(map(str, sorted(wanted)))
            raise ColonnadeError(
                f"{where}: {table_file(BAND)}: core {core}: runs {', '.join(map(str, sorted(there)))};"
                f" allowed: those of {table_file('throughput')}, {allowed}"
            )
        row = _row(definition, where, {**tables, "throughput": runs.select(list(THROUGHPUT))})
        if row is None:
            return {}
        found[str(core)] = float(row["value"])
    found.pop(NOMINAL, None)
    return found


def _runs_of(table: pl.DataFrame) -> set[tuple[str, str, float]]:
    return set(table.select("model", "implementation", "sparsity").iter_rows())


def _of_images(
    definition: Definition, row: Mapping[str, Any], verdict: Verdict, where: str
) -> tuple[Verdict, str]:
    """The verdict on a difference of top-1, if its images decide, and what to say of how sure it is."""
    missing = [name for name in ("top1", "top1_dense", "n_images") if row.get(name) is None]
    if missing:
        raise ColonnadeError(f"{where}: query: selects no {', '.join(missing)}; of_images needs it")
    dense, top1, images = float(row["top1_dense"]), float(row["top1"]), int(row["n_images"])
    low, high = drop_interval(dense, top1, images)
    if definition.holds == "at least":
        low, high = -high, -low
    of_each = [top1_interval(each, images) for each in (top1, dense)]
    said = (
        f"; 95% intervals: {of_each[0][0]:.2f} to {of_each[0][1]:.2f}%, against {of_each[1][0]:.2f} to"
        f" {of_each[1][1]:.2f}%, the value {low:.2f} to {high:.2f} points"
    )
    ends = {verdict_of(definition, each, "emulated") for each in (low, high)}
    if len(ends) == 1:
        return verdict, said
    if "not reproduced" in ends:
        return "not decided", f"{said}: not decided by {images:,} images"
    return "reproduced", said


def _evidence(found: object, where: str) -> Evidence:
    for known in get_args(Evidence):
        if found == known:
            return known  # type: ignore[no-any-return]
    allowed = ", ".join(get_args(Evidence))
    raise ColonnadeError(f"{where}: evidence: {found!r}, by key or column; allowed: {allowed}")


def _row(
    definition: Definition, where: str, tables: Mapping[str, pl.DataFrame]
) -> dict[str, Any] | None:
    """The row that the query gives, or None if it gives none or no value."""
    try:
        named: dict[str, Any] = {name: tables[name] for name in definition.tables}
        found = pl.SQLContext(named, eager=True).execute(definition.query)
    except pl.exceptions.PolarsError as error:
        raise ColonnadeError(f"{where}: query: {first_line(error)}") from error
    if "value" not in found.columns:
        raise ColonnadeError(f"{where}: query: selects {found.columns}; needed: a column `value`")
    if found.height > 1:
        raise ColonnadeError(f"{where}: query: {found.height} rows; allowed: one or none")
    if found.height == 0 or found["value"][0] is None:
        return None
    return found.row(0, named=True)


def _filled(text: str, row: Mapping[str, Any], where: str) -> str:
    names = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    unknown = sorted(names - set(row))
    if unknown:
        raise ColonnadeError(
            f"{where}: detail: no column {', '.join(unknown)}; allowed: {', '.join(row)}"
        )
    try:
        return text.format(**row)
    except (ValueError, TypeError) as error:
        raise ColonnadeError(f"{where}: detail: {error}") from error
