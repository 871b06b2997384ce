# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Grids: which runs, how long they take, that they go on where they were, and their table."""

import json
import os
import re
import sys
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_json
from colonnade.common.paths import Results
from colonnade.config.grid import Grid, read_grid
from colonnade.evaluation.runs import BandRun
from colonnade.workflow.grid import Cell, plan_grid
from colonnade.workflow.networks import DENSE
from colonnade.workflow.scope import scope_of

ROOT = Path(__file__).resolve().parents[3]
SMALL = """
configfiles: [config/default.yaml, config/untrained.yaml]
results: results/small
networks: {resnet18: [conv1], mobilenet_v2: [features.0.0]}
batches: [1, 4]
threads: [1, 8]
dtypes: [f32, f16]
sparsities: [0.5]
"""
# A stand-in of Snakemake: writes what it is asked for, but nothing of one cell.
SNAKEMAKE = """#!{python}
import json, sys
from pathlib import Path
words = sys.argv[1:]
with open("called", "a") as called:
    called.write(json.dumps(words) + "\\n")
if any("mobilenet_v2-b4" in each for each in words) and not Path("well").exists():
    sys.exit(1)
for path in map(Path, words):
    if path.suffix != ".json":
        break
    implementation, dtype, threads = path.stem.split("-")
    path.parent.mkdir(parents=True, exist_ok=True)
    cycles = 1000 if implementation == "xnnpack_nhwc_dense" else 500 if dtype == "f32" else 250
    found = dict(model="a", checkpoint_sha256="b", implementation=implementation, dtype=dtype)
    found |= dict(threads=int(threads), layers=[dict(name="c", op="conv2d")])
    path.write_text(json.dumps(found | dict(cycles=dict(nominal=[cycles]))))
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where nothing has been run, with a grid and a Snakemake that takes no time."""
    for name in ("config", "kernels"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "small.yaml").write_text(SMALL)
    program = tmp_path / "bin/snakemake"
    program.parent.mkdir()
    python = sys.executable
    program.write_text(SNAKEMAKE.replace("{python}", python))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["grid", *arguments])


def cells_of(path: str) -> list[Cell]:
    return plan_grid(read_grid(Path(path)), path)


def test_the_papers_grid_has_each_with_all_others(checkout: Path) -> None:
    cells = cells_of("config/paper.yaml")
    names = {each.name for each in cells}
    networks = {name.rpartition("-b")[0] for name in names}
    assert networks == {
        *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
        *("mobilenet_v2", "densenet121"),
    }
    assert names == {f"{network}-b{batch}" for network in networks for batch in (1, 4)}
    for cell in cells:
        assert cell.plan.config.profile.algorithms == ("direct", "packed")
        runs = [run for each in cell.runs for run in each]
        variants = cell.plan.networks.variants
        assert variants == [DENSE, "full0.25", "full0.5", "full0.75"]
        ours = {run[1:] for run in runs if run.implementation.startswith("colnm")}
        assert ours == {
            (variant, dtype, threads)
            for variant in variants
            for dtype in ("f32", "f16")
            for threads in (1, 8)
        }
        baselines = [run for run in runs if run.implementation == "xnnpack_nhwc_dense"]
        assert [run[2:] for run in baselines] == [("f32", 1), ("f32", 8)]
        assert cell.plan.config.throughput.image_px == 224
        assert f"-b{cell.plan.config.throughput.batch}" in cell.name
        assert cell.plan.config.training.dense.epochs == 0
    page = (ROOT / "docs/clusters.md").read_text()
    assert f": {sum(len(each) for cell in cells for each in cell.runs)} runs" in page


