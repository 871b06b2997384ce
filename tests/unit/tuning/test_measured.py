# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tuning where time is measured, on a bench whose times are made up."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.results.records import Profile
from colonnade.results.tables import CONDITIONS, LAYERS, TUNER_QUALITY, read_table
from colonnade.targets.target import Target
from colonnade.tuning import measured
from colonnade.tuning import rounds as rounds_module
from colonnade.tuning.audit import audit_measured, quality_table
from colonnade.tuning.bench import DENSE, Profiled
from colonnade.tuning.choice import collect
from colonnade.tuning.core import machine_of
from colonnade.tuning.measured import Standing, middling, profile_measured
from colonnade.tuning.race import MOST_ROUNDS, Deadline
from colonnade.tuning.rounds import Rounds
from colonnade.tuning.space import SCHEDULE, Candidate, search_space

from .conftest import CONV, FakeContainer

SHAPE = ConvShape.parse(CONV)
PRUNED = Profiled(Pattern(n=1, m=4))
OUTPUT = Path("results/profile/conv.json")


def profile(
    host: Target, settings: ProfileConfig, timed: ThroughputConfig, seconds: float = 1e6
) -> dict[str, Any]:
    profile_measured(host, SHAPE, [DENSE, PRUNED], settings, timed, seconds, OUTPUT)
    read_json(OUTPUT, Profile)
    found: dict[str, Any] = json.loads(OUTPUT.read_text())
    return found


