# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The table of implementations is that of the runner's source."""

import re
from pathlib import Path
from typing import Any

from colonnade.common.reference import REFERENCE
from colonnade.targets.implementations import IMPLEMENTATIONS, Implementation

SOURCE = Path(__file__).resolve().parents[3] / "kernels/runner/implementations.cc"
# A constant's tile, algorithm, and the other numbers; and a row of the table up to its schedule.
_CONSTANT = re.compile(r"ConvSchedule (\w+) = \{(\d+), \{xnn_colnm_(\w+), (\d+), (\d+), (\d+)\}\};")
_ROW = re.compile(
    r'^ +\{"(\w+)", Layout::(\w+), PrunedWeights::(\w+), ScheduleKey::(\w+), (\w+|\{\}),', re.M
)


def of_the_source() -> list[dict[str, Any]]:
    text = SOURCE.read_text("utf-8")
    fixed = {
        name: f"{algorithm}:{tile}:{':'.join(numbers)}"
        for name, tile, algorithm, *numbers in _CONSTANT.findall(text)
    }
    return [
        {
            **{"name": name, "layout": layout, "pruned": pruned, "schedules": schedules},
            "fixed_schedule": fixed.get(constant),
        }
        for name, layout, pruned, schedules, constant in _ROW.findall(text)
    ]


def test_the_runners_source_has_the_same_in_the_same_order() -> None:
    found = of_the_source()
    assert len(found) == 10
    assert found == [each.to_json() for each in IMPLEMENTATIONS.values()]
    assert list(IMPLEMENTATIONS) == [each["name"] for each in found]
    assert found[0]["name"] == REFERENCE


def test_only_those_that_look_schedules_up_need_a_file() -> None:
    without = {name for name, each in IMPLEMENTATIONS.items() if not each.needs_schedules}
    assert without == {REFERENCE, "colnm_unpipelined", "colnm_untuned"}


def test_json_has_all_but_the_datatypes_and_is_a_copy() -> None:
    each = Implementation("mine", "planes", "sparse", "packed")
    found = each.to_json()
    assert found == {
        **{"name": "mine", "layout": "planes", "pruned": "sparse"},
        **{"schedules": "packed", "fixed_schedule": None},
    }
    found["name"] = "other"
    assert each.name == "mine"
