# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The recipe search: who is chosen, who is refused, and what its table says."""

import dataclasses
from pathlib import Path

import pytest
from pydantic import ValidationError

from colonnade.common.errors import ColonnadeError
from colonnade.config.study import CANDIDATES, TRAINING, StudyConfig
from colonnade.results.tables import RECIPE_SEARCH, read_table
from colonnade.study.search import Tried, final_top1, write_search
from colonnade.training.loop import EpochMetrics, _write_metrics

NAMES = ("adamw-0.004", "adamw-0.001", "sgd-0.01", "adamw-averaged")
# Validation top-1 after fine-tuning: the dense network, the pruned one.
FOUND = ((0.85, 0.89), (0.897, 0.86), (0.898, 0.87), (0.91, 0.87))


def _metrics(path: Path, *shares: float) -> Path:
    row = EpochMetrics(0, 0.1, 1.0, 0.5, 1.0, 0.0, 1.0)
    rows = [
        dataclasses.replace(row, epoch=epoch, validation_top1=share)
        for epoch, share in enumerate(shares)
    ]
    _write_metrics(path, rows)
    return path


def _search(folder: Path, allowed: float) -> list[dict[str, object]]:
    start = _metrics(folder / "start.csv", 0.5, 0.9)
    tried = [
        Tried(*(_metrics(folder / f"{name}-{i}.csv", 0.99, top) for i, top in enumerate(tops)))
        for name, tops in zip(NAMES, FOUND, strict=True)
    ]
    table = folder / "recipe_search.csv"
    candidates = {name: CANDIDATES[name] for name in NAMES}
    write_search(candidates, 0.75, allowed, start, tried, table)
    return read_table(table, RECIPE_SEARCH).rows(named=True)


def test_the_best_of_those_that_do_no_harm_is_chosen(tmp_path: Path) -> None:
    """The best pruned network comes of a candidate that costs the dense one 5 points."""
    rows = _search(tmp_path, 0.3)
    assert [row["candidate"] for row in rows] == list(NAMES)
    assert [row["control"] for row in rows] == ["refused", "holds", "holds", "holds"]
    assert [row["chosen"] for row in rows] == [0, 0, 1, 0]
    assert [row["control_drop_points"] for row in rows] == pytest.approx([5, 0.3, 0.2, -1])
    assert [row["pruned_validation_top1"] for row in rows] == pytest.approx([89, 86, 87, 87])
    assert {row["dense_validation_top1"] for row in rows} == {90.0}
    assert [row["optimizer"] for row in rows] == ["adamw", "adamw", "sgd", "adamw"]
    assert [row["momentum"] for row in rows] == [None, None, 0.9, None]
    assert [row["average"] for row in rows] == [None, None, None, 0.99]


def test_where_all_do_harm_none_is_chosen_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_the_best() -> list[dict[str, object]]:
        return [row for row in _search(tmp_path, 0) if row["candidate"] != "adamw-averaged"]

    assert [row["chosen"] for row in without_the_best()] == [0, 0, 0]
    assert not capsys.readouterr().err
    table = tmp_path / "none.csv"
    harmful = Tried(tmp_path / "adamw-0.004-0.csv", tmp_path / "adamw-0.004-1.csv")
    start = tmp_path / "start.csv"
    write_search({"adamw-0.004": CANDIDATES["adamw-0.004"]}, 0.75, 0.3, start, [harmful], table)
    assert [row["chosen"] for row in read_table(table, RECIPE_SEARCH).rows(named=True)] == [0]
    assert "control_drop_points: 0.3 by every candidate" in capsys.readouterr().err


def test_damaged_metrics_are_named(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    with pytest.raises(ColonnadeError, match=rf"{path}: cannot be read"):
        final_top1(path)
    for content in ("", "epoch,validation_top1\n", "epoch\n1\n", "validation_top1\nx\n"):
        path.write_text(content)
        with pytest.raises(ColonnadeError, match=rf"{path}: no metrics of a training"):
            final_top1(path)


def test_candidates_train_and_differ_from_one_another() -> None:
    assert TRAINING.finetune in CANDIDATES.values()
    dumps = [str(phase.model_dump(mode="json")) for phase in CANDIDATES.values()]
    assert len(set(dumps)) == len(dumps) >= 8
    with pytest.raises(
        ValidationError, match=r"candidates\.idle\s.*epochs: 0: allowed: at least 1"
    ):
        StudyConfig(candidates={"idle": TRAINING.finetune.model_copy(update={"epochs": 0})})
