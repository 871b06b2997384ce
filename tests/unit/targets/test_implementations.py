# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The names of implementations are those of the runner's source, and all that is run has one of them."""

import re
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.reference import REFERENCE
from colonnade.config.pruning import Pattern
from colonnade.evaluation.runs import plan_band_runs, plan_steps, timed_runs
from colonnade.targets.implementations import IMPLEMENTATIONS, known_implementation
from tests.implementations import of_the_source

PACKAGE = Path(__file__).resolve().parents[3] / "workflow/colonnade"
# Functions of the kernels, and a convolution alone.
OTHERS = {"colnm_tap_run", "colnm_split_into_rows", "colnm_winograd"}


def test_the_runners_source_has_the_same_in_the_same_order() -> None:
    found = of_the_source()
    assert len(found) == 10
    assert tuple(each.name for each in found) == IMPLEMENTATIONS
    assert found[0].name == REFERENCE


def test_only_those_that_look_schedules_up_need_a_file() -> None:
    without = {each.name for each in of_the_source() if not each.needs_schedules}
    assert without == {REFERENCE, "colnm_unpipelined", "colnm_untuned"}


def test_another_name_is_refused_with_those_that_are_allowed() -> None:
    assert [known_implementation(each, "here") for each in IMPLEMENTATIONS] == [*IMPLEMENTATIONS]
    with pytest.raises(ColonnadeError) as told:
        known_implementation("colnm_fastest", "here")
    assert str(told.value) == f"here: 'colnm_fastest'; allowed: {', '.join(IMPLEMENTATIONS)}"


def test_runs_that_are_planned_have_known_implementations() -> None:
    variants = [Pattern(m="full", sparsity=0.5), Pattern(n=1, m=4)]
    labels = [each.label for each in variants]
    for patterns in (variants, variants[1:]):
        assert {step.implementation for step in plan_steps("dense", patterns)} <= {*IMPLEMENTATIONS}
    assert {name for name, _ in timed_runs("dense", labels)} <= {*IMPLEMENTATIONS}
    assert {each.implementation for each in plan_band_runs("dense", labels, 1)} <= {
        *IMPLEMENTATIONS
    }


def test_names_in_the_sources_are_known() -> None:
    named = {
        name
        for path in PACKAGE.rglob("*.py")
        if path.name != "implementations.py"
        for name in re.findall(r'"((?:colnm|xnnpack)_[a-z_]*[a-z]|rownm)"', path.read_text())
    }
    assert {"colnm_dense", "colnm_tuned", "colnm_untuned", REFERENCE} <= named
    assert named - OTHERS <= {*IMPLEMENTATIONS}
