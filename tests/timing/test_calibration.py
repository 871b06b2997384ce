# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A calibration finds the costs of a core again, here those that another description gives it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from colonnade.common.paths import VALIDATED_CORE
from colonnade.validation.calibrate import Measurement, describe
from colonnade.validation.classes import cost_key
from colonnade.validation.compare import microbenchmark_cycles
from colonnade.validation.instructions import MICROBENCHMARKS

from .model import ROOT, WORK, TestedModel

# Of microbenchmarks of which others of their class, or pairs of instructions, have a say.
SHARED = 0.12


def test_costs_of_another_core_are_found_again(
    timing: TestedModel, variant: Callable[[Callable[[Any], None]], str]
) -> None:
    def slower(description: Any) -> None:
        for entry in description["classes"].values():
            for key in ("occupancy", "masked"):
                if entry.get("unit") in ("vfp", "vieu", "vls") and key in entry:
                    entry[key] = thrice(entry[key])

    other = Path(variant(slower))
    found = microbenchmark_cycles(timing, other)
    before = microbenchmark_cycles(timing)
    base = json.loads((ROOT / VALIDATED_CORE).read_text("utf-8"))
    new = describe(base, Measurement(found, {}, 1600), "there", 256)
    path = WORK / "calibrated.json"
    (ROOT / path).write_text(json.dumps(new))
    after = microbenchmark_cycles(timing, path)
    checked = [each.name for each in MICROBENCHMARKS if cost_key(each) is not None]
    assert sum(found[name] > 2 * before[name] for name in checked) > 0.8 * len(checked)
    wrong = {
        name: (after[name], found[name]) for name in checked if off(after, found, name) > SHARED
    }
    assert wrong == {}


def off(after: dict[str, float], found: dict[str, float], name: str) -> float:
    return abs(after[name] / found[name] - 1)


def thrice(value: Any) -> Any:
    """A cost of any form, three times as high."""
    if isinstance(value, dict):
        return {key: thrice(each) for key, each in value.items()}
    if isinstance(value, list):
        return [thrice(each) for each in value]
    return 3 * value
