# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Candidates run in the order of the cost model, and only as long as one of the rest may win."""

import dataclasses
import json
from pathlib import Path

import pytest

from colonnade.common import progress
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.targets.target import Target
from colonnade.tuning.bench import DENSE, Profiled
from colonnade.tuning.core import core_of
from colonnade.tuning.cost_model.model import CostModel
from colonnade.tuning.search import fastest, leaders, others, profile_conv, refine, tune
from colonnade.tuning.space import Candidate, in_splits, search_space

from .conftest import CONV, FakeContainer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
PRUNED = Profiled(Pattern(n=1, m=4))
NAMES = [Candidate("packed", tile, 1, 1) for tile in range(1, 32)]


def run_with(
    settings: ProfileConfig, predicted: list[float], real: list[float]
) -> tuple[list[int], list[int]]:
    """The places that were run, and the sizes of the batches."""
    batches: list[int] = []

    def run(batch: list[Candidate]) -> list[dict[str, float]]:
        batches.append(len(batch))
        return [{"ms": real[each.tile - 1], "tile": each.tile} for each in batch]

    ranked = list(zip(predicted, NAMES, strict=False))
    return [int(report["tile"]) for report in tune(ranked, run, settings)], batches


def test_all_that_may_win_are_run_several_at_a_time(settings: ProfileConfig) -> None:
    places, batches = run_with(settings, [100.0] * 20, [5.0] * 20)
    assert places == list(range(1, 9))
    assert batches == [4, 4]


def test_search_stops_where_the_model_rules_out_the_rest(settings: ProfileConfig) -> None:
    predicted = [100.0, 101, 102, 103, 104, 110, 111, 112]
    # The fifth may win by the margin of 3 %, the sixth may not.
    places, batches = run_with(settings, predicted, [5.0, 5.05, 5.1, 5.15, 5.2, 0.1, 0.1, 0.1])
    assert places == [1, 2, 3, 4]
    assert batches == [4]
    wide = settings.model_copy(update={"margin_percent": 5})
    places, _ = run_with(wide, predicted, [5.0, 5.05, 5.1, 5.15, 5.2, 0.1, 0.1, 0.1])
    assert places == [1, 2, 3, 4, 5]


def test_a_prior_that_was_too_high_once_is_trusted_less(settings: ProfileConfig) -> None:
    predicted = [100.0, 101, 102, 128, 128.5, 129, 130, 131]
    # The fourth takes 4 % of its prediction, the others 5 %: one more may do with less than 5.
    assert run_with(settings, predicted, [5.0, 5.05, 5.1, 5.12, *[9.0] * 4])[0] == [1, 2, 3, 4, 5]
    assert run_with(settings, predicted, [5.0, 5.05, 5.1, 6.4, *[9.0] * 4])[0] == [1, 2, 3, 4]


def test_trials_bound_the_search(settings: ProfileConfig) -> None:
    few = settings.model_copy(update={"trials": 3})
    assert run_with(few, [100.0] * 20, [5.0] * 20)[0] == [1, 2, 3]


def test_second_search_starts_no_bench_and_finds_the_same(
    target: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    first, second = Path("results/profile/first.json"), Path("results/profile/second.json")
    arguments = (target, ConvShape.parse(CONV), [DENSE, PRUNED], settings, timed)
    profile_conv(*arguments, first)
    starts = len(container.commands)
    assert starts > 0
    profile_conv(*arguments, second)
    assert len(container.commands) == starts
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in first.parent.iterdir()) == ["first.json", "second.json"]


def test_profiling_says_how_far_it_is(
    target: Target,
    settings: ProfileConfig,
    timed: ThroughputConfig,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0)
    output = Path("results/profile/conv.json")
    profile_conv(target, ConvShape.parse(CONV), [DENSE, PRUNED], settings, timed, output)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("profile ")]
    assert lines[0].split(": ")[1].startswith("1 of 2 searches, about ")
    assert lines[1].split(": ")[1].startswith("2 searches in ")
    assert len(lines) == 2


