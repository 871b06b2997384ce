# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the unknown parameters of the core leave of each value, and which conclusions hold on any core.

Networks run on each core of a band; a value has a range over all of them, and a conclusion holds if it is
the same on all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_text
from colonnade.evaluation.runs import BandRun
from colonnade.results.ranges import range_of
from colonnade.results.records import NOMINAL, OverBand
from colonnade.results.tables import SENSITIVITY, write_table

# Runs that differ by less are equal: those of the same schedules are, though their heaps lie elsewhere.
_EQUAL = 1.001
# Kinds of conclusions whose ratio is of interest, not only whether it exceeds 1.
_VALUES = frozenset(("speedup", "layout", "pruning", "f16", "threads"))
Reports = Mapping[BandRun, OverBand]
"""What each run takes on every core, the baseline first."""

Cycles = Mapping[str, Mapping[str, int]]
"""Modelled cycles by core, then by the run's name."""


@dataclass(frozen=True)
class Conclusion:
    """`ratio` says by core how many times better the first is; it holds while all exceed 1."""

    kind: str
    text: str
    ratio: Mapping[str, float]

    def row(self) -> dict[str, Any]:
        """The row of `sensitivity.csv`."""
        found = range_of(self.ratio)
        return {
            "kind": self.kind,
            "conclusion": self.text,
            "nominal": self.ratio[NOMINAL],
            "holds": int(found["lowest"] > 1),
            **found,
        }


def run_name(run: BandRun, baseline: BandRun) -> str:
    """What a run is called in conclusions; the baseline's datatype and threads are not said."""
    dtype = "" if run.dtype == baseline.dtype else f" in {run.dtype}"
    threads = "" if run.threads == baseline.threads else f" on {run.threads} cores"
    return f"{run.implementation} {run.variant}{dtype}{threads}"


def _faster(kind: str, prefix: str, first: str, second: str, cycles: Cycles) -> Conclusion:
    ratio = {name: found[second] / found[first] for name, found in cycles.items()}
    return Conclusion(kind, f"{prefix}{first} is faster than {second}", ratio)


def _compared(kind: str, run: str, other: str, cycles: Cycles) -> Conclusion:
    """How much faster, or slower, a run is than another on the nominal core."""
    if cycles[NOMINAL][run] <= cycles[NOMINAL][other]:
        return _faster(kind, "", run, other, cycles)
    slower = _faster(kind, "", other, run, cycles)
    return replace(slower, text=f"{run} is slower than {other}")


def _apart(cycles: Mapping[str, int]) -> list[str]:
    """Runs from the fastest on, without those that are as fast as one before: no order is concluded."""
    ranked = sorted(cycles, key=cycles.__getitem__)
    apart = ranked[:1]
    for run in ranked[1:]:
        if cycles[run] > _EQUAL * cycles[apart[-1]]:
            apart.append(run)
    return apart


def _factors(runs: Sequence[BandRun]) -> list[tuple[str, BandRun, BandRun]]:
    """What each run is compared with, and what of the speedup the two tell: the kind of conclusion."""
    baseline, dense, *others = runs
    found = [("layout", dense, baseline)]
    for run in others:
        if run.dtype != baseline.dtype:
            found.append(("f16", run, run._replace(dtype=baseline.dtype)))
        elif run.threads != baseline.threads:
            found.append(("threads", run, run._replace(threads=baseline.threads)))
        else:
            found += [("pruning", run, dense), ("speedup", run, baseline)]
    return found


def conclusions(reports: Reports) -> list[Conclusion]:
    """What the runs of a network say, first of the whole, then of each convolution.

    Args:
        reports: of the baseline, of the dense network, then of others.
    """
    baseline = next(iter(reports))
    names = {run: run_name(run, baseline) for run in reports}
    totals = {
        core: {names[run]: sum(found["cycles"][core]) for run, found in reports.items()}
        for core in reports[baseline]["cycles"]
    }
    found = [
        _compared(kind, names[run], names[other], totals)
        for kind, run, other in _factors(list(reports))
    ]
    alike = [run for run in reports if (run.dtype, run.threads) == baseline[2:]]
    ranked = _apart({names[run]: totals[NOMINAL][names[run]] for run in alike})
    found += [_faster("order", "", first, second, totals) for first, second in pairwise(ranked)]
    for layer in _convolutions([reports[run] for run in alike]):
        cycles = {
            core: {names[run]: _layer_cycles(reports[run], layer, core) for run in alike}
            for core in totals
        }
        found += [
            _faster("layer", f"{layer}: ", first, second, cycles)
            for first, second in pairwise(_apart(cycles[NOMINAL])[:2])
        ]
    return found


def _convolutions(reports: Sequence[OverBand]) -> list[str]:
    """Names of the convolutions that every run has as a layer."""
    names = [
        [layer["name"] for layer in report["layers"] if layer["op"] == "conv2d"]
        for report in reports
    ]
    return [name for name in names[0] if all(name in others for others in names)]


def _layer_cycles(report: OverBand, name: str, core: str) -> int:
    layers = zip(report["layers"], report["cycles"][core], strict=True)
    return sum(cycles for layer, cycles in layers if layer["name"] == name)


def write_sensitivity(reports: Reports, table: Path, text: Path) -> None:
    """Write `sensitivity.csv`, and in Markdown the values with their ranges and what changes."""
    rows = [conclusion.row() for conclusion in conclusions(reports)]
    write_table(table, SENSITIVITY, rows)
    write_text(text, f"{in_markdown(rows)}\n{_what_changes(rows)}")


def in_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The values of `sensitivity.csv` with their ranges: the table that docs/timing-model.md has."""
    cores = rows[0]["cores"]
    lines = [f"| on {cores} cores | nominal | lowest | median | highest |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['conclusion']} | {row['nominal']:.2f} | {row['lowest']:.2f} ({row['lowest_with']})"
        f" | {row['median']:.2f} | {row['highest']:.2f} ({row['highest_with']}) |"
        for row in rows
        if row["kind"] in _VALUES
    ]
    return "".join(f"{line}\n" for line in lines)


def _what_changes(rows: Sequence[Mapping[str, Any]]) -> str:
    """What is not so on every core, in Markdown."""
    changing = [row for row in rows if not row["holds"]]
    lines = ["Not so on every core:" if changing else "All else is so on every core."]
    # A value can be the order of two runs too.
    lines += dict.fromkeys(
        f"- {row['conclusion']}: {row['lowest']:.2f} with {row['lowest_with']}" for row in changing
    )
    return "".join(f"{line}\n" for line in lines)


def read_reports(runs: Sequence[tuple[BandRun, Path]]) -> dict[BandRun, OverBand]:
    """The file of each run.

    Raises:
        ColonnadeError: one is missing or damaged, or they are not of the same cores.
    """
    found = {run: read_json(path, OverBand) for run, path in runs}
    first = next(iter(found.values()))
    for run, path in runs:
        if found[run]["cycles"].keys() != first["cycles"].keys() or NOMINAL not in first["cycles"]:
            cores = ", ".join([NOMINAL, *(name for name in first["cycles"] if name != NOMINAL)])
            raise ColonnadeError(
                f"{path}: cycles: of {', '.join(found[run]['cycles'])}; allowed: {cores}"
            )
    return found
