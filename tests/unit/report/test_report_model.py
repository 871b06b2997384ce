# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The report's parts about the timing model."""

from typing import Any

import polars as pl
import pytest

from colonnade.report.model import (
    REASONS,
    cycle_figures,
    cycles_by_reason,
    validation_summary,
)
from colonnade.results.tables import VALIDATION

STALLS = {
    "load_result": 10,
    "result": 5,
    "cache_miss": 20,
    "memory_unit": 7,
    "execute_unit": 3,
    "branch": 1,
    "idle": 4,
}


def layer(name: str, cycles: int, threads: int) -> dict[str, Any]:
    counters = {"cycles": cycles, "threads": threads, "stalls": STALLS}
    return {"name": name, "op": "conv2d", "cycles": cycles, "counters": counters}


def report(cycles: int | None, *layers: dict[str, Any]) -> dict[str, Any]:
    return {"total": {"cycles": cycles}, "layers": list(layers)}


@pytest.mark.parametrize("threads", [1, 4])
def test_reasons_add_up_to_all_cycles_of_all_cores(threads: int) -> None:
    found = cycles_by_reason(layer("conv1", 100, threads)["counters"])
    assert set(found) == set(REASONS)
    assert sum(found.values()) == 100 * threads
    assert found["waiting for a result"] == 15
    assert found["issuing"] == 100 * threads - 50


def test_the_fastest_run_and_the_baseline_are_shown() -> None:
    reports = [report(300, layer("a1", 300, 1)), report(200, layer("b1", 200, 1))]
    reports.append(report(100, layer("c1", 100, 1)))
    figures = cycle_figures(["base", "middle", "best"], reports)
    assert [(index, role) for index, role, _ in figures] == [
        (2, "the fastest run"),
        (0, "the baseline"),
    ]
    for (_, _, figure), name in zip(figures, ("c1", "a1"), strict=True):
        assert f">{name}</text>" in figure
    assert "cache misses" in figures[0][2]
    assert "Where the cycles of best go" in figures[0][2]


def point(name: str, group: str, role: str, modelled: float) -> dict[str, Any]:
    error = 100 * (modelled / 10 - 1)
    fixed = {"source": "somewhere", "unit": "ns", "published": 10.0, "exception": ""}
    return {
        **fixed,
        **{"point": name, "group": group, "role": role},
        **{"modelled": modelled, "error_percent": error},
    }


def test_errors_are_summed_up_by_kind() -> None:
    points = [
        point("add", "instruction", "fitted", 10.0),
        point("copy", "kernel", "held out", 11.0),
        point("fill", "kernel", "held out", 7.0),
    ]
    summary = validation_summary(pl.DataFrame(points, schema=dict(VALIDATION)))
    kernels = summary["groups"][1]
    assert (kernels.group, kernels.points) == ("kernel", 2)
    assert kernels.median == pytest.approx(20)
    assert kernels.largest == pytest.approx(30)
    assert [row["point"] for row in summary["points"]] == ["copy", "fill"]
    assert "fill" in summary["figure"]
