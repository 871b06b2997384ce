# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A core's description from a board: costs that were measured, and how far the old ones were off."""

import copy
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from colonnade.board.machine import Machine
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import make_folder, read_json, write_json, write_text
from colonnade.config.target import read_core
from colonnade.results.tables import CALIBRATION, write_table
from colonnade.targets.target import Target
from colonnade.validation.classes import MOST, CostKey, cost_key, instructions_of, set_cost
from colonnade.validation.compare import kernel_regions, microbenchmark_cycles
from colonnade.validation.fit import Fit, fit_description
from colonnade.validation.instructions import MICROBENCHMARKS
from colonnade.validation.kernels import KERNEL_POINTS, Run
from colonnade.validation.measured import (
    comparable,
    measure_kernels,
    measure_microbenchmarks,
    measured_mhz,
)
from colonnade.validation.model import TimingModel

_OTHERS = "none of its own"


@dataclass(frozen=True)
class Effort:
    """How often things are measured: rounds of everything, and iterations of a microbenchmark."""

    rounds: int
    iterations: int


@dataclass(frozen=True)
class Measurement:
    """What a board took: cycles of a microbenchmark's sequence, of a kernel's run, and its MHz."""

    sequences: Mapping[str, float]
    kernels: Mapping[Run, float]
    mhz: float


def calibrate(
    target: Target,
    model: TimingModel,
    effort: Effort,
    fit: Fit | None,
    output: Path,
    table: Path | None,
) -> str:
    """Measure a board, write the description of its core, and return what was found as text.

    Args:
        target: the board; its core's description is what the new one begins with.
        model: the timing model, which predicts from that description; its folder is for programs.
        effort: how often things are measured.
        fit: parameters that have no measurement of their own, to be fitted to the measured kernels.
        output: the new description.
        table: every measurement beside what the model said, if that is wanted.

    Raises:
        ColonnadeError: the target is no board with a core, or a program failed.
    """
    if target.config.core is None:
        raise ColonnadeError(f"target {target.name}: has no core; there is nothing to calibrate")
    core, machine = target.config.core, target.board.machine
    here = replace(model, work=model.work / "board")
    make_folder(here.work)
    mhz = measured_mhz(target.board, here)
    found = Measurement(
        measure_microbenchmarks(target.board, here, effort.rounds, effort.iterations),
        measure_kernels(target.board, here, effort.rounds),
        mhz,
    )
    rows = compare(
        found,
        microbenchmark_cycles(model, core, target.vlen),
        {
            run: int(each["cycles"])
            for run, each in kernel_regions(model, core, target.vlen).items()
        },
    )
    where = _where(target, machine, mhz)
    description = describe(read_json(core, dict[str, Any]), found, where, target.vlen)
    if fit is not None:
        measured = {run: round(cycles) for run, cycles in found.kernels.items()}
        expected = {
            each.name: each.value([measured[run] for run in each.runs]) for each in _fitted()
        }
        values, _, _ = fit_description(model, fit, description, expected, str(core), target.vlen)
        description["about"].append(
            f"Fitted to its kernels: {', '.join(f'{name} {value}' for name, value in values.items())}."
        )
    _check(model, description, output, target.vlen)
    if table is not None:
        write_table(table, CALIBRATION, rows)
    return summary(rows, where)


def compare(
    found: Measurement, sequences: Mapping[str, float], kernels: Mapping[Run, int]
) -> list[dict[str, Any]]:
    """Rows of measured and modelled cycles; `sequences` and `kernels` are what the model says."""
    rows = []
    for benchmark in MICROBENCHMARKS:
        key = cost_key(benchmark)
        kind = _OTHERS if key is None else key.name
        pair = found.sequences[benchmark.name], sequences[benchmark.name]
        rows.append(_row("instruction", kind, benchmark.name, *pair))
    groups = {run: each.group for each in KERNEL_POINTS for run in each.runs}
    for run, cycles in found.kernels.items():
        group = groups.get(run)
        if group is not None and comparable(group):
            rows.append(_row("kernel", group, f"{run[0]} {run[1]}", cycles, kernels[run]))
    return rows


def _row(kind: str, name: str, point: str, measured: float, modelled: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "class": name,
        "point": point,
        "measured_cycles": measured,
        "modelled_cycles": float(modelled),
        "error_percent": 100 * (modelled / measured - 1),
    }


def describe(
    description: Mapping[str, Any], found: Measurement, where: str, vlen: int
) -> dict[str, Any]:
    """A core's description with the costs that were measured; `about` says which, and `where`."""
    new = copy.deepcopy(dict(description))
    measured: dict[CostKey, list[float]] = {}
    for benchmark in MICROBENCHMARKS:
        key = cost_key(benchmark)
        if key is not None:
            cycles = found.sequences[benchmark.name] / instructions_of(benchmark)
            measured.setdefault(key, []).append(cycles)
    changed: dict[str, list[str]] = {}
    for key, all_of in sorted(
        measured.items(), key=lambda item: (item[0].name, item[0].place or 0)
    ):
        cycles = round(min(median(all_of), MOST), 2)
        if set_cost(new["classes"][key.name], key, cycles, vlen):
            changed.setdefault(key.name, []).append(key.key)
    for name, keys in changed.items():
        new["classes"][name]["about"] = f"measured: {', '.join(sorted(set(keys)))}"
    new["name"] = f"{description['name']}, calibrated"
    new["clock_mhz"] = found.mhz
    new["about"] = [
        where,
        "A class that says so has costs that were measured there, each the median of its instructions;"
        f" all else is as in the description that it began with. At most {MOST} cycles are noted.",
    ]
    return new


def summary(rows: Sequence[Mapping[str, Any]], where: str) -> str:
    """Modelled against measured cycles by class of instructions and kind of kernel, as text."""
    lines = [where, "", f"{'':24}points   median |error|   largest |error|"]
    for kind, name in dict.fromkeys((row["kind"], row["class"]) for row in rows):
        errors = [
            abs(row["error_percent"]) for row in rows if (row["kind"], row["class"]) == (kind, name)
        ]
        lines.append(f"{name:24}{len(errors):6}{median(errors):16.1f}%{max(errors):17.1f}%")
    return "\n".join(lines)


def _fitted() -> list[Any]:
    return [each for each in KERNEL_POINTS if each.role == "fitted"]


def _where(target: Target, machine: Machine, mhz: float) -> str:
    board = machine.board or machine.cpu_model or machine.machine
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    cores = () if target.config.board is None else target.config.board.cores
    return (
        f"Measured by colonnade board calibrate on {board} ({machine.cpu_model}, Linux {machine.kernel})"
        f" at {mhz:g} MHz, CPU {', '.join(map(str, cores))}, {now}; it began with {target.config.core}."
    )


def _check(model: TimingModel, description: Mapping[str, Any], output: Path, vlen: int) -> None:
    """Write a description that the timing model takes.

    Raises:
        ColonnadeError: it does not.
    """
    tried = model.work / "calibrated-core.json"
    write_json(tried, description)
    read_core(tried)
    microbenchmark_cycles(model, tried, vlen)
    write_text(output, tried.read_text("utf-8"))