def test_the_time_is_told_before_and_follows_what_was_recorded(checkout: Path) -> None:
    cells = cells_of("small.yaml")
    assert len(cells) == 4
    left = {cell.name: cell.seconds_left() for cell in cells}
    assert left["resnet18-b4"] > 2 * left["resnet18-b1"] > 0
    assert left["mobilenet_v2-b1"] < left["resnet18-b1"]
    said = ran("--estimate", "small.yaml")
    assert said.exit_code == 0, said.output
    assert re.match(
        r"4 networks and batches, 40 runs, 0 there; about .* left on a machine of two", said.output
    )
    assert not (checkout / "called").exists()
    write_json(
        checkout / ".snakemake/durations/results/small/resnet18-b1.json",
        {"costs": {"over_band": 7000.0, "profile": 0.0}},
    )
    assert cells_of("small.yaml")[0].seconds_left() == pytest.approx(10 * 7000)


def test_a_grid_goes_on_where_it_was(checkout: Path) -> None:
    first = ran("small.yaml", "--workflow-profile", "profiles/slurm")
    assert isinstance(first.exception, ColonnadeError)
    assert "1 of 4 failed: mobilenet_v2-b4; the same command goes on" in str(first.exception)
    calls = [json.loads(line) for line in (checkout / "called").read_text().splitlines()]
    assert len(calls) == 4
    for words in calls:
        targets, options = words[:10], words[10:]
        assert all(each.startswith("results/small/") for each in targets)
        assert options[:2] == ["--workflow-profile", "profiles/slurm"]
        assert options[2:6] == [
            *("--configfile", "config/default.yaml", "config/untrained.yaml", "--config"),
        ]
    table = checkout / "results/small/grid.csv"
    assert pl.read_csv(table).height == 3 * 10
    (checkout / "well").touch()
    (checkout / "results/small/resnet18-b1/sensitivity/dense/colnm_dense-f16-8.json").unlink()
    (checkout / "called").unlink()
    second = ran("small.yaml")
    assert second.exit_code == 0, second.output
    calls = [json.loads(line) for line in (checkout / "called").read_text().splitlines()]
    assert [sum(each.endswith(".json") for each in words) for words in calls] == [1, 10]
    rows = pl.read_csv(table)
    assert Counter(rows["batch"]) == {1: 20, 4: 20}
    of = {
        (row["dtype"], row["threads"], row["implementation"]): row["speedup_vs_xnnpack_dense"]
        for row in rows.iter_rows(named=True)
    }
    assert of["f32", 8, "colnm_tuned"] == 2
    assert of["f16", 1, "colnm_dense"] == 4
    assert of["f32", 1, "xnnpack_nhwc_dense"] == 1
    # Half precision, which is faster, is no baseline.
    best = rows.filter(pl.col("dtype") == "f32", pl.col("sparsity") == 0)
    assert best.group_by("batch", "threads", "model").agg(pl.col("speedup_vs_best_dense").max())[
        "speedup_vs_best_dense"
    ].to_list() == pytest.approx([1] * 4)
    assert "results/small/grid.csv: 4 networks and batches, 40 runs, 40 there\n" in second.output


def test_a_plan_of_snakemakes_leaves_no_table(checkout: Path) -> None:
    (checkout / "bin/snakemake").write_text("#!/bin/sh\n")
    planned = ran("small.yaml", "-n")
    assert planned.exit_code == 0, planned.output
    assert "40 runs, 0 there" in planned.output
    assert not (checkout / "results").exists()


@pytest.mark.parametrize(
    ("wrong", "instead", "named"),
    [
        ("resnet18: [conv1]", "resnet19: [conv1]", r"small.yaml: networks"),
        ("resnet18: [conv1]", "resnet18: [conv9]", "conv9"),
        ("batches: [1, 4]", "batches: []", "batches"),
        ("threads: [1, 8]", "threads: [1, 0]", "threads"),
        ("dtypes: [f32, f16]", "dtypes: [f64]", "dtypes"),
        ("sparsities: [0.5]", "sparsities: [1.5]", "sparsities"),
        ("results: results/small", "results: ../small", "allowed: a folder below results, such as"),
        ("config/untrained.yaml", "config/none.yaml", "config/none.yaml"),
    ],
)
def test_a_wrong_grid_is_named_before_anything_runs(
    checkout: Path, wrong: str, instead: str, named: str
) -> None:
    assert wrong in SMALL
    (checkout / "small.yaml").write_text(SMALL.replace(wrong, instead))
    run = ran("small.yaml")
    assert isinstance(run.exception, ColonnadeError), run.output
    assert named in str(run.exception)
    assert not (checkout / "called").exists()


