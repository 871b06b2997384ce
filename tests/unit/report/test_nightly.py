# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Cycles over nights, as a section and as a page."""

import re
from pathlib import Path

from colonnade.report.nightly import nights_of, write_night_page
from colonnade.results.tables import NIGHTS, write_table


def test_nights_are_drawn_in_percent_of_the_baseline(tmp_path: Path) -> None:
    rows = [
        {
            **{"model": "resnet50", "run": f"resnet50 at 224 px, {run}", "layers": layers},
            **{"git_commit": f"{night:08x}ffff", "at": str(night)},
            **{"cycles": 1000 - 10 * night, "baseline_cycles": baseline},
        }
        for night in range(30)
        for run, baseline in (("f32", 800), ("f16", None))
        for layers in ("all layers", "1x1 convolutions", "other layers")
    ]
    table = tmp_path / "nights.csv"
    write_table(table, NIGHTS, rows)
    found = nights_of(table)
    (drawn,) = found["figures"]
    assert found["nights"] == 30
    # Nothing but its first night to compare with.
    assert found["without"] == ["resnet50 at 224 px, f16"]
    label = re.search(r'aria-label="([^"]*)"', drawn["figure"])
    assert label is not None
    # 710 of 1000 in the last night, and of 800.
    assert "over 30 nights" in label[1]
    assert label[1].endswith(
        "all layers 71.00 to 88.75, 1x1 convolutions 71.00 to 88.75, other layers 71.00 to 88.75"
    )
    for said in (
        ">the baseline<",
        ">224 px, f16<",
        ">224 px, f32<",
        ">1x1 convolutions<",
        ">other layers<",
    ):
        assert said in drawn["figure"]
    # Not all of 30 names fit.
    assert 5 <= len(set(re.findall(r">([0-9a-f]{8})<", drawn["figure"]))) <= 12
    page = tmp_path / "out/nights.html"
    write_night_page(table, page)
    text = page.read_text()
    assert drawn["figure"] in text
    assert text.count("<figcaption>") == 1
    assert 'href="tables/nights.csv"' in text
