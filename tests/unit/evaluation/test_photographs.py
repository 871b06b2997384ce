# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tables of what networks see in photographs; crops of these; pins of what is installed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_json
from colonnade.evaluation.photographs import (
    CALIBRATION,
    CROPS,
    HELD_OUT,
    find_photograph,
    write_crops,
)
from colonnade.results.photographs import write_photographs
from colonnade.results.tables import PHOTOGRAPH_AGREEMENT, PHOTOGRAPHS, read_table

ROOT = Path(__file__).resolve().parents[3]


def _photographs(folder: Path) -> Path:
    (folder / "skimage/data").mkdir(parents=True)
    pixels = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "skimage/data/page.png")
    return folder


def test_photographs_are_those_of_both_packages(tmp_path: Path) -> None:
    packages = _photographs(tmp_path)
    assert find_photograph(packages, "page") == packages / "skimage/data/page.png"
    assert find_photograph(packages, "flower").name == "flower.jpg"
    with pytest.raises(ColonnadeError, match=r"photograph moon: not there$"):
        find_photograph(packages, "moon")


def test_crops_are_squares_and_the_same_every_time(tmp_path: Path) -> None:
    packages = _photographs(tmp_path / "packages")
    for name in ("a", "b"):
        write_crops(packages, ("page", "flower"), 1, tmp_path / name)
    first = sorted((tmp_path / "a").iterdir())
    assert len(first) == 2 * CROPS
    for file in first:
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
        width, height = Image.open(file).size
        assert width == height


def test_what_is_held_out_calibrates_nothing() -> None:
    assert len(HELD_OUT) > 4 and not set(HELD_OUT) & set(CALIBRATION)


def test_tables_say_what_was_seen(tmp_path: Path) -> None:
    runs, agreement, shown = (tmp_path / f"{name}.json" for name in ("run", "agreement", "shown"))
    seen = [
        {"photograph": "cat", "best": [1, 0], "torch_best": 1, "difference": 1e-6},
        {"photograph": "dog", "best": [0, 1], "torch_best": 1, "difference": 2e-6},
    ]
    write_json(runs, {"variant": "dense", "dtype": "f32", "target": "x60", "seen": seen})
    write_json(agreement, {"masked": {"crops": 4, "same_top1": 0.25, "among_best": 0.5}})
    write_json(shown, {"classes": ["tench, Tinca tinca", "tabby"], "pictures": {}})
    table, agreements = tmp_path / "photographs.csv", tmp_path / "photograph_agreement.csv"
    write_photographs([runs], agreement, shown, table, agreements)
    rows = read_table(table, PHOTOGRAPHS).rows(named=True)
    assert [(row["labels"], row["same_top1"]) for row in rows] == [
        ("tabby; tench", 1),
        ("tench; tabby", 0),
    ]
    assert {row["evidence"] for row in rows} == {"emulated"}
    (row,) = read_table(agreements, PHOTOGRAPH_AGREEMENT).rows(named=True)
    assert (row["same_top1_percent"], row["among_best_percent"]) == (25, 50)


def test_what_is_installed_is_pinned_as_for_the_tests() -> None:
    pinned = (ROOT / "workflow/envs/photographs.txt").read_text().partition("\n")[2]
    blocks = [block for block in pinned.replace("\n    ", " ").splitlines() if block]
    every = (ROOT / "requirements-dev.txt").read_text().replace("\n    ", " ").splitlines()
    assert len(blocks) == 4
    assert set(blocks) <= set(every)
