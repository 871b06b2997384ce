# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The tree of unit tests is that of the library: a reader finds the tests of a room under its name."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# What is tested besides the library: Python beside the kernels, and the repository.
OTHERS = {Path("kernels"), Path("project")}


def folders(root: Path) -> set[Path]:
    """The folders below `root` that hold modules, relative to it."""
    return {path.relative_to(root) for path in root.rglob("*") if any(path.glob("[a-z]*.py"))}


def test_every_room_has_its_tests_and_no_test_stands_elsewhere() -> None:
    rooms = folders(ROOT / "workflow/colonnade")
    tested = folders(ROOT / "tests/unit") - OTHERS
    assert len(rooms) > 15
    assert tested <= rooms
    # Parts of a room may be tested in its folder.
    assert {path for path in rooms if len(path.parts) == 1} <= tested
