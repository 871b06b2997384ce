# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The figure of the paper's networks has a mark for every row of the table."""

from pathlib import Path

import polars as pl
import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.report.paper import LAYOUTS, paper_figure, write_paper_figure
from colonnade.results.tables import THROUGHPUT, write_table

SPEEDUPS = {
    ("xnnpack_nhwc_dense", 0.0): 1.0,
    ("colnm_dense", 0.0): 1.25,
    ("colnm_tuned", 0.5): 2.5,
    ("mixed_colnm_dense", 0.0): 1.125,
    ("mixed_colnm_tuned", 0.5): 2.0,
}


def rows(model: str, mixed: bool) -> list[dict[str, object]]:
    return [
        {
            **dict.fromkeys(THROUGHPUT),
            **{"model": model, "implementation": implementation, "sparsity": sparsity},
            "speedup_vs_xnnpack_dense": speedup,
        }
        for (implementation, sparsity), speedup in SPEEDUPS.items()
        if mixed or not implementation.startswith("mixed_")
    ]


def table(models: dict[str, bool]) -> pl.DataFrame:
    found = [row for model, mixed in models.items() for row in rows(model, mixed)]
    return pl.DataFrame(found, schema=THROUGHPUT)


def test_rows_are_networks_by_sparsity_and_marks_are_layouts() -> None:
    figure = paper_figure(table({"vgg16": False, "resnet18": True}))
    for text in ("vgg16 0%", "vgg16 50%", "resnet18 0%", "resnet18 50%", *LAYOUTS.values()):
        assert figure.count(f">{text}<") == 1
    assert figure.index(">vgg16 50%<") < figure.index(">resnet18 0%<")


def test_the_figure_is_written_from_the_table(tmp_path: Path) -> None:
    path, output = tmp_path / "throughput.csv", tmp_path / "figure.svg"
    write_table(path, THROUGHPUT, rows("resnet18", True))
    write_paper_figure(path, output)
    assert output.read_text().startswith("<svg ")
    with pytest.raises(ColonnadeError, match=r"missing\.csv"):
        write_paper_figure(tmp_path / "missing.csv", output)
