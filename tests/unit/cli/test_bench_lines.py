# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Results of the bench have milliseconds wherever they have cycles; all else passes as it is."""

import json

import pytest

from colonnade.cli.toolchain import timed


def at_1600_mhz(cycles: int) -> float:
    return cycles / 1.6e6


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_result_with_cycles_has_its_time(end: str) -> None:
    line = '{"conv":"c","cycles":800000,"ms":null,"counters":{"region":0}}' + end
    found = timed(line, at_1600_mhz)
    assert found == line.replace("null", "0.5")
    assert list(json.loads(found)) == list(json.loads(line))


@pytest.mark.parametrize(
    "line",
    ['{"cycles":null,"ms":2.5}\n', '{"cycles":null,"ms":null}\n', "Usage: bench\n", "7\n", "\n"],
)
def test_everything_else_passes_as_it_is(line: str) -> None:
    assert timed(line, at_1600_mhz) == line
