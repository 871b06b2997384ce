# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The table of the comparison, from rounds that are made up."""

import json
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.comparison.table import comparison_table, printed
from colonnade.results.tables import COMPARISON, read_table


def row(participant: str, kind: str, round_ms: list[float], **changes: Any) -> dict[str, Any]:
    return {
        **{"model": "resnet18", "batch": 2, "image_px": 224, "threads": 1, "target": "host"},
        **{"participant": participant, "kind": kind, "version": "1.0", "variant": "dense"},
        **{"sparsity": 0.0, "round_ms": round_ms, "reason": "", "max_relative_error": 1e-6},
        **{"cpu": "some", "cores": 2, "mhz": 3000.0, "others_percent": 1.0},
        **{"steal_percent": 0.0, "under_load": 0},
        **changes,
    }


def table(tmp_path: Path, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    measured, output = tmp_path / "measured.json", tmp_path / "comparison.csv"
    measured.write_text(json.dumps(rows))
    comparison_table([measured], output)
    return read_table(output, COMPARISON).rows(named=True), printed(output)


def test_ratios_are_taken_round_by_round_to_the_best_engine(tmp_path: Path) -> None:
    # The machine is three times as slow in the last round.
    rows, text = table(
        tmp_path,
        [
            row("slow", "peer", [20, 20, 22, 60]),
            row("best", "peer", [10, 10, 11, 30]),
            row("ours", "colonnade", [5, 5, 5.5, 15]),
        ],
    )
    assert [each["speedup_vs_best_peer"] for each in rows] == [0.5, 1.0, 2.0]
    assert [each["speedup_q1"] for each in rows] == [each["speedup_q3"] for each in rows]
    assert [each["ms"] for each in rows] == [21, 10.5, 5.25]
    assert rows[2]["images_per_s"] == pytest.approx(2000 / 5.25)
    assert {each["rounds"] for each in rows} == {4}
    assert {each["evidence"] for each in rows} == {"measured"}
    assert "resnet18, batch 2, 1 threads; quiet: others took 1% of the machine" in text
    assert "2.00x (2.00 to 2.00)" in text


def test_one_that_did_not_run_says_why_and_has_no_numbers(tmp_path: Path) -> None:
    rows, text = table(
        tmp_path,
        [
            row("runs", "peer", [10.0]),
            row("ncnn", "peer", [], reason="exit status 1: no converter", max_relative_error=None),
        ],
    )
    assert rows[1]["reason"] == "exit status 1: no converter"
    assert (rows[1]["ms"], rows[1]["speedup_vs_best_peer"], rows[1]["rounds"]) == (None, None, 0)
    assert "not run: exit status 1: no converter" in text


def test_a_machine_under_load_is_said(tmp_path: Path) -> None:
    _, text = table(tmp_path, [row("runs", "peer", [10.0], under_load=1, others_percent=60.0)])
    assert "UNDER LOAD: others took 60% of the machine" in text


def test_each_setting_has_a_best_engine_of_its_own(tmp_path: Path) -> None:
    rows, _ = table(
        tmp_path,
        [
            *(row("a", "peer", [10.0]), row("b", "peer", [20.0])),
            *(row("a", "peer", [9.0], threads=2), row("b", "peer", [6.0], threads=2)),
        ],
    )
    assert [each["speedup_vs_best_peer"] for each in rows] == [1, 0.5, 6 / 9, 1]


def test_without_an_engine_of_others_there_is_no_table(tmp_path: Path) -> None:
    rows = [row("a", "peer", [], reason="not installed"), row("ours", "colonnade", [1.0])]
    with pytest.raises(ColonnadeError, match="no engine to compare with has run: a: not installed"):
        table(tmp_path, rows)
    assert not (tmp_path / "comparison.csv").exists()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match=r"measured\.json"):
        table(tmp_path, [{"model": "resnet18"}])