def test_profile_has_all_that_was_run_and_the_reference(
    target: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    output = Path("results/profile/conv.json")
    profile_conv(target, ConvShape.parse(CONV), [DENSE, PRUNED], settings, timed, output)
    profile = json.loads(output.read_text())
    assert profile["reference"]["algorithm"] == "xnnpack_nhwc_dense"
    assert [(each["kept"], each["sparsity"], each["m"]) for each in profile["searches"]] == [
        (576, 0.0, "full"),
        (144, 0.75, "4"),
    ]
    run = [trial for each in profile["searches"] for trial in each["trials"]]
    assert len(run) + 1 == len(container.candidates)
    # 10^9 cycles at 1.6 GHz.
    assert {trial["ms"] for trial in run} == {625.0}
    groups = [command[command.index("--keep") + 1] for command in container.commands]
    assert set(groups) == {"1:1", "1:4"}


def test_winograds_algorithm_is_searched_where_all_columns_are_kept(
    target: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    output, named = Path("results/profile/conv.json"), (*settings.algorithms, "winograd")
    conv, alone = ConvShape.parse(CONV), Path("results/profile/alone.json")
    profile_conv(target, conv, [DENSE, PRUNED], settings, timed, alone)
    before = json.loads(alone.read_text())
    container.commands.clear()
    both = settings.model_copy(update={"algorithms": named})
    profile_conv(target, conv, [DENSE, PRUNED], both, timed, output)
    dense, pruned = json.loads(output.read_text())["searches"]
    assert {each["algorithm"] for each in pruned["trials"]} == {"direct", "packed"}
    found = [each["algorithm"] for each in dense["trials"]]
    assert {"winograd2", "winograd4"} == set(found) - {"direct", "packed"}
    # What multiplies columns is searched as before: the cache has all of it.
    ran = {each.split(":")[0] for each in container.candidates}
    assert ran == {"winograd2", "winograd4"}, container.candidates
    multiplying = [each for each in dense["trials"] if not each["algorithm"].startswith("winograd")]
    assert multiplying == before["searches"][0]["trials"]
    assert all(each["kc_splits"] == 1 for each in dense["trials"] if each not in multiplying)


def test_an_interrupted_search_continues(
    target: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    """What a killed run had stored is not run again."""
    conv = ConvShape.parse(CONV)
    all_of_them = settings.model_copy(update={"margin_percent": 100})
    few = all_of_them.model_copy(update={"trials": 4})
    profile_conv(target, conv, [DENSE], few, timed, Path("results/a.json"))
    before = set(container.candidates)
    container.commands.clear()
    profile_conv(target, conv, [DENSE], all_of_them, timed, Path("results/b.json"))
    assert container.candidates
    assert not before & set(container.candidates)


def test_candidates_run_in_the_order_of_the_cost_model(
    target: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    conv = ConvShape.parse(CONV)
    profile_conv(target, conv, [PRUNED], settings, timed, Path("results/a.json"))
    core = core_of(target.config)
    space = in_splits(conv, search_space(conv, settings, core), settings, core)
    ranked = CostModel(core).rank(conv, PRUNED.kept(conv), space)
    assert container.candidates[:4] == [str(candidate) for _, candidate in ranked[:4]]


def test_every_algorithm_gets_trials_that_run_the_same_network() -> None:
    ranked = [
        (float(cost), Candidate(algorithm, tile, 1, panels))
        for cost, (algorithm, tile, panels) in enumerate(
            [
                *[("direct", 14, 1), ("direct", 8, 1), ("packed", 14, 1), ("packed", 8, 1)],
                *[("packed", 14, 2), ("packed", 14, 4), ("packed", 14, 8), ("packed", 14, 16)],
            ]
        )
    ]
    reports = [dataclasses.asdict(each) | {"ms": cost} for cost, each in ranked[:3]]
    pruned = others(ranked, reports, same_tile=True)
    assert [str(each) for each in pruned] == ["packed:14:1:2:1", "packed:14:1:4:1"]
    dense = others(ranked, reports, same_tile=False)
    assert [str(each) for each in dense] == ["packed:8:1:1:1", "packed:14:1:2:1"]


def test_the_documents_say_what_runs_beyond_trials() -> None:
    ranked = [(1.0, Candidate("direct", 14, 1, 1))]
    ranked += [(2.0 + panels, Candidate("packed", 14, 1, panels)) for panels in range(1, 9)]
    reports = [dataclasses.asdict(ranked[0][1]) | {"ms": 1.0}]
    assert len(others(ranked, reports, same_tile=True)) == 3
    results = " ".join((ROOT / "docs/results.md").read_text().split())
    assert "up to three more of each algorithm that has not won by then" in results
    assert "come on top" in str(ProfileConfig.model_fields["trials"].description)


def test_every_lmul_gets_a_trial() -> None:
    ranked = [
        (float(i), Candidate("direct", 6, lmul, i + 1)) for i, lmul in enumerate((1, 1, 2, 4, 2))
    ]
    reports = [dataclasses.asdict(each) | {"ms": cost} for cost, each in ranked[:2]]
    assert [str(each) for each in leaders(ranked, reports)] == ["direct:6:2:3:1", "direct:6:4:4:1"]
    everything = [dataclasses.asdict(each) | {"ms": cost} for cost, each in ranked]
    assert leaders(ranked, everything) == []


def test_one_algorithm_has_no_others() -> None:
    ranked = [(1.0, Candidate("packed", 14, 1, 1)), (2.0, Candidate("packed", 14, 1, 2))]
    reports = [dataclasses.asdict(ranked[0][1]) | {"ms": 1.0}]
    assert others(ranked, reports, same_tile=True) == []


def test_neighbours_are_tried_as_long_as_one_is_faster() -> None:
    times = {(4, 1): 9.0, (4, 2): 8.5, (8, 2): 7.0, (8, 4): 7.5, (4, 4): 6.5, (2, 4): 6.0}
    batches: list[list[str]] = []

    def run(batch: list[Candidate]) -> list[dict[str, object]]:
        batches.append([str(each) for each in batch])
        keys = [(each.panels, each.kc_splits) for each in batch]
        return [
            dataclasses.asdict(each) | {"ms": times.get(key, 10.0)}
            for each, key in zip(batch, keys, strict=True)
        ]

    known = [Candidate("direct", 14, 2, panels, n) for panels in (2, 4, 8) for n in (1, 2, 4)]
    start = run([known[3]])[0]
    reports = refine(start, known, run)
    # No block of 16 panels is known, nor are 8 KC splits; none runs twice.
    assert batches[1:] == [
        ["direct:14:2:4:2", "direct:14:2:8:2", "direct:14:2:8:1", "direct:14:2:2:1"],
        ["direct:14:2:8:4"],
    ]
    assert fastest(reports)["ms"] == 7.0
    lower = refine(run([known[4]])[0], known, run)
    assert fastest(lower)["ms"] == 6.0
    assert refine(start, known[3:4], run) == []
