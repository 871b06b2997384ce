# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the runner's source says of its implementations, without a built runner."""

import re
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).resolve().parents[1] / "kernels/runner/implementations.cc"
# A constant's tile, algorithm, and the other numbers; and a row of the table up to its schedule.
_CONSTANT = re.compile(r"ConvSchedule (\w+) = \{(\d+), \{xnn_colnm_(\w+), (\d+), (\d+), (\d+)\}\};")
_ROW = re.compile(
    r'^ +\{"(\w+)", Layout::(\w+), PrunedWeights::(\w+), ScheduleKey::(\w+), (\w+|\{\}),', re.M
)


class Implementation(NamedTuple):
    """A row of the table, as the runner prints it, but without its datatypes."""

    name: str
    layout: str
    pruned: str
    schedules: str
    fixed_schedule: str | None

    @property
    def needs_schedules(self) -> bool:
        """Whether the runner refuses to start without a schedules file."""
        return self.schedules != "none"


def of_the_source() -> list[Implementation]:
    """All of them, in the runner's order."""
    text = SOURCE.read_text("utf-8")
    fixed = {
        name: f"{algorithm}:{tile}:{':'.join(numbers)}"
        for name, tile, algorithm, *numbers in _CONSTANT.findall(text)
    }
    return [Implementation(*row, fixed.get(constant)) for *row, constant in _ROW.findall(text)]
