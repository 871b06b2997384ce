# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which conclusions hold whatever the unknown parameters of the core are.

Networks run on each core of a band; a conclusion holds if it is the same on all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_text
from colonnade.results.records import Run
from colonnade.results.tables import SENSITIVITY, write_table
from colonnade.validation.band import Band

NOMINAL = "nominal"
# Runs that differ by less are equal: those of the same schedules are, though their heaps lie elsewhere.
_EQUAL = 1.001
Cycles = Mapping[str, Mapping[str, int]]
"""Modelled cycles by variant of the core, then by implementation."""


@dataclass(frozen=True)
class Conclusion:
    """`ratio` says by variant how many times better the first is; it holds while all exceed 1."""

    kind: str
    text: str
    ratio: Mapping[str, float]

    def row(self) -> dict[str, Any]:
        """The row of `sensitivity.csv`."""
        low, high = (end(self.ratio, key=self.ratio.__getitem__) for end in (min, max))
        return {
            "kind": self.kind,
            "conclusion": self.text,
            "nominal": self.ratio[NOMINAL],
            "lowest": self.ratio[low],
            "lowest_with": low,
            "highest": self.ratio[high],
            "highest_with": high,
            "holds": int(self.ratio[low] > 1),
        }


def _faster(kind: str, prefix: str, first: str, second: str, cycles: Cycles) -> Conclusion:
    ratio = {name: found[second] / found[first] for name, found in cycles.items()}
    return Conclusion(kind, f"{prefix}{first} is faster than {second}", ratio)


def _speedup(run: str, baseline: str, cycles: Cycles) -> Conclusion:
    """How much faster, or slower, a run is than the baseline on the nominal core."""
    if cycles[NOMINAL][run] <= cycles[NOMINAL][baseline]:
        return _faster("speedup", "", run, baseline, cycles)
    slower = _faster("speedup", "", baseline, run, cycles)
    return replace(slower, text=f"{run} is slower than {baseline}")


def _apart(cycles: Mapping[str, int]) -> list[str]:
    """Runs from the fastest on, without those that are as fast as one before: no order is concluded."""
    ranked = sorted(cycles, key=cycles.__getitem__)
    apart = ranked[:1]
    for run in ranked[1:]:
        if cycles[run] > _EQUAL * cycles[apart[-1]]:
            apart.append(run)
    return apart


def conclusions(reports: Mapping[str, Mapping[str, Any]], baseline: str) -> list[Conclusion]:
    """What the runs of a network say, first of the whole, then of each convolution.

    Args:
        reports: the runner's reports by variant of the core (one of them nominal), then by the name
            of a run.
        baseline: the run that the others are compared with.
    """
    totals = {
        core: {run: int(report["total"]["cycles"]) for run, report in runs.items()}
        for core, runs in reports.items()
    }
    order = sorted(totals[NOMINAL], key=totals[NOMINAL].__getitem__)
    found = [_speedup(run, baseline, totals) for run in order if run != baseline]
    found += [
        _faster("order", "", first, second, totals)
        for first, second in pairwise(_apart(totals[NOMINAL]))
    ]
    for layer in _convolutions(reports[NOMINAL]):
        cycles = {
            core: {run: _layer_cycles(report, layer) for run, report in runs.items()}
            for core, runs in reports.items()
        }
        found += [
            _faster("layer", f"{layer}: ", first, second, cycles)
            for first, second in pairwise(_apart(cycles[NOMINAL])[:2])
        ]
    return found


def _convolutions(runs: Mapping[str, Any]) -> list[str]:
    """Names of the convolutions that every run has as a layer."""
    names = [
        [layer["name"] for layer in report["layers"] if layer["op"] == "conv2d"]
        for report in runs.values()
    ]
    return [name for name in names[0] if all(name in others for others in names)]


def _layer_cycles(report: Mapping[str, Any], name: str) -> int:
    return sum(int(layer["cycles"]) for layer in report["layers"] if layer["name"] == name)


def write_sensitivity(
    reports: Mapping[str, Mapping[str, Any]], baseline: str, table: Path, text: Path
) -> None:
    """Write `sensitivity.csv`, and as text which conclusions change inside the band."""
    rows = [conclusion.row() for conclusion in conclusions(reports, baseline)]
    write_table(table, SENSITIVITY, rows)
    write_text(text, "".join(_sentence(row) for row in rows))


def _sentence(row: Mapping[str, Any]) -> str:
    span = f"{row['lowest']:.2f} ({row['lowest_with']}) to {row['highest']:.2f}"
    verdict = "holds" if row["holds"] else f"CHANGES with {row['lowest_with']}"
    return (
        f"{row['conclusion']}: {row['nominal']:.2f}x; {span} ({row['highest_with']}): {verdict}\n"
    )


def run_name(implementation: str, variant: str) -> str:
    """What a run is called in conclusions."""
    return f"{implementation} {variant}"


def read_reports(
    files: Sequence[Path], runs: Sequence[tuple[str, str]], band: Band
) -> dict[str, dict[str, Any]]:
    """The reports of all runs on the nominal core and on each variant.

    Args:
        files: the reports, of all runs on the nominal core first, then on each core of the band.
        runs: (implementation, variant) of each run.
        band: the variants of the core.

    Raises:
        ColonnadeError: not one report for each, or a damaged one.
    """
    cores = [NOMINAL, *(core.name for core in band.variants)]
    if len(files) != len(cores) * len(runs):
        raise ColonnadeError(f"{len(files)} reports of {len(runs)} runs on {len(cores)} cores")
    left = iter(files)
    return {core: {run_name(*run): read_json(next(left), Run) for run in runs} for core in cores}
