# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Schedules tuned again for another core: the fastest there, with the tiles that masks have."""

import json
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.targets.target import Target
from colonnade.tuning.bench import DENSE, Profiled
from colonnade.tuning.choice import schedule_key
from colonnade.tuning.retune import retune
from colonnade.tuning.space import Candidate

from .conftest import CONV, FakeContainer

pytestmark = pytest.mark.slow

SHAPE = ConvShape.parse(CONV)
HALF = Profiled(Pattern(m="full", sparsity=0.5))
MOST = Profiled(Pattern(m="full", sparsity=0.75))
SEARCHES = [(SHAPE, each) for each in (DENSE, HALF, MOST)]
KEYS = [schedule_key(SHAPE, each.kept(SHAPE)) for _, each in SEARCHES]
# The tile of the second is none that settings have.
BEFORE = {
    KEYS[0]: Candidate("direct", 14, 2, 2),
    KEYS[1]: Candidate("direct", 10, 1, 8),
    KEYS[2]: Candidate("packed", 12, 2, 8),
}


@pytest.fixture
def schedules(tmp_path: Path) -> Path:
    path = tmp_path / "schedules.json"
    document = {
        **{"format": "colonnade-schedules", "version": 3, "target": "x60", "stays_dense": []},
        "convs": {key: vars(each) for key, each in BEFORE.items()},
    }
    path.write_text(json.dumps(document))
    return path


def found_by(
    target: Target, schedules: Path, settings: ProfileConfig, timed: ThroughputConfig
) -> dict[str, Any]:
    output = Path("results/retuned/slow/schedules.json")
    retune(target, SEARCHES, schedules, settings, timed, output)
    # Nothing else is left there.
    assert list(output.parent.iterdir()) == [output]
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def test_what_is_fastest_there_is_taken_with_the_tile_of_before(
    target: Target,
    container: FakeContainer,
    settings: ProfileConfig,
    timed: ThroughputConfig,
    schedules: Path,
) -> None:
    # One of another tile is faster still, but the masks have theirs.
    container.cycles = {
        "direct:10:2:2:1|288:576": 5 * 10**8,
        "direct:8:2:2:1|288:576": 10**8,
    }
    found = found_by(target, schedules, settings, timed)
    assert (found["format"], found["version"], found["stays_dense"]) == (
        *("colonnade-schedules", 3),
        [],
    )
    chosen = {key: Candidate.of(each) for key, each in found["convs"].items()}
    assert chosen[KEYS[1]] == Candidate("direct", 10, 2, 2)
    assert {key: each.tile for key, each in chosen.items()} == {
        key: each.tile for key, each in BEFORE.items()
    }
    assert len(set(container.candidates)) > len(BEFORE)


def test_a_dense_convolution_may_run_by_winograds_algorithm(
    target: Target,
    container: FakeContainer,
    settings: ProfileConfig,
    timed: ThroughputConfig,
    schedules: Path,
) -> None:
    document = json.loads(schedules.read_text())
    document["convs"][KEYS[0]] = vars(Candidate("winograd4", 14, 2, 2))
    schedules.write_text(json.dumps(document))
    named = settings.model_copy(update={"algorithms": ("direct", "packed", "winograd")})
    found = found_by(target, schedules, named, timed)["convs"]
    assert Candidate.of(found[KEYS[0]]) == Candidate("winograd4", 14, 2, 2)
    tried = [each for each in container.candidates if each.startswith("winograd")]
    # The tile of a dense one belongs to no mask, but stays, too.
    assert {each.split(":")[1] for each in tried} == {"14"}
    container.cycles = {f"{tried[1]}|1:1": 10**8}
    anew = named.model_copy(update={"cache": named.cache.with_name("anew.sqlite")})
    found = found_by(target, schedules, anew, timed)["convs"]
    assert str(Candidate.of(found[KEYS[0]])) == tried[1]
    assert found[KEYS[1]] == vars(BEFORE[KEYS[1]])


def test_where_nothing_is_faster_schedules_stay(
    target: Target, settings: ProfileConfig, timed: ThroughputConfig, schedules: Path
) -> None:
    found = found_by(target, schedules, settings, timed)
    assert {key: Candidate.of(each) for key, each in found["convs"].items()} == BEFORE


def test_a_convolution_that_stays_dense_has_none(
    target: Target, settings: ProfileConfig, timed: ThroughputConfig, schedules: Path
) -> None:
    document = json.loads(schedules.read_text())
    del document["convs"][KEYS[2]]
    schedules.write_text(json.dumps(document | {"stays_dense": [KEYS[2]]}))
    found = found_by(target, schedules, settings, timed)
    assert sorted(found["convs"]) == sorted(KEYS[:2])
    assert found["stays_dense"] == [KEYS[2]]


def test_schedules_of_another_network_are_refused(
    target: Target, settings: ProfileConfig, timed: ThroughputConfig, schedules: Path
) -> None:
    document = json.loads(schedules.read_text())
    del document["convs"][KEYS[0]]
    schedules.write_text(json.dumps(document))
    output = Path("results/schedules.json")
    with pytest.raises(ColonnadeError) as caught:
        retune(target, SEARCHES, schedules, settings, timed, output)
    assert str(caught.value) == f"{schedules}: has no schedule for {KEYS[0]}"
    assert not output.exists()
