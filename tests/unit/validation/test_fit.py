# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The search for a core's parameters, and the sums that say how far the model is off."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.results.agreement import ALL_ROLES, summarise
from colonnade.validation.band import with_values
from colonnade.validation.fit import Fit, Parameter, fit_core, search
from colonnade.validation.model import TimingModel

from ...timing.model import ROOT


def test_a_search_finds_the_least_squares_of_its_values() -> None:
    parameters = [
        Parameter(path="a", values=[1, 2, 3, 4, 5]),
        Parameter(path="b", values=[10, 20, 30]),
    ]

    def residuals(values: dict[str, Any]) -> dict[str, float]:
        # What `a` does depends on `b`: one round does not suffice.
        a, b = values["a"], values["b"]
        return {"first": a - 2 - b / 30, "second": (b - 30) / 10}

    chosen, left, trials = search(parameters, {"a": 1, "b": 10}, residuals)
    assert chosen == {"a": 3, "b": 30}
    assert left == {"first": 0, "second": 0}
    assert trials[0]["values"] == {"a": 1, "b": 10}
    assert trials[0]["sum_of_squares"] == pytest.approx((4 / 3) ** 2 + 4)
    assert min(trial["sum_of_squares"] for trial in trials) == 0
    # Nothing is tried twice.
    tried = [tuple(trial["values"].items()) for trial in trials]
    assert len(set(tried)) == len(tried)


def test_a_gain_that_is_none_changes_nothing() -> None:
    parameters = [Parameter(path="a", values=[2])]
    chosen, _, trials = search(parameters, {"a": 1}, lambda values: {"x": 1 - values["a"] / 1e6})
    assert (chosen, len(trials)) == ({"a": 1}, 2)


def test_what_is_fitted_stands_in_the_description_of_the_core() -> None:
    files = list((ROOT / "kernels/timing/fits").glob("*.json"))
    assert files
    for file in files:
        fit = Fit.model_validate_json(file.read_text("utf-8"))

        description = json.loads((ROOT / fit.core).read_text("utf-8"))
        for parameter in fit.parameters:
            value = description
            for key in parameter.path.split("."):
                value = value[key]
            assert value in parameter.values
        values = {parameter.path: parameter.values[0] for parameter in fit.parameters}
        changed = with_values(description, values, fit.core, "a test")
        assert changed["miss"]["fill"] == values["miss.fill"]


def row(point: str, error: float, **others: Any) -> dict[str, Any]:
    return {
        **{"group": "memory", "role": "fitted", "unit": "ns", "exception": "", "point": point},
        **{"published": 10.0 + len(point), "modelled": 10.0 + error, "error_percent": error},
        **others,
    }


def test_agreement_is_summed_up_by_kind_and_role_without_exceptions() -> None:
    rows = [
        row("a", 1.0),
        row("bb", -3.0, role="held out"),
        row("ccc", 5.0, role="held out"),
        row("worse", 90.0, role="held out", exception="nobody knows why"),
        row("d", 2.0, group="GEMM"),
    ]
    every, fitted, held_out, gemm = summarise(rows)
    assert (every.group, every.role, every.points, every.exceptions) == ("memory", ALL_ROLES, 3, 1)
    assert (every.median, every.largest, every.largest_of) == (3, 5, "ccc")
    # Published 11, 12, 13 and modelled 11, 7, 15: one pair of three is in the wrong order.
    assert every.rank_correlation == pytest.approx(0.5)
    assert (fitted.role, fitted.median, held_out.role, held_out.median) == (
        "fitted",
        1,
        "held out",
        4,
    )
    assert (gemm.group, gemm.points, gemm.rank_correlation) == ("GEMM", 1, None)


def test_a_damaged_fit_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "fit.json"
    file.write_text('{"about": [], "core": "core.json", "parameter": []}')
    # Nothing is built or run for it.
    with pytest.raises(ColonnadeError, match=r"fit\.json: parameters: Field required"):
        fit_core(cast("TimingModel", None), file, tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()
