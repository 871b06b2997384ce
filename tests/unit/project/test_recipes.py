# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""docs/recipes.md: the files of each recipe exist, and are as many as its table says."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/recipes.md").read_text("utf-8")
_ROW = re.compile(
    r"^\| \[(?P<title>[^]]+)\]\(#[\w-]+\) \| (?P<files>\d+) \| (?P<new>\d+) \|$", re.M
)
# Issue 12's limits: what a stranger has to touch, at most.
LIMITS = {
    "a core": 2,
    "an instruction set": 4,
    "a pattern": 1,
    "a layer type": 6,
    "a layer type of imported networks": 4,
    "a model": 1,
    "a kind of target": 4,
    "a datatype": 10,
}


class Recipe(NamedTuple):
    """A row of the table, and the numbered steps of its section: a file each."""

    files: int
    new: int
    steps: list[str]


def recipes() -> dict[str, Recipe]:
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
    found = {}
    for row in _ROW.finditer(PAGE):
        title = row["title"]
        text = sections[title[0].upper() + title[1:]]
        steps = re.findall(r"^\d+\. (.*?)(?=^\d+\. |^$|\Z)", text, re.M | re.S)
        found[title] = Recipe(int(row["files"]), int(row["new"]), steps)
    return found


RECIPES = recipes()


def test_every_section_has_its_row() -> None:
    titles = re.findall(r"^## (.+)$", PAGE, re.M)
    assert [title[0].lower() + title[1:] for title in titles] == list(RECIPES) == list(LIMITS)


@pytest.mark.parametrize("title", RECIPES)
def test_a_row_counts_its_steps(title: str) -> None:
    recipe = RECIPES[title]
    named = [re.findall(r"`([\w./-]+/[\w.-]+)`", step.partition(":")[0]) for step in recipe.steps]
    assert all(len(paths) == 1 for paths in named), "each step is a file, named before its colon"
    edited = re.compile(r"`[\w./-]+/[\w-]+\.(?:py|cc|h|c|in|c\.in|S\.in|yaml|txt)`")
    more = [edited.findall(step.partition(":")[2]) for step in recipe.steps]
    unexpected = [path for paths in more for path in paths if "/include/" not in path]
    assert not unexpected, "another file to touch is another step"
    assert len({path for (path,) in named}) == recipe.files <= LIMITS[title]
    assert sum("NAME" in path for (path,) in named) == recipe.new


def test_every_path_exists() -> None:
    # A new file is said with NAME in the place of what it is called.
    paths = [path for path in re.findall(r"`([\w./-]+/[\w./-]*)`", PAGE) if " " not in path]
    assert len(paths) > 20
    missing = [path for path in paths if not any(ROOT.glob(path.replace("NAME", "*")))]
    assert not missing
