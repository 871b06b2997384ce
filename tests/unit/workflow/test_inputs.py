# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The files that rules are built from."""

from pathlib import Path

import pytest

from colonnade.workflow import inputs


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "kernels/generate.py",
        "kernels/src/a.c",
        "kernels/timing/src/core.c",
        "containers/a",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_importing_a_source_makes_no_other(checkout: Path) -> None:
    before = [inputs.kernel_sources(), inputs.timing_sources(), inputs.recipe()]
    assert before[0] == ["kernels/generate.py", "kernels/src/a.c", "kernels/timing/marker.h"]
    assert before[1][0] == "kernels/timing/src/core.c"
    assert before[2] == ["containers/a"]
    for folder in ("kernels", "kernels/timing/src", "containers"):
        (checkout / folder / "__pycache__").mkdir()
        (checkout / folder / "__pycache__/generate.cpython-311.pyc").touch()
    assert [inputs.kernel_sources(), inputs.timing_sources(), inputs.recipe()] == before
