# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tables have the contract's columns or are not written."""

from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.results.tables import ACCURACY, read_table, write_table

ROW: dict[str, Any] = {
    "model": "resnet18",
    "dataset": "digits",
    "method": "dense",
    "n": None,
    "m": None,
    "sparsity": 0.0,
    "top1": 98.5,
    "top1_dense": 98.5,
    "drop_points": 0.0,
    "n_images": 360,
    "executed_on": "torch",
    "agreement_with_torch": 1.0,
    "checkpoint_sha256": "ab",
}


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.csv"
    write_table(path, ACCURACY, [ROW])
    assert read_table(path, ACCURACY).rows(named=True) == [ROW]
    assert path.read_text().splitlines()[0] == ",".join(ACCURACY)


def test_missing_column_writes_nothing(tmp_path: Path) -> None:
    row = {key: value for key, value in ROW.items() if key != "top1"}
    with pytest.raises(ColonnadeError, match="top1"):
        write_table(tmp_path / "accuracy.csv", ACCURACY, [row])
    assert not list(tmp_path.iterdir())


def test_wrong_type_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError):
        write_table(tmp_path / "accuracy.csv", ACCURACY, [{**ROW, "n_images": "many"}])
    assert not list(tmp_path.iterdir())


def test_other_columns_are_refused_on_reading(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.csv"
    path.write_text("model,top1\nresnet18,98\n")
    with pytest.raises(ColonnadeError, match="expected"):
        read_table(path, ACCURACY)
