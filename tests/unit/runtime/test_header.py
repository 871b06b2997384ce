# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the binding and the linker know of the C interface is what its header says."""

import re
import tomllib
from pathlib import Path

from colonnade.runtime import library

ROOT = Path(__file__).resolve().parents[3]
HEADER = (ROOT / "kernels/api/colonnade.h").read_text("utf-8")


def test_version_and_abi_have_one_value() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    defined = dict(re.findall(r"#define COLONNADE_(VERSION|ABI) (\S+)", HEADER))
    assert defined == {"VERSION": f'"{project["version"]}"', "ABI": str(library.ABI)}


def test_every_function_is_shown_and_bound() -> None:
    declared = set(re.findall(r"\bcolonnade_(\w+)\(", re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S)))
    shown = (ROOT / "kernels/api/colonnade.map").read_text("utf-8").partition("global:")[2]
    assert len(declared) == 13
    assert set(re.findall(r"\bcolonnade_(\w+);", shown)) == declared
    assert library._CHECKED.keys() | library._PLAIN.keys() == declared
    assert not library._CHECKED.keys() & library._PLAIN.keys()


def test_what_fails_answers_a_status() -> None:
    for name in library._CHECKED:
        assert re.search(rf"^int colonnade_{name}\(", HEADER, re.M), name
