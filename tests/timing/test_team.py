# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Several cores: the same cycles on every run, faster than one, and not faster than they can be."""

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.validation import Region

from .model import TestedModel

SIZES = (1, 2, 4, 8)


@pytest.fixture(scope="module")
def program(timing: TestedModel) -> str:
    return str(timing.compile("team", ["kernels/timing/tests/team.c"]))


@pytest.fixture(scope="module")
def reference(timing: TestedModel, program: str) -> dict[int, Region]:
    return {size: timing.regions(program, arguments=[str(size)])[0] for size in SIZES}


@pytest.mark.parametrize("size", SIZES)
def test_three_runs_are_equal(
    timing: TestedModel, program: str, reference: dict[int, Region], size: int
) -> None:
    runs = [timing.regions(program, arguments=[str(size)])[0] for _ in range(2)]
    assert runs == [reference[size]] * 2


@pytest.mark.parametrize(
    "options", [["-tb-size", "1"], ["-one-insn-per-tb"]], ids=["small-buffer", "single-step"]
)
def test_equal_however_qemu_cuts_the_code(
    timing: TestedModel, program: str, reference: dict[int, Region], options: list[str]
) -> None:
    again = timing.regions(program, arguments=["4"], qemu_options=options)[0]
    assert again == reference[4]


def test_cores_share_the_work(reference: dict[int, Region]) -> None:
    alone = reference[1]
    for size in SIZES:
        region = reference[size]
        assert region["threads"] == size
        speedup = alone["cycles"] / region["cycles"]
        assert 0.6 * size < speedup <= size


def test_cycles_of_all_cores_add_up(reference: dict[int, Region]) -> None:
    for size, region in reference.items():
        issuing = size * region["cycles"] - sum(region["stalls"].values())
        assert region["instructions"] / 2 <= issuing <= region["instructions"]


def test_written_lines_leave_the_other_caches(reference: dict[int, Region]) -> None:
    """Neighbouring sums lie in one line; written by two cores it misses again and again."""
    assert reference[2]["l1_misses"] > reference[1]["l1_misses"] + 32


def test_a_region_does_not_end_inside_a_team(timing: TestedModel, program: str) -> None:
    with pytest.raises(ColonnadeError, match="a region ends inside a team of 2"):
        timing.regions(program, arguments=["2", "early"])


def test_more_cores_than_there_are_is_refused(timing: TestedModel, program: str) -> None:
    with pytest.raises(ColonnadeError, match="a team of 16 cores; the core description has 8"):
        timing.regions(program, arguments=["16"])
