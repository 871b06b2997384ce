# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The check-list of an artifact evaluation fails where a claim that should hold does not."""

from pathlib import Path
from typing import Any

import pytest

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_json
from colonnade.common.paths import CLAIMS
from colonnade.results.checklist import MARKS, checklist
from colonnade.results.claims import read_definitions

ROOT = Path(__file__).resolve().parents[3]


def claim(name: str, expected: str, verdict: str) -> dict[str, Any]:
    value = None if verdict == "not run" else 3.1478
    return {
        **{"id": name, "claim": "as fast", "source": "ours", "detail": "so it is", "unit": "x"},
        **{"criterion": "at least 4", "expected": expected, "paper_value": 4.0, "our_value": value},
        **{"evidence": "modelled", "verdict": verdict, "over_band": None, "refuted_by": "r"},
        **{"artifacts": ["tables/throughput.csv"], "command": "snakemake full-run"},
    }


@pytest.mark.parametrize(
    ("expected", "verdict", "mark"),
    [
        ("holds", "reproduced in the model", "ok"),
        ("holds", "exceeded", "ok"),
        ("holds", "reproduced on the nominal core", "ok"),
        ("holds", "depends on the core", "FAILS"),
        ("does not hold", "depends on the core", "ok"),
        ("holds", "not reproduced", "FAILS"),
        ("holds", "not reproduced in the model", "FAILS"),
        ("holds", "not decided", "FAILS"),
        ("holds", "not run", "open"),
        ("does not hold", "not reproduced in the model", "ok"),
        ("does not hold", "not decided", "ok"),
        ("does not hold", "exceeded in the model", "better"),
        ("does not hold", "not run", "open"),
        ("not decided", "not decided", "ok"),
        ("not decided", "reproduced", "better"),
        ("not decided", "not reproduced", "FAILS"),
        ("not decided", "not run", "open"),
        ("not run", "not run", "ok"),
        ("not run", "reproduced", "better"),
        ("not run", "not reproduced", "worse"),
    ],
)
def test_marks(expected: str, verdict: str, mark: str, tmp_path: Path) -> None:
    file, output = tmp_path / "claims.json", tmp_path / "checklist.txt"
    write_json(file, [claim("a", expected, verdict), claim("other", "holds", "reproduced")])
    text, failing = checklist(file)
    assert text.startswith(f"[{mark}] a: as fast\n")
    assert ("here 3.15x" in text.split("[ok] other")[0]) == (verdict != "not run")
    assert f"expected: {expected}\n" in text
    assert "        from tables/throughput.csv" in text
    assert text.splitlines()[-1].startswith("2 claims: ")
    assert f"{mark}: {MARKS[mark]}" in text
    assert ("; run by `snakemake full-run`" in text) == (verdict == "not run")
    assert failing == (["a"] if mark == "FAILS" else [])
    command = ["step", "checklist", str(file), str(output)]
    if mark == "FAILS":
        with pytest.raises(ColonnadeError, match=r"should hold, and do not: a$"):
            cli.main(command, standalone_mode=False)
        assert not output.exists()
    else:
        cli.main(command, standalone_mode=False)
        assert output.read_text() == text


def test_what_is_expected_says_all_that_there_is() -> None:
    """The paper's main claim does not hold in the model, and that is said."""
    expected = {each.id: each.expected for each in read_definitions(ROOT / CLAIMS).claims}
    assert set(expected.values()) == {"holds", "does not hold", "not decided", "not run"}
    assert expected["throughput"] == "does not hold"
    assert expected["same-predictions"] == "holds"
