# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The study's matrix, its evaluations, and the statistics over seeds."""

import csv
import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from colonnade.common.files import read_json, write_json
from colonnade.common.paths import DEFAULT_CONFIG, TARGETS
from colonnade.config.data import ImageNetConfig
from colonnade.config.pruning import Recipe
from colonnade.config.reading import read_config
from colonnade.config.study import StudyConfig
from colonnade.config.training import TrainingConfig
from colonnade.results.tables import STUDY, STUDY_SUMMARY, read_table
from colonnade.study.evaluation import evaluate_run
from colonnade.study.results import half_interval, write_study
from colonnade.study.runs import Evaluated, study_runs

ROOT = Path(__file__).parents[3]
SMALL = StudyConfig(
    seeds=(1, 2),
    sparsities=(0.75,),
    tiles=(4,),
    recipes={"permuted": Recipe(permute=True)},
)


def test_every_method_is_compared_at_every_sparsity() -> None:
    tiles = (1, 4, 8, 16)
    runs = study_runs(StudyConfig(tiles=tiles, everywhere=("all",)))
    for sparsity, group in ((0.25, "3of4"), (0.5, "2of4"), (0.75, "1of4"), (0.875, "1of8")):
        full = f"full{sparsity:g}"
        assert {
            full,
            *(f"{full}-t{tile}" for tile in tiles),
            f"row-wise-{group}",
            f"unstructured-{full}",
            f"filters-{full}",
            f"{full}-all",
        } <= set(runs)
        assert all(
            run.pattern.sparsity == sparsity
            for label, run in runs.items()
            if run.pattern is not None and label.endswith(full)
        )
    assert next(iter(runs)) == "dense"
    recipes = len(StudyConfig().recipes)
    assert len(runs) == 2 + 4 * 8 + recipes + 3
    assert len(study_runs(StudyConfig())) == 2 + 4 * 4 + recipes


def test_other_methods_are_compared_at_the_sparsities_that_are_named() -> None:
    runs = study_runs(StudyConfig(methods_at=(0.5,), recipes={}))
    assert set(runs) == {
        *("dense", "start", "full0.25", "full0.5", "full0.75", "full0.875"),
        *("row-wise-2of4", "unstructured-full0.5", "filters-full0.5"),
    }


def test_equal_budget_for_all() -> None:
    """One configuration trains all runs of a study; a run says what is pruned, and how."""
    tiles = {"layer1.0.conv1": 14}
    runs = study_runs(SMALL)
    assert runs["dense"].plan(tiles) == {}
    assert runs["full0.75"].plan(tiles)["layer1.0.conv1"].tile == 14
    assert runs["full0.75-t4"].plan(tiles)["layer1.0.conv1"].tile == 4
    assert runs["filters-full0.75"].plan(tiles)["layer1.0.conv1"].tile == 1


def test_methods_at_a_sparsity_that_is_not_studied_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"methods_at: 0\.25: allowed: 0\.75"):
        StudyConfig(sparsities=(0.75,), methods_at=(0.25,))


def test_sparsities_without_a_grouped_pattern_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"sparsities\.0\s.*allowed: multiples of 1/32"):
        StudyConfig(sparsities=(0.7,), recipe_sparsity=0.7)
    with pytest.raises(ValidationError, match=r"recipe_sparsity: 0\.75: allowed: 0\.5"):
        StudyConfig(sparsities=(0.5,))
    with pytest.raises(ValidationError, match="'paper' is the default recipe's name"):
        StudyConfig(recipes={"paper": Recipe(score="l2")})
    with pytest.raises(ValidationError, match="everywhere: al: allowed: repaired, all"):
        StudyConfig(recipes={"repaired": Recipe(), "all": Recipe()}, everywhere=("al",))


def test_intervals_are_students() -> None:
    # t(0.975, 2) = 4.302653, from printed tables.
    assert half_interval([80.0, 82.0, 84.0]) == pytest.approx(4.302653 * 2 / math.sqrt(3))
    assert half_interval([80.0]) is None


def test_an_evaluation_touches_both_splits(
    pruned_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path: Path,
) -> None:
    output = tmp_path / "report.json"
    evaluate_run(pruned_checkpoint, folder_data, tiny_training, output)
    report = read_json(output)
    assert report["n_images"] == 15
    assert report["pruned_share"] == pytest.approx(0.75, abs=0.01)
    # Whole images: 15 for the test, 6 to validate.
    for name, images in (("top1", 15), ("validation_top1", 6)):
        assert report[name] * images == pytest.approx(round(report[name] * images))


def _write_reports(folder: Path) -> list[Evaluated]:
    tops = {"dense": (0.70, 0.75), "start": (0.80, 0.84), "full0.75": (0.79, 0.82)}
    evaluated = []
    for label, run in study_runs(SMALL).items():
        for seed, top in zip(SMALL.seeds, tops.get(label, (0.5, 0.5)), strict=True):
            path = folder / f"{label}-{seed}.json"
            report = {
                "checkpoint_sha256": f"{label}{seed}",
                "model": "resnet18",
                "dataset": "textures",
                "epochs": 5,
                "pruned_share": 0.75,
                "n_images": 100,
                "top1": top,
                "validation_top1": top,
            }
            write_json(path, report)
            evaluated.append(Evaluated(run, seed, path))
    return evaluated


