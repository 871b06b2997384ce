# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""ARTIFACT.md has the claims of config/claims.yaml, and commands that there are."""

import re
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import BASELINE, CLAIMS
from colonnade.config.sources import parse_command_line
from colonnade.results.artifact import DOCUMENT, with_claims
from colonnade.results.claims import read_definitions, recorded_values
from colonnade.results.tables import SENSITIVITY, THROUGHPUT, read_table
from colonnade.workflow.workflow import Workflow

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / DOCUMENT).read_text("utf-8")
DEFINITIONS = read_definitions(ROOT / CLAIMS)
RECORDED = recorded_values(DEFINITIONS, read_table(ROOT / BASELINE, THROUGHPUT))


def test_the_claims_are_current() -> None:
    hint = "write them anew by `colonnade config-reference`"
    assert with_claims(ROOT / DOCUMENT, DEFINITIONS, RECORDED) == TEXT, hint
    assert all(f"| `{claim.id}` | {claim.claim} |" in TEXT for claim in DEFINITIONS.claims)


def test_what_is_recorded_is_told() -> None:
    table = read_table(ROOT / BASELINE, THROUGHPUT)
    fastest = max(table["speedup_vs_xnnpack_dense"])
    assert RECORDED["throughput"] == RECORDED["resnet18-34-speedup"] == fastest
    # Of a ResNet-50 and of top-1 there is no recorded run.
    assert not {"resnet50-speedup", "top1", "same-predictions"} & set(RECORDED)
    rows = read_table(ROOT / "results/baseline/sensitivity.csv", SENSITIVITY).to_dicts()
    (row,) = (
        row
        for row in rows
        if row["conclusion"] == "colnm_tuned full0.75 is faster than xnnpack_nhwc_dense dense"
    )
    badge = (
        f"{row['nominal']:.2f}x on the nominal core, {row['lowest']:.2f}x to {row['highest']:.2f}x"
    )
    assert badge in TEXT


def test_a_document_without_a_place_for_claims_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no claims\n")
    with pytest.raises(ColonnadeError, match=re.escape(f"{page}: needed: the lines <!-- claims")):
        with_claims(page, DEFINITIONS, {})


def test_times_are_those_of_the_readme() -> None:
    """Of targets that are typed alone; there it is said what else a time counts on."""
    listed = dict(
        re.findall(r"^    (snakemake [\w-]+) +# (.+)$", (ROOT / "README.md").read_text(), re.M)
    )
    alone = {run.command: run.time for run in DEFINITIONS.runs if run.command in listed}
    assert set(alone) == {"snakemake full-run", "snakemake dense-baselines"}
    assert all(time.startswith(listed[command]) for command, time in alone.items())


def test_targets_and_make_targets_that_are_named_exist() -> None:
    named = {
        target
        for command in re.findall(r"snakemake ((?:[a-z]+-[a-z]+ ?)+)", TEXT)
        for target in command.split()
    }
    rules = re.findall(r'name:\s+"([\w-]+)"', (ROOT / "Snakefile").read_text())
    assert {"full-run", "artifact-evaluation", "accuracy-study"} <= named <= set(rules)
    makefile = (ROOT / "Makefile").read_text()
    made = set(re.findall(r"`make ([\w-]+)`", TEXT))
    assert {"smoke", "env"} <= made
    assert all(re.search(rf"^{name}:", makefile, re.M) for name in made)


@pytest.mark.parametrize("command", sorted({each.command for each in DEFINITIONS.claims}))
def test_commands_of_claims_are_of_the_configuration(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that only an evaluator has are put in their place."""
    for name in ("config", "kernels", "workflow"):
        (tmp_path / name).symlink_to(ROOT / name)
    for split in ("train", "val"):
        (tmp_path / f"imagenet/{split}/a").mkdir(parents=True)
    (tmp_path / "weights").mkdir()
    for name in re.findall(r"weights/\w+\.pth", command + " weights/resnet50.pth"):
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    given, _, keys = command.partition(" --config ")
    entries = re.findall(r"'[^']+'|\S+", keys)
    files = [Path(word) for word in given.split() if word.endswith(".yaml")]
    files = files or [Path("config/default.yaml")]
    values = parse_command_line([entry.strip("'") for entry in entries])
    plan = Workflow.from_config(values, list(reversed(files)))
    assert plan.config.results.startswith("results")
