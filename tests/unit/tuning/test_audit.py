# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The audit compares tuning with running everything, the filtered candidates too."""

import json
from pathlib import Path

import pytest

from colonnade.common import progress
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.results.tables import TUNER_QUALITY, read_table
from colonnade.targets.target import Target
from colonnade.tuning.audit import audit_conv, quality_table
from colonnade.tuning.bench import DENSE, Profiled
from colonnade.tuning.core import core_of
from colonnade.tuning.cost_model.model import CostModel
from colonnade.tuning.sampling import sample
from colonnade.tuning.space import grid, in_splits, search_space, winograd_grid, winograd_space

from .conftest import CONV, FakeContainer

pytestmark = pytest.mark.slow

SHAPE = ConvShape.parse(CONV)
PRUNED = Profiled(Pattern(m="full", sparsity=0.5))


def audit(
    target: Target, settings: ProfileConfig, timed: ThroughputConfig
) -> list[dict[str, float]]:
    output = Path("results/tuner/conv.json")
    audit_conv(target, SHAPE, [DENSE, PRUNED], settings, timed, output)
    rows: list[dict[str, float]] = json.loads(output.read_text())
    return rows


def test_an_audit_says_how_far_it_is(
    target: Target,
    settings: ProfileConfig,
    timed: ThroughputConfig,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0)
    audit(target, settings, timed)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("audit ")]
    # Of each of two searches the registers hold 59 candidates; sixteen run at a time.
    assert [line.split(": ")[1].split(",")[0] for line in lines[:-1]] == [
        f"{done} of 118 candidates" for done in (16, 32, 48, 59, 75, 91, 107)
    ]
    assert lines[-1].split(": ")[1].startswith("118 candidates in ")


def test_rank_and_loss_of_a_best_candidate_that_the_model_puts_late(
    target: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    few = settings.model_copy(update={"trials": 4})
    core = core_of(target.config)
    space = in_splits(SHAPE, search_space(SHAPE, few, core), few, core)
    ranked = [each for _, each in CostModel(core).rank(SHAPE, 288, space)]
    # The last one is the best, the fifth next, all others take twice as long.
    container.cycles = {
        f"{ranked[-1]}|288:576": 5 * 10**8,
        f"{ranked[4]}|288:576": 6 * 10**8,
    }
    dense, pruned = audit(target, few, timed)
    assert pruned["rank_of_best"] == len(ranked)
    assert pruned["best"] == str(ranked[-1])
    assert round(pruned["top5_loss_percent"], 6) == 20
    assert pruned["candidates"] == len(in_splits(SHAPE, grid(SHAPE, few, core), few, core))
    # At sparsity 0 all are equal, and the first of the grid counts as the best.
    assert dense["tuned_loss_percent"] == dense["top5_loss_percent"] == 0


def test_winograds_algorithm_is_among_the_candidates_of_dense_convolutions(
    target: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    named = settings.model_copy(update={"algorithms": ("direct", "packed", "winograd")})
    core = core_of(target.config)
    alone = in_splits(SHAPE, grid(SHAPE, named, core), named, core)
    others = winograd_grid(SHAPE, named, core)
    container.cycles = {f"{others[-1]}|1:1": 5 * 10**8, f"{others[0]}|1:1": 6 * 10**8}
    dense, pruned = audit(target, named, timed)
    assert dense["candidates"] == len(alone) + len(others)
    assert pruned["candidates"] == len(alone)
    assert dense["best"] == str(others[-1])
    # Its rank is that of both spaces together.
    both = in_splits(SHAPE, search_space(SHAPE, named, core), named, core)
    both += winograd_space(SHAPE, named, core)
    ranked = [each for _, each in CostModel(core).rank(SHAPE, SHAPE.reduction, both)]
    assert dense["rank_of_best"] == ranked.index(others[-1]) + 1


def test_candidates_that_the_filters_leave_out_count_as_lost(
    target: Target, container: FakeContainer, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    wide = settings.model_copy(update={"tiles": (8, 30), "lmuls": (1,), "panels": (2,)})
    container.cycles = {"direct:30:1:2:1|288:576": 5 * 10**8}
    _, pruned = audit(target, wide, timed)
    assert pruned["rank_of_best"] is None
    assert round(pruned["tuned_loss_percent"], 6) == 100


def test_table_has_a_row_for_each_search(
    target: Target, settings: ProfileConfig, timed: ThroughputConfig
) -> None:
    audit(target, settings, timed)
    table = Path("results/tables/tuner_quality.csv")
    quality_table([Path("results/tuner/conv.json")], "resnet18", target, table)
    rows = read_table(table, TUNER_QUALITY).rows(named=True)
    assert [row["sparsity"] for row in rows] == [0.0, 0.5]
    assert {row["evidence"] for row in rows} == {"modelled"}


def test_sample_is_drawn_by_the_seed_and_no_larger_than_all(settings: ProfileConfig) -> None:
    searches = [(f"conv{i}", each) for i in range(5) for each in (DENSE, PRUNED)]
    assert len(sample(searches, settings)) == settings.audit
    assert sample(searches, settings) == sample(searches, settings)
    everything = settings.model_copy(update={"audit": 99})
    assert set(sample(searches, everything)) == set(searches)
