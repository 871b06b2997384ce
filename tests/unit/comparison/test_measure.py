# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What becomes of participants whose outputs are wrong, that fail late, or that are not installed."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.comparison.measure import Participant, Peers, _compare
from colonnade.package.untrained import Variant

IMAGE = np.ones((1, 3, 2, 2), np.float32)
# Serves, having written an output of that value.
SERVE = """
import json, sys
import numpy as np
np.save(sys.argv[1], np.full((1, 4), float(sys.argv[2]), np.float32))
print("[]", flush=True)
for line in sys.stdin:
    print(json.dumps([0.001] * int(line)), flush=True)
"""


@pytest.fixture
def variant(monkeypatch: pytest.MonkeyPatch) -> Variant:
    """Computes ones."""
    monkeypatch.setattr(Variant, "output", lambda *_: np.ones((1, 4), np.float32))
    return Variant("dense", 0.0, Path("none"), Path("none"))


def run(folder: Path, variant: Variant, name: str, code: str, value: float) -> dict[str, Any]:
    output = folder / f"{name}.npy"
    command = [sys.executable, "-c", code, str(output), str(value)]
    one = Participant(name, "peer", "1.0", variant, command, output, {})
    (row,) = _compare([one], IMAGE, 2, seed=1)
    return row


def test_outputs_may_differ_by_rounding_only(tmp_path: Path, variant: Variant) -> None:
    right = run(tmp_path, variant, "right", SERVE, 1 + 5e-5)
    assert (right["round_ms"], right["reason"]) == ([1.0, 1.0], "")
    assert right["max_relative_error"] == pytest.approx(5e-5, rel=0.01)
    wrong = run(tmp_path, variant, "wrong", SERVE, 1.001)
    assert wrong["round_ms"] == []
    assert wrong["reason"] == "its outputs differ by 1.0e-03; allowed: 0.0001"
    no_number = run(tmp_path, variant, "nan", SERVE, float("nan"))
    assert no_number["round_ms"] == []
    assert "its outputs differ by nan" in no_number["reason"]


def test_one_that_fails_at_its_end_does_not_count(tmp_path: Path, variant: Variant) -> None:
    row = run(tmp_path, variant, "late", f"{SERVE}\nsys.exit('disk full')", 1)
    assert (row["round_ms"], row["reason"]) == ([], "exit status 1: disk full")
    assert row["max_relative_error"] is None


def test_the_list_of_peers_says_which_are_missing(tmp_path: Path) -> None:
    listed = tmp_path / "peers.tsv"
    listed.write_text("ncnn\tnot installed: no wheel\nonnxruntime\t\n")
    peers = Peers.read(tmp_path, listed)
    assert peers.missing == {"ncnn": "not installed: no wheel"}
    assert peers.version("ncnn") is None
    listed.write_text("ncnn\n")
    with pytest.raises(ColonnadeError, match=r"peers\.tsv: no list of peers"):
        Peers.read(tmp_path, listed)


def test_versions_are_those_of_the_environment() -> None:
    assert Peers(Path(sys.prefix), {}).version("pytorch_compile")