@pytest.mark.parametrize(
    ("wrong", "instead", "told"),
    [
        ("sparsities: [0.5]", "sparsities: []", ["sparsities: []; allowed: a list of 1 or more"]),
        (
            "sparsities: [0.5]",
            f"sparsities: {[share / 1000 for share in range(1, 102)]}",
            ["sparsities: [0.001, "],
        ),
        (
            "batches: [1, 4]",
            "batches: [1000000000]",
            ["batches.0: 1000000000; allowed: less than or equal to 3136"],
        ),
        (
            "batches: [1, 4]",
            "batches: [1, 3000, 2000]",
            [
                "batches: 3000: allowed with image_px: 224: 1 to 64, ",
                "batches: 2000: allowed with image_px: 224: 1 to 64, ",
            ],
        ),
        (
            "resnet18: [conv1], mobilenet_v2: [features.0.0]",
            "resnet18: [conv1, conv9], mobilenet_v2: ['', conv1]",
            [
                "networks.resnet18: conv9: no such convolution in resnet18; allowed: conv1, ",
                "networks.mobilenet_v2.0: ''; allowed: text that is not empty",
            ],
        ),
        ("[conv1]", "[conv1, conv1]", ["networks.resnet18: given twice: conv1"]),
        ("threads: [1, 8]", "threads: [16]", ["threads: 16; allowed for the emulated target "]),
        ("threads: [1, 8]", "threads: [1, 16]", ["threads: 16; allowed for the emulated target "]),
    ],
)
def test_a_mistake_is_told_of_the_grids_file_and_key(
    checkout: Path, wrong: str, instead: str, told: list[str]
) -> None:
    assert wrong in SMALL
    (checkout / "small.yaml").write_text(SMALL.replace(wrong, instead))
    with pytest.raises(ColonnadeError) as caught:
        cells_of("small.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == len(told)
    for line, expected in zip(lines, told, strict=True):
        assert line.startswith(f"small.yaml: {expected}")


def test_results_of_something_else_are_told_of_the_grids_file(checkout: Path) -> None:
    (cell, *_) = cells_of("small.yaml")
    scope = Results(cell.folder).scope
    write_json(Path(scope), {**scope_of(cell.plan.config), "target": "other"})
    with pytest.raises(ColonnadeError) as caught:
        cells_of("small.yaml")
    told = str(caught.value)
    assert told.startswith(f"small.yaml: results: {cell.folder} holds results of target other, not")
    assert "--config" not in told


def test_what_the_grids_files_have_wrong_is_told_once_of_them(checkout: Path) -> None:
    (checkout / "bad.yaml").write_text("seed: none\n")
    wrong = SMALL.replace("config/untrained.yaml", "bad.yaml").replace("[conv1]", "[conv9]")
    (checkout / "small.yaml").write_text(wrong)
    with pytest.raises(ColonnadeError) as caught:
        cells_of("small.yaml")
    first, second = str(caught.value).splitlines()
    assert first == "bad.yaml: seed: 'none'; allowed: a whole number"
    assert second.startswith("small.yaml: networks.resnet18: conv9: no such convolution")


def test_a_run_is_where_the_rule_writes_it(checkout: Path) -> None:
    rule = (ROOT / "workflow/rules/validation.smk").read_text()
    assert '"<results>/sensitivity/{variant}/{implementation}-{dtype}-{threads}.json"' in rule
    run = BandRun("colnm_tuned", "full0.5", "f16", 8)
    (cell, *_) = cells_of("small.yaml")
    expected = "results/small/resnet18-b1/sensitivity/full0.5/colnm_tuned-f16-8.json"
    assert str(cell.file(run)) == expected
    assert isinstance(cell.grid, Grid)
