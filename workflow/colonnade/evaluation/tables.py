# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tables of whole networks: throughput, where the speedup comes from, and top-1."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

import polars as pl

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import file_bytes, read_json
from colonnade.common.reference import REFERENCE
from colonnade.config.schema import ThroughputConfig
from colonnade.evaluation.runs import Step
from colonnade.results.records import Accuracy, OverBand, PackageGraph, Run
from colonnade.results.tables import (
    ACCURACY,
    DECOMPOSITION,
    PACKAGES,
    SENSITIVITY_RETUNED,
    THROUGHPUT,
    THROUGHPUT_BAND,
    read_table,
    write_table,
)
from colonnade.targets.target import Target


def throughput_table(
    timed: ThroughputConfig, runs: Sequence[tuple[Target, Path, dict[str, Any]]], table: Path
) -> None:
    """Write `throughput.csv`, or a table like it, from run reports.

    Args:
        timed: how they were timed.
        runs: of each its target, its report, and its pattern columns n, m and sparsity.
        table: the file to write.

    Raises:
        ColonnadeError: of a target, the baseline is not among the runs.
    """
    reports = [(target, read_json(path, Run), pattern) for target, path, pattern in runs]
    write_throughput(timed, reports, table)


def write_throughput(
    timed: ThroughputConfig, runs: Sequence[tuple[Target, Run, dict[str, Any]]], table: Path
) -> None:
    """The same of reports that are read already, of any networks.

    Raises:
        ColonnadeError: of a target or a network, the baseline is not among the runs.
    """
    dense: dict[tuple[str, str], dict[str, float]] = {}
    for target, report, pattern in runs:
        if not pattern["sparsity"]:
            times = dense.setdefault((target.name, report["model"]), {})
            times[report["implementation"]] = milliseconds(report, target)
    rows = []
    for target, report, pattern in runs:
        times = dense.get((target.name, report["model"]), {})
        if REFERENCE not in times:
            raise ColonnadeError(f"{table}: no run of {REFERENCE} to compare with")
        columns = _timed(report, target, timed, milliseconds(report, target), times)
        cycles = report["total"]["cycles"]
        told = {**report.get("conditions", {}), "spread_percent": _spread_percent(report)}
        rows.append({**pattern, **columns, "cycles": cycles, **told})
    write_table(table, THROUGHPUT, rows)


def _spread_percent(report: Run) -> float | None:
    """Distance of the quartiles of a measured run's repetitions, in percent of its time."""
    samples = report["total"].get("samples", [])
    if report["total"]["cycles"] is not None or len(samples) < 2:
        return None
    lower, _, upper = quantiles(samples, n=4, method="inclusive")
    return 100 * (upper - lower) / report["total"]["seconds"]


def _timed(
    report: Run | OverBand,
    target: Target,
    timed: ThroughputConfig,
    ms: float,
    dense_ms: Mapping[str, float],
) -> dict[str, Any]:
    """Columns of a run that takes `ms`, where the dense implementations take `dense_ms`."""
    return {
        "model": report["model"],
        "batch": timed.batch,
        "image_px": timed.image_px,
        "target": target.name,
        "vlen": target.vlen,
        "threads": report["threads"],
        "implementation": report["implementation"],
        "images_per_s": timed.batch * 1e3 / ms,
        "speedup_vs_xnnpack_dense": dense_ms[REFERENCE] / ms,
        "speedup_vs_best_dense": min(dense_ms.values()) / ms,
        "evidence": target.evidence,
        "checkpoint_sha256": report["checkpoint_sha256"],
    }


def band_table(
    target: Target,
    timed: ThroughputConfig,
    runs: Sequence[tuple[OverBand, dict[str, Any]]],
    table: Path,
) -> None:
    """Write `throughput_band.csv`: what each run takes on every core of a band.

    Args:
        target: whose core the band is of.
        timed: how it was timed.
        runs: the baseline's first, each with its pattern columns n, m and sparsity.
        table: the file to write.
    """
    write_table(table, THROUGHPUT_BAND, band_rows(target, timed, runs))