def test_drops_are_paired_by_seed(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("study.csv", "summary.csv", "study.svg")]
    write_study(_write_reports(tmp_path), 0.3, *paths)
    rows = read_table(paths[0], STUDY).rows(named=True)
    # The better dense runs come first, and drops count from them.
    assert [row["recipe"] for row in rows[:4]] == ["start", "start", "paper", "paper"]
    assert [round(row["drop_points"], 6) for row in rows[:6]] == [0, 0, 10, 9, 1, 2]
    assert [row["tile"] for row in rows[4:8]] == ["profiled", "profiled", "4", "4"]
    summary = read_table(paths[1], STUDY_SUMMARY).rows(named=True)
    assert [row["method"] for row in summary[:3]] == ["dense", "dense", "column-wise"]
    assert summary[2]["top1_mean"] == pytest.approx(80.5)
    # Over seeds top-1 scatters by 1.5 points to either side, the paired drop by half a point.
    assert summary[2]["drop_mean"] == pytest.approx(1.5)
    assert summary[2]["drop_interval"] == pytest.approx(12.7062 * 0.5, rel=1e-4)
    assert summary[0]["drop_interval"] is None
    figure = paths[2].read_text()
    assert figure.startswith("<svg")
    for text in ("75.0% pruned", "column-wise all of K, T profiled", "filters", "row-wise 1:4"):
        assert text in figure


@pytest.mark.parametrize(("allowed", "verdict"), [(0.3, "refused"), (9.5, "holds")])
def test_fine_tuning_that_harms_the_dense_network_is_refused(
    allowed: float, verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Dense networks lose 10 and 9 points by it: 9.5 in the mean."""
    paths = [tmp_path / name for name in ("study.csv", "summary.csv", "study.svg")]
    write_study(_write_reports(tmp_path), allowed, *paths)
    rows = read_table(paths[1], STUDY_SUMMARY).rows(named=True)
    assert {row["control"] for row in rows} == {verdict}
    assert [row["control_drop_points"] for row in rows] == pytest.approx([9.5] * len(rows))
    refused = verdict == "refused"
    assert ("loses 9.50 points of validation top-1" in capsys.readouterr().err) == refused
    assert ("fine-tuning refused" in paths[2].read_text()) == refused


def test_the_recorded_study_says_what_its_control_lost() -> None:
    recorded = ROOT / "results/baseline/study"
    rows = read_table(recorded / "study.csv", STUDY).rows(named=True)
    dense = {
        name: [
            row["validation_top1"] for row in rows if row["recipe"] == name and not row["sparsity"]
        ]
        for name in ("start", "paper")
    }
    lost = sum(dense["start"]) / len(dense["start"]) - sum(dense["paper"]) / len(dense["paper"])
    summary = read_table(recorded / "study_summary.csv", STUDY_SUMMARY).rows(named=True)
    allowed = StudyConfig().control_drop_points
    for row in summary:
        assert row["control_drop_points"] == pytest.approx(lost)
        assert row["control"] == ("holds" if lost <= allowed else "refused")


def test_tables_come_out_the_same_again(tmp_path: Path) -> None:
    evaluated = _write_reports(tmp_path)
    found = []
    for name in ("a", "b"):
        paths = [tmp_path / f"{name}{suffix}" for suffix in (".csv", "-summary.csv", ".svg")]
        write_study(evaluated, 0.3, *paths)
        found.append([path.read_bytes() for path in paths])
    assert found[0] == found[1]
    with (tmp_path / "a.csv").open() as stream:
        assert next(csv.reader(stream)) == list(STUDY)


def test_the_recorded_study_is_the_default_one() -> None:
    """Every run that it asks for, with every seed."""
    config, _ = read_config({}, [ROOT / DEFAULT_CONFIG], ROOT / TARGETS)
    recorded = ROOT / "results/baseline/study"
    rows = read_table(recorded / "study.csv", STUDY).rows(named=True)
    runs, seeds = study_runs(config.study).values(), config.study.seeds
    assert len(seeds) == 3
    keys = ("method", "n", "m", "tile", "recipe", "seed")
    found = sorted(str([row[key] for key in keys]) for row in rows)
    asked = [run.columns() | {"seed": seed} for run in runs for seed in seeds]
    assert found == sorted(str([each[key] for key in keys]) for each in asked)
    assert len({row["checkpoint_sha256"] for row in rows}) == len(rows)
    summary = read_table(recorded / "study_summary.csv", STUDY_SUMMARY)
    assert summary.height == len(runs)
    assert read_json(recorded / "provenance.json")["dirty"] is False
