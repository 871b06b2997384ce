# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Nightly regression by layer: modelled cycles are exact, so what moved is told exactly, and where.

A baseline is a JSON file: every layer of every run, with the cycles of each function and stall.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_json
from colonnade.results.provenance import revision
from colonnade.results.records import BaselineLayer, BaselineRun, CycleBaseline, ModelledRun


@dataclass(frozen=True)
class Moved:
    """A layer beside the baseline's; `before` or `after` is None where only the other has it."""

    run: str
    layer: str
    before: BaselineLayer | None
    after: BaselineLayer | None

    @property
    def percent(self) -> float:
        """Change of its cycles; 0 where there is nothing to compare with."""
        if self.before is None or self.after is None:
            return 0
        return 100 * (self.after["cycles"] / self.before["cycles"] - 1)

    @property
    def text(self) -> str:
        """What moved, and in which function and stall most."""
        if self.before is None:
            return "new: the baseline has no such layer"
        if self.after is None:
            return "gone: only the baseline has it"
        change = self.after["cycles"] - self.before["cycles"]
        if change == 0:
            return f"{self.after['cycles']} cycles, as before"
        said = f"{self.before['cycles']} -> {self.after['cycles']} cycles ({self.percent:+.2f}%)"
        for what in ("functions", "stalls"):
            name, most = _most(self.before[what], self.after[what], change)
            if most:
                said += f"; of {what}, {name} most: {most:+d}"
        if self.before["schedule"] != self.after["schedule"]:
            said += f"; schedule {self.before['schedule']} -> {self.after['schedule']}"
        return said


def _most(before: Mapping[str, int], after: Mapping[str, int], change: int) -> tuple[str, int]:
    """The key that moved most in the direction of `change`, and by how much."""
    moved = {key: after.get(key, 0) - before.get(key, 0) for key in {*before, *after}}
    name = max(sorted(moved), key=lambda key: moved[key] * (1 if change > 0 else -1), default="")
    most = moved.get(name, 0)
    return name, most if most * change > 0 else 0


def read_runs(reports: Sequence[Path]) -> CycleBaseline:
    """The layers of the reports of runs, as a baseline has them.

    Raises:
        ColonnadeError: a report is missing, damaged, or of time that was measured.
    """
    runs: dict[str, BaselineRun] = {}
    for path in reports:
        report = read_json(path, ModelledRun)
        machine = f"{report['dtype']} vlen {report['vlen']}, {report['threads']} threads"
        variant = f"{path.parent.name}/{path.stem}"
        runs[f"{report['model']} {machine}, batch {report['batch']}: {variant}"] = {
            "checkpoint_sha256": report["checkpoint_sha256"],
            "layers": {
                layer["name"]: {
                    "cycles": layer["cycles"],
                    "schedule": layer.get("schedule", ""),
                    "functions": layer["counters"]["functions"],
                    "stalls": layer["counters"]["stalls"],
                }
                for layer in report["layers"]
            },
        }
    return {"reason": "", "git_commit": revision()["git_commit"], "runs": runs}


def compare_layers(baseline: CycleBaseline, ours: CycleBaseline) -> list[Moved]:
    """Every layer of every run of both, in the order of ours, then what only the baseline has."""
    return [
        Moved(run, layer, before.get(layer), after.get(layer))
        for run in {**ours["runs"], **baseline["runs"]}
        for before, after in [
            [each["runs"].get(run, {"layers": {}})["layers"] for each in (baseline, ours)]
        ]
        for layer in {**after, **before}
    ]


def failing(moved: Sequence[Moved], allowed_percent: float) -> list[Moved]:
    """Those that are slower than allowed, or gone."""
    return [each for each in moved if each.after is None or each.percent > allowed_percent]


def other_weights(baseline: CycleBaseline, ours: CycleBaseline) -> list[str]:
    """Runs whose network is not the baseline's: their masks may differ, and with them the cycles."""
    both = baseline["runs"].keys() & ours["runs"].keys()
    return sorted(
        run
        for run in both
        if len({each["runs"][run]["checkpoint_sha256"] for each in (baseline, ours)}) > 1
    )


def accept(reports: Sequence[Path], reason: str, target: Path) -> CycleBaseline:
    """Make the runs of reports the baseline, and keep why.

    Raises:
        ColonnadeError: there are none, no reason is given, or a report is damaged.
    """
    if not reason.strip():
        raise ColonnadeError("--reason: empty; allowed: why these cycles are right from now on")
    if not reports:
        raise ColonnadeError("no reports of runs; `make nightly-cycles` makes them")
    made = read_runs(reports)
    made["reason"] = reason.strip()
    write_json(target, made)
    return made