def band_rows(
    target: Target, timed: ThroughputConfig, runs: Sequence[tuple[OverBand, dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Rows of `throughput_band.csv`: see `band_table`."""
    baseline = runs[0][0]
    # Half precision and more threads are compared with what they do without.
    alike = ("f32", baseline["threads"])
    dense = {
        report["implementation"]: report["cycles"]
        for report, pattern in runs
        if not pattern["sparsity"] and (report["dtype"], report["threads"]) == alike
    }
    rows = []
    for report, pattern in runs:
        for core, layers in report["cycles"].items():
            ms = target.milliseconds(sum(layers))
            dense_ms = {
                name: target.milliseconds(sum(cores[core])) for name, cores in dense.items()
            }
            rows.append(
                {
                    **pattern,
                    **_timed(report, target, timed, ms, dense_ms),
                    "core": core,
                    "cycles": sum(layers),
                    "dtype": report["dtype"],
                }
            )
    return rows


def retuned_table(
    runs: Sequence[tuple[str, Path, dict[str, Any]]], band: Path, table: Path
) -> None:
    """Write `sensitivity_retuned.csv`: runs with schedules that were tuned for a core, on that core.

    Args:
        runs: of each the core of the band, its report, and its pattern columns n, m and sparsity.
        band: `throughput_band.csv`, with the same runs by the schedules of the nominal core.
        table: the file to write.

    Raises:
        ColonnadeError: the band has not exactly one such run, or none of the baseline.
    """
    known = read_table(band, THROUGHPUT_BAND).filter(pl.col("dtype") == "f32")
    rows = []
    for core, path, pattern in runs:
        report = read_json(path, Run)
        on_core = known.filter(pl.col("core") == core, pl.col("threads") == report["threads"])
        before, baseline = (
            on_core.filter(
                pl.col("implementation") == name,
                *(pl.col(key).eq_missing(pl.lit(value)) for key, value in found.items()),
            )
            for name, found in ((report["implementation"], pattern), (REFERENCE, {"sparsity": 0.0}))
        )
        if (before.height, baseline.height) != (1, 1):
            raise ColonnadeError(
                f"{band}: core {core}: {before.height} runs of {report['implementation']} at sparsity"
                f" {pattern['sparsity']:g}, {baseline.height} of {REFERENCE}; allowed: one of each"
            )
        cycles = report["total"]["cycles"]
        shared = ("model", "target", "implementation", "cycles", "speedup_vs_xnnpack_dense")
        rows.append(
            {
                **pattern,
                **before.select(shared).row(0, named=True),
                "core": core,
                "retuned_cycles": cycles,
                "retuned_speedup": baseline["cycles"].item() / cycles,
            }
        )
    write_table(table, SENSITIVITY_RETUNED, rows)


def milliseconds(report: Run, target: Target) -> float:
    """Time of a whole run, from the runner's report."""
    cycles = report["total"]["cycles"]
    if cycles is not None:
        return target.milliseconds(cycles)
    return float(report["total"]["seconds"]) * 1e3


def decomposition_table(target: Target, runs: Sequence[tuple[Step, Path]], table: Path) -> None:
    """Write `decomposition.csv` from the steps and the reports of their runs.

    The factor of a step is the time of the step before over its own.

    Raises:
        ColonnadeError: a report is missing or damaged.
    """
    rows = []
    before = None
    for step, path in runs:
        report = read_json(path, Run)
        ms = milliseconds(report, target)
        rows.append(
            {
                "model": report["model"],
                "step": step.name,
                "implementation": step.implementation,
                "sparsity": step.sparsity,
                "cycles": report["total"]["cycles"],
                "factor_to_previous": 1.0 if before is None else before / ms,
                "evidence": target.evidence,
            }
        )
        before = ms
    write_table(table, DECOMPOSITION, rows)


def accuracy_table(
    model: str,
    dataset: str,
    reports: Sequence[tuple[Path, Mapping[str, Any]]],
    table: Path,
) -> None:
    """Write `accuracy.csv`, top-1 in percent, from evaluations; the first one is the dense one's.

    With each evaluation come the columns that say what is pruned: method, n, m and sparsity.
    """
    read = [(read_json(path, Accuracy), pattern) for path, pattern in reports]
    dense = 100 * read[0][0]["top1_torch"]
    rows = []
    for report, pattern in read:
        for executed_on, top, agreement in (
            ("torch", report["top1_torch"], 1.0),
            (report["target"], report["top1_target"], report["agreement"]),
        ):
            rows.append(
                {
                    **pattern,
                    "model": model,
                    "dataset": dataset,
                    "top1": 100 * top,
                    "top1_dense": dense,
                    "drop_points": dense - 100 * top,
                    "n_images": report["n_images"],
                    "executed_on": executed_on,
                    "agreement_with_torch": agreement,
                    "checkpoint_sha256": report["checkpoint_sha256"],
                }
            )
    write_table(table, ACCURACY, rows)


def packages_table(
    packages: Sequence[tuple[str, Sequence[Path], Mapping[str, Any]]], table: Path
) -> None:
    """Write `packages.csv`: the size of every exported network.

    Args:
        packages: of each its variant, its files, graph.json the first, and its columns n, m, sparsity.
        table: the file to write.

    Raises:
        ColonnadeError: a file is missing or damaged.
    """
    rows = []
    for variant, files, pattern in packages:
        graph = read_json(files[0], PackageGraph)
        rows.append(
            {
                **pattern,
                "model": graph["model"],
                "variant": variant,
                "bytes": sum(map(file_bytes, files)),
                "checkpoint_sha256": graph["checkpoint_sha256"],
            }
        )
    write_table(table, PACKAGES, rows)
