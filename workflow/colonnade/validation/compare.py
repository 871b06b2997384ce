# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The table of validation: every published point beside what the model says."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_text
from colonnade.results.tables import VALIDATION, write_table
from colonnade.validation.instructions import MICROBENCHMARKS, assembly
from colonnade.validation.kernels import KERNEL_POINTS, Run
from colonnade.validation.model import Region, TimingModel

KERNELS = Path("kernels/timing/validation")


def microbenchmark_cycles(model: TimingModel) -> dict[str, float]:
    """Modelled cycles of one sequence of each microbenchmark, by name."""
    source = model.work / "microbenchmarks.S"
    write_text(source, assembly(MICROBENCHMARKS))
    regions, _ = model.run(model.compile("microbenchmarks", [source], "-nostdlib"))
    return {
        benchmark.name: region["cycles"] / (benchmark.unroll * benchmark.iterations)
        for benchmark, region in zip(MICROBENCHMARKS, regions, strict=True)
    }


def kernel_cycles(model: TimingModel) -> dict[Run, int]:
    """Modelled cycles of each kernel that the validation program runs."""
    sources = [KERNELS / name for name in ("kernels.S", "compute.c", "main.c")]
    regions, printed = model.run(model.compile("validation", sources))
    names = [line.split() for line in printed.splitlines()]
    return {
        (name, int(size)): region["cycles"]
        for (name, size), region in zip(names, regions, strict=True)
    }


def write_validation(model: TimingModel, table: Path) -> None:
    """Run everything under the model and write `validation.csv`.

    Raises:
        ColonnadeError: a program could not be built or run, or a point has no kernel.
    """
    write_table(table, VALIDATION, [*_instructions(model), *_kernels(model)])


def _row(point: Mapping[str, Any], modelled: float) -> dict[str, Any]:
    error = 100 * (modelled / point["published"] - 1)
    return {**point, "modelled": modelled, "error_percent": error}


def _instructions(model: TimingModel) -> Sequence[Mapping[str, Any]]:
    cycles = microbenchmark_cycles(model)
    return [
        _row(
            {
                "group": "instruction",
                "point": benchmark.name,
                "source": benchmark.source,
                "unit": "cycles",
                "published": float(benchmark.cycles),
                "role": benchmark.role,
            },
            cycles[benchmark.name],
        )
        for benchmark in MICROBENCHMARKS
        if benchmark.role != "rule"
    ]


def _kernels(model: TimingModel) -> Sequence[Mapping[str, Any]]:
    cycles = kernel_cycles(model)
    rows = []
    for point in KERNEL_POINTS:
        missing = [run for run in point.runs if run not in cycles]
        if missing:
            raise ColonnadeError(f"{KERNELS / 'main.c'}: does not run {missing}")
        rows.append(
            _row(
                {
                    "group": point.group,
                    "point": point.name,
                    "source": point.source,
                    "unit": point.unit,
                    "published": point.published,
                    "role": point.role,
                },
                point.value([cycles[run] for run in point.runs]),
            )
        )
    return rows


def held_out_errors(rows: Sequence[Mapping[str, Any]], group: str) -> list[float]:
    """Absolute errors in percent of the points of a group that nothing was fitted to."""
    return [
        abs(row["error_percent"])
        for row in rows
        if row["group"] == group and row["role"] == "held out"
    ]


__all__ = [
    "Region",
    "held_out_errors",
    "kernel_cycles",
    "microbenchmark_cycles",
    "write_validation",
]
