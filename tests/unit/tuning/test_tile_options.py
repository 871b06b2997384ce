# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Smaller tiles of a convolution, on a bench that answers without running anything."""

from pathlib import Path

import pytest

from colonnade.common.files import read_json, write_json
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.results.records import TileOption
from colonnade.targets.target import Target
from colonnade.tuning.bench import DENSE, Profiled
from colonnade.tuning.space import Candidate
from colonnade.tuning.tile_options import write_tile_options

from .conftest import CONV, FakeContainer

SHAPE = ConvShape.parse(CONV)
HALF = Pattern(m="full", sparsity=0.5)
TUNED = Candidate("direct", 16, 1, 8)


def options(
    target: Target,
    settings: ProfileConfig,
    timed: ThroughputConfig,
    dense_ms: float = 4.0,
    patterns: tuple[Pattern, ...] = (HALF,),
    tuned: Candidate = TUNED,
) -> dict[int, TileOption]:
    """By tile; tuning found that `tuned` takes 2 ms."""
    profile, output = Path("results/profile/conv.json"), Path("results/budget/tiles/conv.json")
    trial = {**vars(tuned), "cycles": 3_200_000, "ms": 2.0, "mac_per_cycle": 1.0}
    found = {576: {**trial, "ms": dense_ms}, 288: trial}
    searches = [
        {"kept": kept, "sparsity": 1 - kept / 576, "m": "full", "trials": [each]}
        for kept, each in found.items()
    ]
    write_json(profile, {"conv": CONV, "searches": searches, "reference": trial})
    profiled = [DENSE, Profiled(HALF)]
    write_tile_options(target, SHAPE, profiled, patterns, settings, timed, profile, output)
    read = read_json(output, list[TileOption])
    assert {each["kept"] for each in read} <= {288}
    return {each["tile"]: each for each in read}


@pytest.fixture
def small(settings: ProfileConfig) -> ProfileConfig:
    return settings.model_copy(update={"tiles": (3, 4, 8, 12, 16)})


def test_a_half_and_a_quarter_of_the_tile_are_tried(
    target: Target, container: FakeContainer, small: ProfileConfig, timed: ThroughputConfig
) -> None:
    # Others take 10^9 cycles, 625 ms.
    found = options(target, small, timed)
    assert {tile: each["ms"] for tile, each in found.items()} == {4: 625.0, 16: 2.0}
    assert (found[16]["cycles"], found[4]["cycles"]) == (3_200_000, 10**9)
    tried = {each.split(":")[1] for each in container.candidates}
    assert tried == {"4", "8"}
    assert len(container.candidates) == 4
    container.cycles = {
        f"{each}|288:576": 5_000_000 for each in container.candidates if each.split(":")[1] == "8"
    }
    small = small.model_copy(update={"cache": small.cache.with_name("other.sqlite")})
    found = options(target, small, timed)
    assert list(found) == [4, 8, 16]
    assert found[8]["ms"] == 3.125


def test_where_time_is_measured_they_have_longer_vectors(
    host: Target, container: FakeContainer, small: ProfileConfig, timed: ThroughputConfig
) -> None:
    # The tuned one takes 1 ms in this race, and 2 in that of tuning.
    container.ms = {
        "direct:8:2:4:1|288:576": 1.5,
        "direct:4:1:8:1|288:576": 1.75,
        "direct:4:2:4:1|288:576": 3,
    }
    container.ms |= {"direct:8:1:8:1|288:576": 1.6}
    found = options(host, small, timed)
    assert {tile: (each["lmul"], each["ms"]) for tile, each in found.items()} == {
        4: (1, 3.5),
        8: (2, 3.0),
        16: (1, 2.0),
    }
    assert {each["cycles"] for each in found.values()} == {None, 3_200_000}


def test_larger_tiles_have_shorter_vectors(
    host: Target, container: FakeContainer, small: ProfileConfig, timed: ThroughputConfig
) -> None:
    """Where the registers hold none of the tuned length, as the runner would shorten them."""
    large = HALF.model_copy(update={"tile": 20})
    before = vars(TUNED) | {"tile": 15, "lmul": 2}
    found = options(host, small, timed, patterns=(HALF, large), tuned=Candidate(**before))
    assert (found[20]["lmul"], found[20]["panels"]) == (1, 16)


def test_single_weights_and_filters_have_no_tiles_of_their_own(
    target: Target, container: FakeContainer, small: ProfileConfig, timed: ThroughputConfig
) -> None:
    for method in ("unstructured", "filters"):
        pattern = Pattern(m="full", sparsity=0.5, method=method)
        assert 1 not in options(target, small, timed, patterns=(HALF, pattern))


def test_what_stays_dense_has_none(
    target: Target, container: FakeContainer, small: ProfileConfig, timed: ThroughputConfig
) -> None:
    assert options(target, small, timed, dense_ms=1.5) == {}
    assert container.candidates == []


def test_a_tile_that_a_pattern_asks_for_is_always_there(
    target: Target, container: FakeContainer, small: ProfileConfig, timed: ThroughputConfig
) -> None:
    own = HALF.model_copy(update={"tile": 12})
    found = options(target, small, timed, patterns=(HALF, own))
    assert found.keys() == {4, 12, 16}
    # One that the registers do not hold at any configured LMUL is no option.
    large = HALF.model_copy(update={"tile": 20})
    wide = small.model_copy(update={"lmuls": (2,), "cache": small.cache.with_name("b.sqlite")})
    assert options(target, wide, timed, patterns=(HALF, large)).keys() == {4, 16}
    rows = Pattern(m="full", sparsity=0.5, method="row-wise")
    assert options(target, small, timed, patterns=(rows,)).keys() == {1, 16}
