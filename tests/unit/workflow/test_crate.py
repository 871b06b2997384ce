# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a folder of results is told of a run, with stand-ins for Snakemake's jobs."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from colonnade.results.crate import METADATA, SUMS, read_crate
from colonnade.workflow.crate import describe_run

RESULTS = Path("results/x")


def job(rule: str, command: str | None, reads: list[str], makes: list[str]) -> Any:
    """A job of Snakemake's."""
    return SimpleNamespace(
        rule=SimpleNamespace(name=rule), shellcmd=command, input=reads, output=makes, log=["a.log"]
    )


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose run made a table of a core and a configuration."""
    monkeypatch.chdir(tmp_path)
    for name in (
        *("Snakefile", "workflow/rules/a.smk", "config/claims.yaml", "kernels/core.json"),
        *("kernels/a.c", "results/x/tables/a.csv", "results/x/settings/1.json"),
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(f"{name}\n")
    provenance = {
        **{"git_commit": "0123", "dirty": False, "qemu": "qemu 10", "cpu": "a cpu"},
        **{"image": {"engine": "rootfs", "digest": "sha256:abc"}, "compilers": {"clang": "19"}},
        **{"python": "3.11", "python_packages": {"snakemake": "9"}, "seeds": {"run": 1}},
        **{"config_sha256": "0", "config_changes": []},
        "config": {"model": {"name": "resnet18"}, "target": "x60"},
    }
    (RESULTS / "provenance.json").write_text(json.dumps(provenance))
    return RESULTS


def describe(results: Path, *jobs: Any) -> dict[str, Any]:
    """Every entity of the crate, by its name."""
    snakefiles = ["Snakefile", str(Path("workflow/rules/a.smk").resolve())]
    describe_run(results, jobs, snakefiles)
    return {each["@id"]: each for each in read_crate(results)["@graph"]}


TABLE = "results/x/tables/a.csv"
READS = [
    *("config/claims.yaml", "kernels/core.json", "kernels/a.c", "results/x/settings/1.json"),
    "/elsewhere/image.json",
]


def test_a_job_is_described_by_its_command_without_where_its_output_goes(results: Path) -> None:
    command = f"colonnade table a config/claims.yaml {TABLE} 'two words' >a.log 2>&1"
    found = describe(results, job("a", command, READS, [TABLE]))
    action = found["#a-tables/a.csv"]
    assert action["description"] == (
        "colonnade table a inputs/config/claims.yaml tables/a.csv 'two words'"
    )
    assert action["result"] == [{"@id": "tables/a.csv"}]
    assert {each["@id"] for each in action["object"]} == {
        *("inputs/config/claims.yaml", "inputs/kernels/core.json", "settings/1.json"),
    }


@pytest.mark.parametrize("end", ["> a.log", "2> a.log", "1>a.log", "| tee a.log", ">>a.log"])
def test_every_redirection_ends_a_command(results: Path, end: str) -> None:
    found = describe(results, job("a", f"make x|y {TABLE} {end}", [], [TABLE]))
    assert found["#a-tables/a.csv"]["description"] == "make 'x|y' tables/a.csv"


def test_the_crate_has_copies_of_what_says_what_was_run(results: Path) -> None:
    describe(results, job("a", f"make {TABLE}", READS, [TABLE]))
    copies = [path for path in (results / "inputs").rglob("*") if path.is_file()]
    names = {str(path.relative_to(results / "inputs")) for path in copies}
    # Sources of programs are in the commit, and results lie beside.
    assert names == {"Snakefile", "workflow/rules/a.smk", "config/claims.yaml", "kernels/core.json"}
    for path in copies:
        assert path.read_text() == f"{path.relative_to(results / 'inputs')}\n"
    sums = [line.split("  ") for line in (results / SUMS).read_text().splitlines()]
    assert [hashlib.sha256(f"{TABLE}\n".encode()).hexdigest(), "tables/a.csv"] in sums


def test_jobs_that_make_nothing_or_run_no_command_are_left_out(results: Path) -> None:
    found = describe(
        results,
        job("all", None, [TABLE], []),
        job("check", "check", [TABLE], []),
        job("in-python", None, [], ["results/x/settings/1.json"]),
        job("a", f"make {TABLE}", [], [TABLE]),
    )
    actions = [name for name, each in found.items() if each["@type"] == "CreateAction"]
    assert sorted(actions) == ["#a-tables/a.csv", "#run"]


def test_without_provenance_nothing_is_described(results: Path) -> None:
    (results / "provenance.json").unlink()
    before = sorted(results.rglob("*"))
    describe_run(results, [job("a", f"make {TABLE}", [], [TABLE])], ["Snakefile"])
    assert sorted(results.rglob("*")) == before
    assert not (results / METADATA).exists()