def test_a_dense_convolution_may_run_by_winograds_algorithm_and_a_pruned_one_does_not(
    host: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    container.ms = {"winograd4:12:1:8:1|1:1": 0.25, "winograd2:14:1:8:1|1:1": 0.5}
    named = settings.model_copy(update={"algorithms": ("direct", "packed", "winograd")})
    dense, pruned = profile(host, named, timed)["searches"]
    assert [dense["trials"][0][key] for key in SCHEDULE] == ["winograd4", 12, 1, 8, 1]
    assert {each["algorithm"] for each in pruned["trials"]} == {"direct", "packed"}
    assert dense["space"] > pruned["space"]
    # It has no KC splits.
    tried = [each.split(":") for each in container.candidates if each.startswith("winograd")]
    assert {each[-1] for each in tried} == {"1"}


def test_algorithms_that_networks_run_alone_are_raced_where_winograds_wins(
    host: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    container.ms = {
        **{"winograd4:12:1:8:1|1:1": 0.25, "winograd2:12:1:8:1|1:1": 0.3},
        # Each with other panels than those of the first race.
        **{"direct:14:1:8:1|1:1": 0.6, "direct:14:1:2:1|1:1": 0.5},
        **{"packed:16:1:8:1|1:1": 0.9, "packed:16:1:2:1|1:1": 0.8},
    }
    named = settings.model_copy(update={"algorithms": ("direct", "packed", "winograd")})
    profile(host, named, timed)
    schedules, table = Path("results/schedules.json"), Path("results/layers.csv")
    collect([OUTPUT], [("conv", SHAPE)], "resnet18", host, schedules, table)
    convs = json.loads(schedules.read_text())["convs"]
    chosen = {key.partition("|k576")[2]: entry for key, entry in convs.items() if "|k576" in key}
    assert {
        key: (each["algorithm"], each["tile"], each["panels"]) for key, each in chosen.items()
    } == {
        "": ("winograd4", 12, 8),
        "|winograd4": ("winograd4", 12, 8),
        "|winograd2": ("winograd2", 12, 8),
        "|direct": ("direct", 14, 2),
        "|packed": ("packed", 16, 2),
    }


def test_the_fastest_candidates_are_chosen_by_their_times(
    host: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    container.ms = {
        "packed:12:2:8:1|1:1": 0.5,
        "packed:12:2:2:1|1:1": 0.9,
        # It wins with its columns in four KC splits.
        "direct:14:1:8:1|1:4": 0.25,
        "direct:14:1:8:4|1:4": 0.125,
        "packed:14:2:2:1|1:4": 0.5,
        "xnnpack_nhwc_dense|1:1": 3.0,
    }
    found = profile(host, settings, timed)
    dense, pruned = found["searches"]
    assert found["reference"]["ms"] == 3.0
    assert dense["trials"][0]["algorithm"] == "packed"
    assert [dense["trials"][0][key] for key in ("tile", "lmul", "panels")] == [12, 2, 8]
    assert dense["trials"][0]["ms"] == 0.5
    assert dense["tied"] == ["packed:12:2:8:1"]
    assert pruned["tied"] == ["direct:14:1:8:4"]
    assert pruned["trials"][0]["ms"] == 0.125
    times = {
        ":".join(str(each[name]) for name in SCHEDULE): each["ms"] for each in pruned["trials"]
    }
    # Nobody is faster than the winner, and the other algorithm was compared at its tile.
    assert min(times.values()) == 0.125
    assert times["direct:14:1:8:1"] == 0.25
    assert times["packed:14:2:2:1"] == 0.5
    # Those of both numbers of columns came from one process.
    last = container.commands[-1]
    assert last[last.index("--keep") + 1] == "1:1,1:4"
    assert {"xnnpack_nhwc_dense", "packed:12:2:8:1", "direct:14:1:8:4"} == set(
        last[last.index("--candidate") + 1].split(",")
    )
    assert all("--interleaved" in command for command in container.commands)


def test_schedules_and_table_come_from_the_winners(
    host: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    container.ms = {"packed:12:2:8:1|1:1": 0.5, "direct:14:1:8:1|1:4": 0.25}
    profile(host, settings, timed)
    schedules, table = Path("results/schedules.json"), Path("results/layers.csv")
    collect([OUTPUT], [("conv", SHAPE)], "resnet18", host, schedules, table)
    convs = json.loads(schedules.read_text())["convs"]
    assert convs[f"{CONV}|k576"]["tile"] == 12
    assert convs[f"{CONV}|k144"] == {
        **{"algorithm": "direct", "tile": 14, "lmul": 1, "panels": 8, "kc_splits": 1}
    }
    (conditions,) = read_table(table, LAYERS).select(list(CONDITIONS)).unique().rows(named=True)
    assert conditions["under_load"] in (0, 1)
    assert 0 <= conditions["others_percent"] <= 100
    # A network of one algorithm has the same masks.
    assert convs[f"{CONV}|k144|packed"]["tile"] == 14


def test_when_the_time_is_over_each_search_ends_with_what_it_knows(
    host: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    container.ms = {"packed:12:1:8:1|1:1": 0.5}
    found = profile(host, settings, timed, seconds=0)
    assert found["searches"][0]["tied"][0] == "packed:12:1:8:1"
    # Of each search the kernels, the other algorithm and both; then all winners.
    assert len(container.commands) == 2 * 3 + 1


def test_a_candidate_that_cannot_run_is_said_and_left_out(
    host: Target,
    container: FakeContainer,
    settings: ProfileConfig,
    timed: ThroughputConfig,
    capsys: pytest.CaptureFixture[str],
) -> None:
    container.ms = {"direct:16:1:8:1|1:1": 0.1, "direct:14:1:8:1|1:1": 0.5}
    container.broken = {"direct:16:1:8:1", "direct:16:1:2:1"}
    found = profile(host, settings, timed)
    assert found["searches"][0]["tied"] == ["direct:14:1:8:1"]
    assert f"{CONV}: direct:16:1:8:1 is left out: bench failed" in capsys.readouterr().err
    space = search_space(SHAPE, settings, machine_of(host))
    container.broken = {str(each) for each in space}
    with pytest.raises(ColonnadeError, match="bench failed"):
        profile(host, settings, timed)


@pytest.mark.parametrize("broken", ["fastest", "other"])
def test_a_candidate_that_does_not_run_again_is_not_compared(
    settings: ProfileConfig, broken: str
) -> None:
    """As if its process had not started in the one race between both algorithms."""
    fastest, other = Candidate("direct", 14, 1, 8), Candidate("packed", 14, 1, 2)
    slow = [Candidate(each.algorithm, 12, 1, 8) for each in (fastest, other)]
    times = {fastest: 0.1, other: 0.2}
    between = []

    def run(candidates: Sequence[Candidate], rounds: int) -> dict[Candidate, list[float]]:
        found = {each: [times.get(each, 1.0)] * rounds for each in candidates}
        if set(candidates) == {fastest, other} and not between:
            between.append(found.pop(fastest if broken == "fastest" else other))
        return found

    candidates = [fastest, *slow, other]
    one_split = settings.model_copy(update={"kc_splits": 1})
    standing = measured.search(candidates, run, one_split, Deadline(1e6), same_tile=True)
    assert between
    assert standing.fastest == fastest
    assert standing.relative[fastest] == 1


def test_an_audit_tells_what_does_not_run_any_more(
    host: Target,
    container: FakeContainer,
    settings: ProfileConfig,
    timed: ThroughputConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    container.ms = {"direct:14:1:8:1|1:1": 0.1}
    times = Rounds.times

    def without_the_fastest(
        rounds: Rounds, profiled: Profiled, candidates: Sequence[Candidate], number: int
    ) -> dict[Candidate, list[float]]:
        found = times(rounds, profiled, candidates, number)
        return {
            each: ms
            for each, ms in found.items()
            if number < MOST_ROUNDS or str(each) != "direct:14:1:8:1"
        }

    monkeypatch.setattr(Rounds, "times", without_the_fastest)
    with pytest.raises(ColonnadeError, match="direct:14:1:8:1 ran at first, and does not any more"):
        audit_measured(host, SHAPE, [DENSE], settings, timed, 1e6, Path("results/audit.json"))


def test_processes_share_a_candidate_that_makes_them_comparable(
    host: Target,
    container: FakeContainer,
    settings: ProfileConfig,
    timed: ThroughputConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The machine is half as fast in the second process."""
    monkeypatch.setattr(rounds_module, "_PROCESS_BYTES", 2 * 4 * 64 * 576)
    candidates = [Candidate("direct", tile, 1, 2) for tile in (8, 12, 14)]
    container.ms = {f"{each}|1:1": each.tile for each in candidates}
    run = container.run

    def slower(command: list[str], **options: Any) -> Any:
        if len(container.commands) == 1:
            container.ms = {key: 2 * ms for key, ms in container.ms.items()}
        return run(command, **options)

    monkeypatch.setattr(container, "run", slower)
    times = Rounds(host, SHAPE, settings, timed).times(DENSE, candidates, 3)
    assert times == {each: [each.tile] * 3 for each in candidates}
    assert container.candidates == [
        *("direct:8:1:2:1", "direct:12:1:2:1"),
        *("direct:8:1:2:1", "direct:14:1:2:1"),
    ]


def test_kernels_run_with_a_middling_number_of_panels() -> None:
    candidates = [
        Candidate("direct", 8, lmul, panels) for lmul in (1, 2) for panels in (1, 2, 4, 8, 16)
    ]
    assert [str(each) for each in middling(candidates)] == ["direct:8:1:4:1", "direct:8:2:4:1"]


def test_an_audit_judges_by_a_race_between_all(
    host: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    wide = settings.model_copy(update={"tiles": (8, 30), "lmuls": (1,)})
    # Tiles of 30 rows are left out by the search, since 26 rows would be empty.
    container.ms = {"direct:30:1:2:1|1:1": 0.5, "direct:8:1:2:1|1:1": 0.6}
    audit, table = Path("results/tuner/conv.json"), Path("results/tuner_quality.csv")
    audit_measured(host, SHAPE, [DENSE], wide, timed, 1e6, audit)
    quality_table([audit], "resnet18", host, table)
    (row,) = read_table(table, TUNER_QUALITY).rows(named=True)
    assert row["best"] == "direct:30:1:2:1"
    assert row["tuned_loss_percent"] == pytest.approx(20)
    # All three tunings missed the same one.
    assert row["apart_percent"] == pytest.approx(0)
    assert (row["rank_of_best"], row["top5_loss_percent"]) == (None, None)
    assert row["evidence"] == "measured"
    assert row["candidates"] == 8


def test_an_audit_has_winograds_algorithm_where_all_columns_are_kept(
    host: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    named = settings.model_copy(update={"algorithms": ("direct", "winograd")})
    container.ms = {"winograd4:12:1:8:1|1:1": 0.25, "direct:8:1:2:1|1:4": 0.25}
    audit = Path("results/tuner/conv.json")
    audit_measured(host, SHAPE, [DENSE, PRUNED], named, timed, 1e6, audit)
    dense, pruned = json.loads(audit.read_text())
    assert (dense["best"], pruned["best"]) == ("winograd4:12:1:8:1", "direct:8:1:2:1")
    assert dense["candidates"] > pruned["candidates"]


def test_an_audit_tells_the_worst_of_several_tunings(
    host: Target,
    container: FakeContainer,
    settings: ProfileConfig,
    timed: ThroughputConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if the second one had been disturbed."""
    best, other = Candidate("direct", 8, 1, 2), Candidate("direct", 12, 1, 2)
    container.ms = {f"{best}|1:1": 0.5, f"{other}|1:1": 0.515}
    outcomes = iter([best, other, best])

    def search(*_: Any, **__: Any) -> Standing:
        return Standing(tied=[next(outcomes)])

    monkeypatch.setattr(measured, "search", search)
    audit = Path("results/tuner/conv.json")
    audit_measured(host, SHAPE, [DENSE], settings, timed, 1e6, audit)
    (row,) = json.loads(audit.read_text())
    assert row["best"] == str(best)
    assert row["tuned_loss_percent"] == pytest.approx(3)
    assert row["apart_percent"] == pytest.approx(3)
    assert next(outcomes, None) is None
