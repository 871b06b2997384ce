# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The chain of additions that tells a board's cycles is as long in all programs that divide by it."""

import re
from pathlib import Path

from colonnade.validation.measured import REFERENCE_ADDS

ROOT = Path(__file__).resolve().parents[3]


def test_the_programs_run_as_many_additions() -> None:
    text = (ROOT / "kernels/timing/board/clock.h").read_text("utf-8")
    (base, shift) = re.findall(r"COLONNADE_REFERENCE_ADDS = (\d+) << (\d+)", text)[0]
    assert int(base) << int(shift) == REFERENCE_ADDS


def test_the_script_divides_by_as_many() -> None:
    text = (ROOT / "workflow/colonnade/board/measure.sh").read_text("utf-8")
    # Of instructions, and of kernels.
    assert re.findall(r"/ \$[23] \* (\d+)", text) == [str(REFERENCE_ADDS)] * 2
    assert 2 ** int(re.findall(r"2\^(\d+) additions", text)[0]) == REFERENCE_ADDS
