# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Nightly regression by layer: modelled cycles are exact, so what moved is told exactly, and where.

A baseline is a JSON file: of every run the size of its package, how far its outputs are from PyTorch's,
and every layer with the cycles of each function and stall.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_json
from colonnade.results.provenance import revision
from colonnade.results.records import BaselineLayer, BaselineRun, CycleBaseline, NightlyRun

SIZE, AGREEMENT = "package size", "agreement with PyTorch"
"""What is compared of a run beside its layers."""


@dataclass(frozen=True)
class Case:
    """A layer of a run, `SIZE` or `AGREEMENT`, beside the baseline's: what is said of it."""

    run: str
    name: str
    text: str
    percent: float
    moved: bool
    fails: bool


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

    def case(self, allowed_percent: float) -> Case:
        """It fails where it is slower than allowed, or gone."""
        fails = self.after is None or self.percent > allowed_percent
        moved = self.before != self.after
        return Case(self.run, self.layer, self.text, self.percent, moved, fails)


def _most(before: Mapping[str, int], after: Mapping[str, int], change: int) -> tuple[str, int]:
    """The key that moved most in the direction of `change`, and by how much."""
    moved = {key: after.get(key, 0) - before.get(key, 0) for key in {*before, *after}}
    name = max(sorted(moved), key=lambda key: moved[key] * (1 if change > 0 else -1), default="")
    most = moved.get(name, 0)
    return name, most if most * change > 0 else 0


def read_runs(reports: Sequence[Path]) -> CycleBaseline:
    """The runs of reports, as a baseline has them.

    Raises:
        ColonnadeError: a report is missing, damaged, or of time that was measured.
    """
    runs: dict[str, BaselineRun] = {}
    for path in reports:
        report = read_json(path, NightlyRun)
        runs[run_name(report)] = {
            "checkpoint_sha256": report["checkpoint_sha256"],
            "package_bytes": report["package_bytes"],
            "relative_error": report["relative_error"],
            "agrees": report["agrees"],
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


def run_name(report: NightlyRun) -> str:
    """How a run is called wherever it is compared."""
    return (
        f"{report['model']} at {report['image_px']} px, {report['dtype']} on {report['target']},"
        f" VLEN {report['vlen']}, {report['threads']} threads"
    )


def compare(baseline: CycleBaseline, ours: CycleBaseline, allowed_percent: float) -> list[Case]:
    """Every run of both: its size, its agreement and its layers; ours first, in their order."""
    cases: list[Case] = []
    for run in {**ours["runs"], **baseline["runs"]}:
        before, after = (each["runs"].get(run) for each in (baseline, ours))
        if after is not None:
            cases += [_size(run, before, after), _agreement(run, before, after)]
        layers = [{} if each is None else each["layers"] for each in (before, after)]
        cases += [
            Moved(run, name, layers[0].get(name), layers[1].get(name)).case(allowed_percent)
            for name in {**layers[1], **layers[0]}
        ]
    return cases


def _size(run: str, before: BaselineRun | None, after: BaselineRun) -> Case:
    """A package that grew fails: it is exact."""
    now = after["package_bytes"]
    if before is None:
        return Case(run, SIZE, f"new: {now} bytes", 0, moved=True, fails=False)
    then = before["package_bytes"]
    percent = 100 * (now / then - 1)
    text = f"{then} -> {now} bytes ({percent:+.2f}%)" if now != then else f"{now} bytes, as before"
    return Case(run, SIZE, text, percent, moved=now != then, fails=now > then)


def _agreement(run: str, before: BaselineRun | None, after: BaselineRun) -> Case:
    """Outputs out of tolerance fail, whatever the baseline's were."""
    now = f"largest difference {after['relative_error']:.2e} of the largest output"
    then = None if before is None else f"{before['relative_error']:.2e}"
    moved = then is None or f"{after['relative_error']:.2e}" != then
    text = f"{now}, before {then or 'unknown'}" if moved else f"{now}, as before"
    if not after["agrees"]:
        text += "; more than the datatype explains, or another class is first"
    return Case(run, AGREEMENT, text, 0, moved=moved, fails=not after["agrees"])


def totals(baseline: CycleBaseline, ours: CycleBaseline) -> Iterator[tuple[str, int, int]]:
    """Runs of both, with the cycles of the layers that both have: the baseline's, and ours."""
    for run, after in ours["runs"].items():
        before = baseline["runs"].get(run)
        if before is None:
            continue
        both = before["layers"].keys() & after["layers"].keys()
        sums = [sum(each["layers"][name]["cycles"] for name in both) for each in (before, after)]
        yield run, sums[0], sums[1]


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
