# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The documentation is true of the sources: files, tables, rooms, hooks; and its site fetches nothing."""

import itertools
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
import yaml
from torch import nn

from colonnade.common.datatypes import TOLERANCE
from colonnade.common.files import read_json
from colonnade.common.paths import DEFAULT_CONFIG, TARGETS
from colonnade.config.data import ImageNetConfig
from colonnade.config.reading import read_config
from colonnade.config.schema import ProfileConfig
from colonnade.config.study import FINETUNE
from colonnade.evaluation import refinement
from colonnade.package.archive import read_package
from colonnade.package.optimize import MOST_PICTURES
from colonnade.report.baselines import convolution_sums
from colonnade.results import tables
from colonnade.results.agreement import in_markdown as errors_in_markdown
from colonnade.targets.conditions import OTHERS_PERCENT, STEAL_PERCENT
from colonnade.tuning import race
from colonnade.validation.sensitivity import in_markdown

ROOT = Path(__file__).resolve().parents[3]
PAGES = (
    *(ROOT / name for name in ("README.md", "ARTIFACT.md", "CONTRIBUTING.md", "config/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
)
# What stands for any name, in upper case or in angle brackets, and what runs write.
ANY = re.compile(r"[A-Z]{2,}\b(?!\.md|\.txt)|[<*{]")
# What README says of recorded conclusions.
SHOWN = {
    "ours, dense": "colnm_dense dense is faster than xnnpack_nhwc_dense dense",
    "ours, half of the columns pruned": (
        "colnm_tuned full0.5 is faster than xnnpack_nhwc_dense dense"
    ),
    "ours, three quarters pruned": "colnm_tuned full0.75 is faster than xnnpack_nhwc_dense dense",
    "three quarters pruned, over ours dense": (
        "colnm_tuned full0.75 is faster than colnm_dense dense"
    ),
}
SHARES = {0.25: "a quarter", 0.5: "half"}
FOLDERS = ("config", "containers", "docs", "kernels", "profiles", "tests", "workflow")


def named_files(page: Path) -> list[str]:
    names = re.findall(r"`([\w.-]+(?:/[\w.*<>{}-]+)+/?)`", page.read_text())
    return [name for name in names if name.split("/")[0] in FOLDERS and not ANY.search(name)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    assert [name for name in named_files(page) if not (ROOT / name).exists()] == []


def test_files_are_named() -> None:
    assert len({name for page in PAGES for name in named_files(page)}) > 40


def test_every_table_is_described() -> None:
    page = (ROOT / "docs/results.md").read_text()
    schemas = {
        name.lower(): value
        for name, value in vars(tables).items()
        if name.isupper() and isinstance(value, dict)
    }
    assert {"layers", "throughput", "accuracy", "pareto"} <= set(schemas)
    # The first has no place of its own, the user names it; the second and third are columns of
    # others, the fourth another name of throughput's.
    assert [
        name
        for name in schemas.keys() - {"pruned", "conditions", "spread", "paper"}
        if f"`tables/{name}.csv`" not in page
    ] == []
    columns = {column for schema in schemas.values() for column in schema}
    assert sorted(column for column in columns if f"`{column}`" not in page) == []


def test_the_values_that_are_shown_are_those_that_were_recorded() -> None:
    table = tables.read_table(ROOT / "results/baseline/sensitivity.csv", tables.SENSITIVITY)
    rows = table.to_dicts()
    assert in_markdown(rows) in (ROOT / "docs/timing-model.md").read_text()
    recorded = {
        row["conclusion"]: (f"{row['nominal']:.2f}", f"{row['lowest']:.2f} to {row['highest']:.2f}")
        for row in rows
    }
    page = (ROOT / "README.md").read_text().split("\n## What it reaches\n")[1].split("\n## ")[0]
    assert f"the {rows[0]['cores']} cores" in page
    shown = re.findall(r"^\| ([^|]+) \| (\d[^|]*) \| (\d[^|]*) \|$", page, re.M)
    assert len(shown) == len(SHOWN)
    for name, nominal, over_band in shown:
        assert (nominal, over_band) == recorded[SHOWN[name]], name


def test_prose_has_the_recorded_medians_and_the_papers_algorithm() -> None:
    table = tables.read_table(ROOT / "results/baseline/sensitivity.csv", tables.SENSITIVITY)
    recorded = {row["conclusion"]: row for row in table.to_dicts()}
    prose = " ".join((ROOT / "README.md").read_text().split())
    medians = [f"{recorded[name]['median']:.2f}" for name in SHOWN.values()]
    assert f"the medians are {', '.join(medians[:-1])} and {medians[-1]}." in prose
    for name, said in (
        ("xnnpack_nhwc_dense dense", "{:.2f} times XNNPACK ({:.2f} to {:.2f})"),
        ("colnm_dense dense", "{:.2f} times ours dense ({:.2f} to {:.2f})"),
    ):
        row = recorded[f"colnm_packed full0.75 is faster than {name}"]
        assert said.format(row["nominal"], row["lowest"], row["highest"]) in prose


def test_the_errors_that_are_shown_are_those_that_were_recorded() -> None:
    rows = tables.read_table(ROOT / "results/baseline/validation.csv", tables.VALIDATION).to_dicts()
    assert errors_in_markdown(rows) in (ROOT / "docs/timing-model.md").read_text()


def shown_in_study(row: dict[str, Any]) -> str:
    """A row of the recorded study as docs/results.md has it."""
    how = f"{row['method']}, {row['tile']} T" if row["tile"] == "profiled" else row["method"]
    drop = f"{row['drop_mean']:.2f}"
    if row["drop_interval"] is not None:
        drop += f" ± {row['drop_interval']:.2f}"
    top1 = f"{row['top1_mean']:.2f} ± {row['top1_interval']:.2f}"
    return f"| {how} | {100 * row['sparsity']:g}% | {row['recipe']} | {top1} | {drop} |"


@pytest.mark.parametrize("name", ["study", "more-images", "fashion-mnist"])
def test_the_studies_that_are_shown_are_those_that_were_recorded(name: str) -> None:
    folder = ROOT / "results/baseline" / name
    rows = tables.read_table(folder / "study_summary.csv", tables.STUDY_SUMMARY).to_dicts()
    page = (ROOT / "docs/results.md").read_text()
    assert "\n".join(map(shown_in_study, rows)) in page
    assert {row["control"] for row in rows} == {"holds"}
    assert read_json(folder / "provenance.json")["dirty"] is False


def test_prose_has_what_pruning_cost_on_fashion_mnist() -> None:
    file = ROOT / "results/baseline/fashion-mnist/study_summary.csv"
    rows = tables.read_table(file, tables.STUDY_SUMMARY).to_dicts()
    dense, half, quarter, untrained, solved = (
        next(row for row in rows if (row["method"], row["sparsity"], row["recipe"]) == key)
        for key in (
            ("dense", 0, "paper"),
            ("column-wise", 0.5, "paper"),
            ("column-wise", 0.75, "paper"),
            ("column-wise", 0.75, "repaired-untrained"),
            ("column-wise", 0.75, "repaired"),
        )
    )
    prose = " ".join((ROOT / "README.md").read_text().split())
    assert (
        f"On photographs of clothes (Fashion-MNIST, dense {dense['top1_mean']:.1f}%) half costs"
        f" {half['drop_mean']:.1f} points, three quarters {quarter['drop_mean']:.1f}, or"
        f" {solved['drop_mean']:.1f} solved first." in prose
    )
    page = " ".join((ROOT / "docs/results.md").read_text().split())
    assert f"lose {untrained['drop_mean']:.2f} points without any training" in page
    # The aim is outside one interval and within the other.
    assert half["drop_mean"] < quarter["drop_mean"] - quarter["drop_interval"]
    assert quarter["drop_mean"] - quarter["drop_interval"] > 0.5
    assert solved["drop_mean"] - solved["drop_interval"] < 0.5 < solved["drop_mean"]


def test_prose_has_what_pruning_costs_with_more_images() -> None:
    drops = {}
    for name in ("study", "more-images"):
        file = ROOT / "results/baseline" / name / "study_summary.csv"
        rows = tables.read_table(file, tables.STUDY_SUMMARY).to_dicts()
        drops[name] = {
            row["recipe"]: row["drop_mean"]
            for row in rows
            if (row["method"], row["sparsity"]) == ("column-wise", 0.75)
        }
    few, many = drops["study"], drops["more-images"]
    page = " ".join((ROOT / "docs/results.md").read_text().split())
    assert (
        f"three quarters cost {many['paper']:.2f} points in the place of {few['paper']:.2f}, and"
        f" {many['repaired']:.2f} in the place of {few['repaired']:.2f} where" in page
    )
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert (
        f"With four times the images and as many steps three quarters cost {many['paper']:.1f}"
        f" points, or {many['repaired']:.1f} solved first" in readme
    )
    assert many["paper"] < 2.1 < few["repaired"]


def test_prose_has_what_pruning_cost_in_the_recorded_study() -> None:
    file = ROOT / "results/baseline/study/study_summary.csv"
    rows = tables.read_table(file, tables.STUDY_SUMMARY).to_dicts()
    dense = max(row["top1_mean"] for row in rows if row["method"] == "dense")
    lost = {(row["method"], row["sparsity"], row["recipe"]): row["drop_mean"] for row in rows}
    ours = {
        sparsity: lost["column-wise", sparsity, "paper"] for sparsity in (0.25, 0.5, 0.75, 0.875)
    }
    solved = lost["column-wise", 0.75, "repaired"]
    single, filters = (lost[method, 0.75, "paper"] for method in ("unstructured", "filters"))
    prose = " ".join((ROOT / "README.md").read_text().split())
    assert (
        f"against the best dense ones ({dense:.1f}%). A quarter of the columns costs {ours[0.25]:.1f}"
        f" points, half {ours[0.5]:.1f}, three quarters {ours[0.75]:.1f}, or {solved:.1f} where"
    ) in prose
    assert (
        f"single weights cost {single:.1f} at three quarters, whole filters {filters:.1f}." in prose
    )
    # What it concludes: means on either side of the bound, intervals on both.
    bound = 2.1
    assert (
        ours[0.5] < bound < min(drop for (_, sparsity, _), drop in lost.items() if sparsity > 0.5)
    )
    half, repaired = (
        next(
            row
            for row in rows
            if (row["method"], row["sparsity"], row["recipe"]) == ("column-wise", *key)
        )
        for key in ((0.5, "paper"), (0.75, "repaired"))
    )
    for row in (half, repaired):
        assert abs(row["drop_mean"] - bound) < row["drop_interval"]
    assert (
        f"(95% intervals: half {half['drop_mean']:.1f} ± {half['drop_interval']:.1f}, three quarters"
        f" solved {solved:.1f} ± {repaired['drop_interval']:.1f})"
    ) in prose
    untrained = dense - lost["column-wise", 0.75, "repaired-untrained"]
    page = " ".join((ROOT / "docs/importing.md").read_text().split())
    assert f"dense networks reach {dense:.1f}%, three quarters of the columns pruned" in page
    assert f"leave {untrained:.1f}%; after training {repaired['top1_mean']:.1f}%." in page
    page = " ".join((ROOT / "docs/results.md").read_text().split())
    gap = ours[0.75] - single
    assert (
        f"single weights lose {single:.2f} points by the same budget, columns {ours[0.75]:.2f}."
        in page
    )
    assert f"These {gap:.2f} points are the pattern's" in page
    assert f"close {100 * (ours[0.75] - solved) / gap:.0f}% of the gap" in page


def paired(recipe: str, other: str) -> str:
    """How much higher top-1 is by one recipe than by another, seed by seed, with Student's interval."""
    file = ROOT / "results/baseline/study/study.csv"
    rows = tables.read_table(file, tables.STUDY).to_dicts()
    top1 = {
        name: {
            row["seed"]: row["top1"]
            for row in rows
            if (row["method"], row["sparsity"], row["tile"], row["recipe"])
            == ("column-wise", 0.75, "profiled", name)
        }
        for name in (recipe, other)
    }
    gains = np.array([top1[recipe][seed] - top1[other][seed] for seed in sorted(top1[recipe])])
    assert len(gains) == 3
    # Of two degrees of freedom, 97.5%.
    interval = 4.302653 * gains.std(ddof=1) / np.sqrt(len(gains))
    return f"{gains.mean():.1f} ± {interval:.1f} points"


def test_prose_says_what_three_seeds_settle() -> None:
    page = " ".join((ROOT / "docs/results.md").read_text().split())
    assert f"seed by seed they gain {paired('repaired', 'paper')} (95%)" in page
    assert f"and distils, is {paired('repaired', 'all')} below least squares alone" in page


def test_errors_that_no_table_of_the_page_has_are_told() -> None:
    rows = tables.read_table(ROOT / "results/baseline/validation.csv", tables.VALIDATION).to_dicts()
    page = " ".join((ROOT / "docs/timing-model.md").read_text().split())
    left_out = page.split("Left out of this table are the ")[1].split(" The headline is")[0]
    exceptions = sorted(abs(row["error_percent"]) for row in rows if row["exception"])
    assert left_out.startswith("seven points") and len(exceptions) == 7
    assert sorted(map(int, re.findall(r"\b(\d+)(?=[,%)]| and)", left_out.replace("X280", "")))) == [
        round(each) for each in exceptions
    ]
    held_out = [
        row["error_percent"] for row in rows if (row["group"], row["role"]) == ("GEMM", "held out")
    ]
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert max(held_out) < 0
    assert f"it is {-max(held_out):.0f} to {-min(held_out):.0f}% too fast." in readme


def shown_in_comparison(rows: Sequence[dict[str, Any]]) -> str:
    """One setting of the recorded comparison as docs/measuring.md has it."""
    best = next(row for row in rows if row["speedup_vs_best_peer"] == 1 and row["kind"] == "peer")
    ours = {row["sparsity"]: row for row in rows if row["kind"] == "colonnade"}
    ratios = [f"{ours[each]['speedup_vs_best_peer']:.2f}" for each in sorted(ours)]
    cells = (
        best["model"],
        best["batch"],
        best["threads"],
        best["participant"],
        f"{best['ms']:.1f}",
    )
    return f"| {' | '.join([*map(str, cells), *ratios])} |"


def recorded_comparison() -> list[list[dict[str, Any]]]:
    """Rows of each setting."""
    file = ROOT / "results/baseline/host/comparison.csv"
    rows = tables.read_table(file, tables.COMPARISON).to_dicts()
    settings = itertools.groupby(
        rows, lambda row: [row[key] for key in ("model", "batch", "threads")]
    )
    return [list(group) for _, group in settings]


def test_the_comparison_that_is_shown_is_the_one_that_was_recorded() -> None:
    settings = recorded_comparison()
    config, _ = read_config({}, [ROOT / DEFAULT_CONFIG], ROOT / TARGETS)
    asked = config.comparison
    assert len(settings) == len(asked.networks) * len(asked.batches) * len(asked.threads)
    page = (ROOT / "docs/measuring.md").read_text()
    assert "\n".join(map(shown_in_comparison, settings)) in page
    readme = (ROOT / "README.md").read_text()
    for rows in settings:
        if rows[0]["batch"] == 1:
            assert shown_in_comparison(rows) in readme
    # All that ran computed the same, on a quiet machine, on one commit.
    ran = [row for rows in settings for row in rows if not row["reason"]]
    assert max(row["max_relative_error"] or 0 for row in ran) <= TOLERANCE["f32"]
    assert {row["under_load"] for row in ran} == {0}
    assert read_json(ROOT / "results/baseline/host/provenance.json")["dirty"] is False


def shown_of_the_paper(rows: Sequence[dict[str, Any]]) -> str:
    """A network of the paper as docs/results.md has it: XNNPACK's cycles, and how much faster ours is."""
    nhwc, *ours = rows
    assert [row["sparsity"] for row in ours] == 2 * [0, 0.25, 0.5, 0.75]
    assert [row["implementation"].startswith("mixed") for row in ours] == 4 * [False] + 4 * [True]
    cells = [nhwc["model"], f"{nhwc['cycles'] / 1e6:.0f}"]
    cells += [f"{row['speedup_vs_xnnpack_dense']:.2f}" for row in ours]
    return f"| {' | '.join(cells)} |"


def test_the_papers_networks_that_are_shown_are_those_that_were_recorded() -> None:
    folder = ROOT / "results/baseline/figures"
    rows = tables.read_table(folder / "throughput.csv", tables.PAPER).to_dicts()
    networks = [list(group) for _, group in itertools.groupby(rows, lambda row: row["model"])]
    config, _ = read_config({}, [ROOT / DEFAULT_CONFIG], ROOT / TARGETS)
    assert [each[0]["model"] for each in networks] == list(config.figures.networks)
    page = (ROOT / "docs/results.md").read_text()
    assert "\n".join(map(shown_of_the_paper, networks)) in page
    readme = (ROOT / "README.md").read_text()
    for each in networks:
        model, _, dense, quarter, half, most, *_, mixed = shown_of_the_paper(each)[2:-2].split(
            " | "
        )
        assert f"| {model} | {dense} | {quarter} | {half} | {most} | {mixed} |" in readme
    assert {row["evidence"] for row in rows} == {"modelled"}
    assert read_json(folder / "provenance.json")["dirty"] is False


def shown_of_all_convolutions(row: dict[str, Any]) -> str:
    """An implementation's sum over a network, as docs/results.md has it."""
    name = row["implementation"]
    cells = [
        name if " " in name else f"`{name}`",
        f"{row['sparsity']:.0%}",
        f"{row['cycles'] / 1e6:.1f}",
        *(f"{row[over]:.2f}" for over in ("over_xnnpack", "over_fastest")),
    ]
    return f"| {' | '.join(cells)} |"


def test_the_dense_baselines_that_are_shown_are_those_that_were_recorded() -> None:
    folder = ROOT / "results/baseline/dense"
    table = tables.read_table(folder / "dense_baselines.csv", tables.DENSE_BASELINES)
    sums = convolution_sums(table)
    page = (ROOT / "docs/results.md").read_text()
    assert "\n".join(map(shown_of_all_convolutions, sums)) in page
    best = sums[-1]
    assert (best["implementation"], best["sparsity"]) == ("colnm_tuned", 0.75)
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert (
        f"{best['over_fastest']:.2f} times as fast as the fastest dense ones of XNNPACK, OpenBLAS,"
        " oneDNN and ours" in readme
    )
    onednn = table.filter(pl.col("implementation") == "onednn")
    assert onednn.height == table["conv"].n_unique()
    (version,) = {each.split()[0] for each in onednn["candidate"]}
    assert f"(`v{version}.tar.gz` of" in page
    assert read_json(folder / "provenance.json")["dirty"] is False


def plain(number: float) -> str:
    """A power of ten's multiple, such as 2e-2."""
    return re.sub(r"e-0*", "e-", f"{number:.0e}")


def in_words(number: int) -> str:
    """A small number as prose has it."""
    return ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")[number]


SAID = [
    (
        "docs/running.md",
        f"by more than {plain(TOLERANCE['f32'])} (f16: {plain(TOLERANCE['f16'])}) of its largest",
    ),
    ("docs/importing.md", f"at most {MOST_PICTURES} pictures are taken"),
    (
        "workflow/colonnade/cli/optimizing.py",
        f'by default {FINETUNE.epochs}, as in the recorded study; needs --data."',
    ),
    (
        "workflow/colonnade/cli/optimizing.py",
        f'learning rate of fine-tuning, by default {FINETUNE.optimizer.lr:g}; needs --data."',
    ),
    (
        "docs/importing.md",
        f"{FINETUNE.epochs} epochs of AdamW at {FINETUNE.optimizer.lr:g} with a warm-up and a cosine",
    ),
    (
        "docs/importing.md",
        f"tuning takes {ProfileConfig.model_fields['minutes'].default:g} minutes at most (the default",
    ),
    ("workflow/colonnade/cli/optimizing.py", f"at most {MOST_PICTURES} of them are taken"),
    (
        "docs/measuring.md",
        f"While more than {race.FINALISTS} candidates are left, all that are left run for"
        f" {race.SCREENING_ROUNDS} rounds",
    ),
    (
        "docs/measuring.md",
        f"The last ones run {race.FINAL_ROUNDS} rounds at a time, at most {race.MOST_ROUNDS}. After"
        f" each {race.FINAL_ROUNDS}, a candidate is dropped",
    ),
    ("docs/measuring.md", f"says, at a level of {race.SIGNIFICANCE * 100:g} %, that it is slower"),
    ("docs/measuring.md", f"when one is left, after {race.MOST_ROUNDS} rounds"),
    (
        "docs/measuring.md",
        f"up to {in_words(refinement.OTHERS)} others that were at most"
        f" {refinement.WITHIN_PERCENT:g}% slower alone",
    ),
    ("docs/measuring.md", f"by turns in {in_words(refinement.ROUNDS)} rounds"),
    ("docs/measuring.md", f"a sign test over the rounds ({race.SIGNIFICANCE * 100:g}%)"),
    (
        "docs/measuring.md",
        f"takes at most {SHARES[refinement.SHARE]} of `profile.minutes`",
    ),
    (
        "docs/results.md",
        f"1 where others took more than {OTHERS_PERCENT:g} % or the hypervisor more than"
        f" {STEAL_PERCENT:g} %",
    ),
]


@pytest.mark.parametrize(("page", "said"), SAID)
def test_numbers_of_the_programs_are_those_that_are_said(page: str, said: str) -> None:
    assert said in " ".join((ROOT / page).read_text().split())


class Mine(nn.Module):
    """A module of whoever reads docs/importing.md, with the names that it prunes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3)
        self.layer1 = nn.ModuleDict({"conv1": nn.Conv2d(16, 16, 3), "conv2": nn.Conv2d(16, 16, 3)})
        self.head = nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in (self.stem, self.layer1["conv1"], self.layer1["conv2"]):
            x = layer(x).relu()
        logits: torch.Tensor = self.head(x.mean((2, 3)))
        return logits


BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs/importing.md").read_text("utf-8"), re.S)


@pytest.mark.slow
@pytest.mark.parametrize("index", range(len(BLOCKS)))
def test_python_of_the_page_on_importing_runs(
    index: int, folder_data: ImageNetConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it stands, but with small images and fewer epochs."""
    monkeypatch.chdir(tmp_path)
    Path("images").symlink_to(folder_data.path)
    code = BLOCKS[index].replace("224", "32").replace("epochs=10", "epochs=1")
    exec(code, {"module": Mine().eval()})
    assert read_package(Path("package")).tensors["layer1.conv1.values"].size > 0
    assert len(BLOCKS) == 2


def test_every_room_is_described_in_the_order_of_imports() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    section = page.split("## Rooms of the library")[1].split("\n## ")[0]
    described = [re.findall(r"`(\w+)`", row) for row in re.findall(r"^\| (`.*?) \|", section, re.M)]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = (
        each for each in settings["tool"]["importlinter"]["contracts"] if each["type"] == "layers"
    )
    assert len(described) > 10
    assert described == [layer.split(" | ") for layer in contract["layers"]]


def test_every_file_of_the_configuration_is_described() -> None:
    page = (ROOT / "config/README.md").read_text()
    files = [path.name for path in (ROOT / "config").iterdir() if path.is_file()]
    assert len(files) > 5
    assert [name for name in files if name != "README.md" and f"| `{name}` |" not in page] == []


def test_hooks_are_linters_of_make() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert lint is not None
    steps = [step.strip() for step in lint[1].replace("$(IN_ENV)", "").splitlines()]
    entries = [hook["entry"].removeprefix(".venv/bin/") for hook in repository["hooks"]]
    assert len(entries) > 5
    assert [each for each in entries if not any(step.startswith(each) for step in steps)] == []


def test_the_site_is_whole_and_fetches_nothing(tmp_path: Path) -> None:
    command = ["mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        check=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    pages = {path.name: path.read_text() for path in tmp_path.glob("*.html")}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} < {
        Path(name).stem for name in pages
    }
    fetched = r"<(?:script|img|link|iframe)\b[^>]*(?:src|href)=.?(?:https?:)?//[^>]*>"
    assert [found for page in pages.values() for found in re.findall(fetched, page)] == []


def test_snakemakes_own_report_has_every_table() -> None:
    rules = "\n".join(file.read_text() for file in sorted((ROOT / "workflow/rules").glob("*.smk")))
    tables = re.findall(r'(report\(\s*)?results\.table\(\s*"(\w+)"', rules)
    assert len(tables) > 15
    assert [name for reported, name in tables if not reported] == []
