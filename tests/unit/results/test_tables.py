# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tables have the contract's columns or are not written."""

from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.results.tables import (
    ACCURACY,
    CONDITIONS,
    SPREAD,
    THROUGHPUT,
    read_table,
    write_table,
)

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


def test_a_name_is_no_pattern(tmp_path: Path) -> None:
    path = tmp_path / "runs[1]*?" / "accuracy.csv"
    write_table(path, ACCURACY, [ROW])
    assert read_table(path, ACCURACY).rows(named=True) == [ROW]


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


def test_conditions_are_empty_where_nobody_told_them(tmp_path: Path) -> None:
    """In rows whose time is modelled, and in tables of before there were such columns."""
    path = tmp_path / "throughput.csv"
    plain = {name: None for name in THROUGHPUT if name not in {*CONDITIONS, *SPREAD}}
    write_table(path, THROUGHPUT, [{**plain, "model": "a"}, {**plain, "under_load": 1, "mhz": 2.5}])
    table = read_table(path, THROUGHPUT)
    assert table["under_load"].to_list() == [None, 1]
    assert table["mhz"].to_list() == [None, 2.5]
    table.drop(list(SPREAD)).write_csv(path)
    assert read_table(path, THROUGHPUT).equals(table)
    table.drop([*CONDITIONS, *SPREAD]).write_csv(path)
    old = read_table(path, THROUGHPUT)
    assert old.columns == list(THROUGHPUT)
    assert old.schema["mhz"] == CONDITIONS["mhz"]
    assert old["under_load"].to_list() == old["spread_percent"].to_list() == [None, None]
    table.drop("mhz").write_csv(path)
    with pytest.raises(ColonnadeError, match=r"throughput\.csv: columns"):
        read_table(path, THROUGHPUT)
