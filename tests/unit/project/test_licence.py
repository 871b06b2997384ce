# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The licence has one text; `reuse lint` finds it by one name, people and code hosts by the other."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_both_copies_of_the_licence_are_the_same() -> None:
    assert (ROOT / "LICENSES/BSD-3-Clause.txt").read_bytes() == (ROOT / "LICENSE").read_bytes()
