# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tests that share what they write run in one process."""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.conftest import GROUPS, ROOT, WORKFLOW, group

pytestmark = pytest.mark.slow

CONFTEST = "from tests.conftest import pytest_collection_modifyitems, pytest_xdist_make_scheduler"

TESTS = """
import os, pathlib, time, pytest

@pytest.mark.parametrize("number", range(6))
def test_something(number):
    time.sleep(0.05)
    with pathlib.Path(__file__).with_suffix(".workers").open("a") as stream:
        print(os.environ["PYTEST_XDIST_WORKER"], file=stream)
"""


def test_a_file_runs_in_one_process_and_files_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name in "abcd":
        (tmp_path / f"test_{name}.py").write_text(TESTS)
    # With temporary folders of its own: what earlier sessions left takes minutes to remove.
    own = ("-p", "no:cacheprovider", "--basetemp", str(tmp_path / "temporary"))
    command = [sys.executable, "-m", "pytest", "-n", "2", *own, str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    workers = {file.stem: file.read_text().split() for file in tmp_path.glob("*.workers")}
    assert len(workers) == 4
    assert {len(each) for each in workers.values()} == {6}
    assert {len(set(each)) for each in workers.values()} == {1}
    assert len(set.union(*map(set, workers.values()))) == 2


def test_groups_are_of_tests_that_exist() -> None:
    found = defaultdict(set)
    for file in (ROOT / "tests").rglob("test_*.py"):
        name = file.relative_to(ROOT).as_posix()
        found[group(f"{name}::test_something")].add(name)
    for name, ids in GROUPS.items():
        assert all(any(file.startswith(each) for file in found[name]) for each in ids), name
    assert found["tests/unit/project/test_groups.py"] == {"tests/unit/project/test_groups.py"}
    # A checkout for each, and the folder's files are in one of them.
    full = {file for file in found["fresh"] if "finished: Checkout" in (ROOT / file).read_text()}
    assert full == set()
    named = found["finished"] | found["fresh"] | found["documented"]
    assert {file for file in named if file.startswith(WORKFLOW)} == {
        file.relative_to(ROOT).as_posix() for file in (ROOT / WORKFLOW).glob("test_*.py")
    }
