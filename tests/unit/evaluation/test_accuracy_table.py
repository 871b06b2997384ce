# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The accuracy table: the contract's columns, and the method of every pattern."""

from pathlib import Path

import yaml

from colonnade.common.files import write_json
from colonnade.config.reading import read_config
from colonnade.evaluation.tables import accuracy_table
from colonnade.results.tables import ACCURACY, read_table
from colonnade.workflow.networks import Networks

ROOT = Path(__file__).resolve().parents[3]
PATTERNS = [
    {"n": 1, "m": 4},
    {"method": "row-wise", "n": 2, "m": 4},
    {"method": "unstructured", "m": "full", "sparsity": 0.75},
    {"method": "filters", "m": "full", "sparsity": 0.5},
]


def test_rows_name_method_and_drop(tmp_path: Path) -> None:
    default = yaml.safe_load((ROOT / "config/default.yaml").read_text())
    values = {**default, "pruning": {"patterns": PATTERNS}}
    config, _ = read_config(values, [], ROOT / "config/targets")
    networks = Networks(config)
    reports = []
    schedule = {"layer": "conv1", "schedule": "direct:8:1:1:1", "source": "other size"}
    schedule |= {"key": "n1c3h224w224-o64-k7x7-s2-p3-d1|k147", "adapted": []}
    for index, variant in enumerate(networks.variants):
        path = tmp_path / f"{variant}.json"
        report = {
            "checkpoint_sha256": variant,
            "n_images": 50,
            "target": "x60",
            "top1_torch": 0.9 - 0.02 * index,
            "top1_target": 0.9 - 0.02 * index,
            "agreement": 1.0,
            "max_abs_logit_difference": 1e-5,
            "schedule_sources": {"tuned": 0, "other size": 1, "fixed": 0},
            "schedules": [schedule],
        }
        write_json(path, report)
        columns = {"method": networks.method(variant), **networks.pattern_columns(variant)}
        reports.append((path, columns))
    accuracy_table("resnet18", "digits", reports, tmp_path / "accuracy.csv")
    rows = read_table(tmp_path / "accuracy.csv", ACCURACY).rows(named=True)
    assert [(row["method"], row["n"], row["m"], row["sparsity"]) for row in rows[::2]] == [
        ("dense", None, None, 0.0),
        ("column-wise", 1.0, "4", 0.75),
        ("row-wise", 2.0, "4", 0.5),
        ("unstructured", 0.25, "full", 0.75),
        ("filters", 0.5, "full", 0.5),
    ]
    assert [row["executed_on"] for row in rows] == ["torch", "x60"] * 5
    assert [round(row["drop_points"], 6) for row in rows[::2]] == [0, 2, 4, 6, 8]
