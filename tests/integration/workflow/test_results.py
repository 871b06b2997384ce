# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the workflow's targets produce, and that nothing is done twice."""

import csv
import json
import math
import os
import re
import zipfile
from pathlib import Path

import pytest

from colonnade.common.datatypes import DTYPES, TOLERANCE
from colonnade.config.photographs import RUNS
from colonnade.config.pruning import Pattern
from colonnade.evaluation.photographs import SHOWN
from colonnade.models.conv_shape import ConvShape
from colonnade.results.checklist import checklist
from colonnade.results.tables import ACCURACY, LAYERS, THROUGHPUT

from .conftest import CONV, Checkout

# Minutes of emulation; test_photographs.py has the same on this machine.
WHOLE_NETWORKS = os.environ.get("COLONNADE_WHOLE_NETWORKS") == "1"


def report(checkout: Checkout) -> str:
    """The report of the last run."""
    return (checkout / "results/report.html").read_text()


def test_full_run_writes_the_tables_of_the_contract(finished: Checkout) -> None:
    for name, schema in (("layers", LAYERS), ("throughput", THROUGHPUT), ("accuracy", ACCURACY)):
        rows = finished.table(name)
        assert list(rows[0]) == list(schema)
    runs = finished.table("throughput")
    assert [(row["implementation"], row["n"], row["m"], row["sparsity"]) for row in runs] == [
        ("xnnpack_nhwc_dense", "", "", "0.0"),
        ("colnm_dense", "", "", "0.0"),
        *((f"colnm_{way}", "1.0", "4", "0.75") for way in ("packed", "direct", "tuned")),
        *((f"colnm_{way}", "0.5", "full", "0.5") for way in ("packed", "direct", "tuned")),
    ]
    assert {row["evidence"] for row in runs} == {"modelled"}
    assert all(int(row["cycles"]) > 0 for row in runs)


def test_pruned_networks_execute_the_checkpoints_whose_accuracy_is_reported(
    finished: Checkout,
) -> None:
    throughput, accuracy = finished.table("throughput"), finished.table("accuracy")
    assert {row["checkpoint_sha256"] for row in throughput} == {
        row["checkpoint_sha256"] for row in accuracy
    }
    on_target = [row for row in accuracy if row["executed_on"] == "x60"]
    assert len(on_target) == 3
    assert {float(row["agreement_with_torch"]) for row in on_target} == {1.0}
    assert {row["n_images"] for row in on_target} == {"12"}


HALF = Pattern(m="full", sparsity=0.5)


def key_of(conv: str, pattern: Pattern | None) -> str:
    """A convolution's key in schedules.json."""
    k = ConvShape.parse(conv).reduction
    return f"{conv}|k{k if pattern is None else pattern.keeps(k)}"


def test_masks_have_the_tiles_that_profiling_chose(finished: Checkout) -> None:
    schedules = json.loads((finished / "results/schedules.json").read_text())["convs"]
    layers = {row["layer"]: row["conv"] for row in finished.table("layers")}
    for label, pattern in (("1of4", Pattern(n=1, m=4)), ("full0.5", HALF)):
        graph = json.loads((finished / f"results/packages/{label}/graph.json").read_text())
        tiles = {n["name"]: n["tile"] for n in graph["nodes"] if n["op"] == "conv2d" and n["tile"]}
        keys = {name: key_of(conv, pattern) for name, conv in layers.items()}
        pruned = {name for name, key in keys.items() if key in schedules}
        assert set(tiles) == pruned
        assert pruned
        for name, tile in tiles.items():
            assert schedules[keys[name]]["tile"] == tile


def test_the_fastest_candidate_wins_where_it_is_faster_than_dense(finished: Checkout) -> None:
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in finished.table("layers"):
        if row["algorithm"] != "xnnpack_nhwc_dense":
            groups.setdefault((row["layer"], row["sparsity"]), []).append(row)
    # conv1 is not pruned, so it is not profiled pruned.
    assert len(groups) == 19 * 3 + 1
    for (layer, sparsity), rows in groups.items():
        best = min(int(row["cycles"]) for row in rows)
        dense = min(int(row["cycles"]) for row in groups[layer, "0.0"])
        chosen = [int(row["cycles"]) for row in rows if row["chosen"] == "1"]
        assert chosen == ([best] if sparsity == "0.0" or best < dense else [])


def test_networks_run_the_schedules_that_were_chosen(finished: Checkout) -> None:
    schedules = json.loads((finished / "results/schedules.json").read_text())["convs"]
    layers = {row["layer"]: row["conv"] for row in finished.table("layers")}
    assert sum(conv.endswith("-r") for conv in layers.values()) == 8
    for run, pattern in (("dense/colnm_dense", None), ("full0.5/colnm_tuned", HALF)):
        report = json.loads((finished / f"results/throughput/{run}.json").read_text())
        ran = {layer["name"]: layer for layer in report["layers"] if layer["name"] in layers}
        assert set(ran) == set(layers)
        others = []
        for name, layer in ran.items():
            conv = layers[name]
            chosen = schedules.get(key_of(conv, pattern), schedules[key_of(conv, None)])
            parts = ("algorithm", "tile", "lmul", "panels", "kc_splits")
            executed = dict(zip(parts, layer["schedule"].split(":"), strict=True))
            # Beside a packed reader, planes are not split for a strided one: it packs, and says so.
            changed = [part for part in parts if executed[part] != str(chosen[part])]
            assert changed == layer.get("schedule_adapted", []), name
            others += changed
        assert set(others) <= {"algorithm"}
        assert len(others) <= 3


def test_deleted_results_come_back_from_the_profile_cache(finished: Checkout) -> None:
    profile = finished / f"results/profile/{CONV}.json"
    expected = profile.read_bytes()
    profile.unlink()
    run = finished.workflow(f"results/profile/{CONV}.json")
    assert run.returncode == 0, run.stdout[-4000:]
    assert profile.read_bytes() == expected


def test_tuner_quality_is_reported(finished: Checkout) -> None:
    run = finished.workflow("tuner-quality")
    assert run.returncode == 0, run.stdout[-4000:]
    (row,) = finished.table("tuner_quality")
    # Two tiles: packed, and direct with one KC split and with two.
    assert row["candidates"] == "6"
    assert row["rank_of_best"] in {"1", "2", "3", "4"}
    # Below 0 where two KC splits are faster than any one.
    assert float(row["tuned_loss_percent"]) <= 0
    assert "In 1 searches" in report(finished)


def test_kernel_figures_are_reported(finished: Checkout) -> None:
    run = finished.workflow("kernel-figures")
    assert run.returncode == 0, run.stdout[-4000:]
    steps = finished.table("decomposition")
    assert [row["implementation"] for row in steps[:3]] == [
        "xnnpack_nhwc_dense",
        "colnm_unpipelined",
        "colnm_unfused",
    ]
    whole = math.prod(float(row["factor_to_previous"]) for row in steps)
    assert whole == pytest.approx(int(steps[0]["cycles"]) / int(steps[-1]["cycles"]))
    bounds = finished.table("bounds")
    assert {row["conv"] for row in bounds} == {row["conv"] for row in finished.table("layers")}
    assert all(0 < float(row["bound_percent"]) <= 100 for row in bounds)
    packing = finished.table("packing")
    assert {row["conv"] for row in packing} == {row["conv"] for row in bounds}
    assert all(0 < int(row["packing_cycles"]) < int(row["packed_cycles"]) for row in packing)
    html = report(finished)
    assert "Where the speedup comes from" in html
    assert "How far the kernels are from the bound" in html
    assert "What packing costs" in html


@pytest.mark.skipif(not WHOLE_NETWORKS, reason="`make networks-nightly` runs it")
def test_photographs_are_seen_as_in_pytorch_and_solving_weights_helps(finished: Checkout) -> None:
    run = finished.workflow("photographs")
    assert run.returncode == 0, run.stdout[-4000:]
    rows = finished.table("photographs")
    assert len(rows) == len(RUNS) * len(SHOWN)
    assert {(row["variant"], row["dtype"]) for row in rows} == set(RUNS)
    assert {row["target"] for row in rows} == {"x60"}
    for row in rows:
        assert row["same_top1"] == "1", row
        (dtype,) = (each for each in DTYPES if each == row["dtype"])
        assert float(row["difference"]) <= TOLERANCE[dtype], row
        assert len(row["labels"].split("; ")) == 5
    # They are of different things.
    dense = [row["labels"] for row in rows if (row["variant"], row["dtype"]) == ("dense", "f32")]
    assert len(set(dense)) == len(SHOWN)
    assert any("cat" in labels for labels in dense)
    among = {
        row["variant"]: float(row["among_best_percent"])
        for row in finished.table("photograph_agreement")
    }
    assert among["solved"] > among["masked"] + 25
    html = report(finished)
    assert html.count("<img ") == len(SHOWN)


def test_snakemakes_own_report_holds_the_results(finished: Checkout) -> None:
    run = finished.workflow("--report", "own.zip", "full-run")
    assert run.returncode == 0, run.stdout[-4000:]
    with zipfile.ZipFile(finished / "own.zip") as archive:
        names = {Path(name).name for name in archive.namelist()}
    assert {"report.html", "claims.json", "throughput.csv", "accuracy.csv", "layers.csv"} <= names


def test_what_the_run_left_is_verified(finished: Checkout) -> None:
    run = finished.command("colonnade", "verify", "results")
    assert run.returncode == 0, run.stdout[-4000:]
    again = set(re.findall(r"^  (\S+)$", run.stdout, re.M))
    tables = {
        str(path.relative_to(finished / "results"))
        for path in (finished / "results/tables").iterdir()
    }
    # The timing model alone can say again what it says of published kernels.
    assert tables - again == {"tables/validation.csv"}
    assert {"claims.json", "report.html", "schedules.json", "report/schedules.html"} <= again
    raw = finished / "results/throughput/dense/colnm_dense.json"
    kept = raw.read_text()
    raw.write_text(kept.replace('"cycles": ', '"cycles": 1', 1))
    run = finished.command("colonnade", "verify", "results")
    raw.write_text(kept)
    assert run.returncode == 2
    assert "  throughput/dense/colnm_dense.json: changed: SHA-256 " in run.stdout
    assert "Traceback" not in run.stdout


def test_a_kernels_edit_trains_nothing_for_the_nightly_cycles(finished: Checkout) -> None:
    files = ("--configfile", "config/default.yaml", "config/cycles.yaml")
    rules = {job.rule for job in finished.jobs("nightly-cycles", *files)}
    assert rules == {
        *("scope", "settings", "toolchain", "kernels_riscv64", "timing_model"),
        *(
            "nightly_network",
            "nightly_run",
            "nights",
            "night_page",
            "layer_regression",
            "nightly-cycles",
        ),
    }


def test_smoke_has_every_stage_of_a_full_run(finished: Checkout) -> None:
    files = ("--configfile", "config/default.yaml", "config/smoke.yaml")
    smoke = {job.rule for job in finished.jobs("full-run", *files)}
    assert smoke == {job.rule for job in finished.jobs("full-run")}
    assert {"train", "prune", "profile", "evaluate", "throughput", "report"} <= smoke


def test_claims_and_provenance(finished: Checkout) -> None:
    claims = json.loads((finished / "results/claims.json").read_text())
    # Of a ResNet-18 on images in ImageNet's layout, all else was not run.
    judged = {claim["id"] for claim in claims if claim["verdict"] != "not run"}
    assert judged == {
        *("throughput", "top1", "model-size", "inference-speed", "risc-v", "risc-v-packed"),
        *("same-predictions", "resnet18-34-speedup", "resnet18-34-drop"),
    }
    provenance = json.loads((finished / "results/provenance.json").read_text())
    assert provenance["image"]["digest"].startswith("sha256:")
    assert provenance["seeds"]["run"] == 7
    assert {"numpy", "snakemake", "torch"} <= set(provenance["python_packages"])


def test_report_needs_no_network(finished: Checkout) -> None:
    html = (finished / "results/report.html").read_text()
    assert html.count("<svg") == html.count("<figure") >= 6
    # Links are followed by a reader alone, and lead into the results or to the paper.
    fetched = re.findall(r"""src=["']([^"']+)|url\(([^)]+)\)""", html)
    assert fetched
    inside = ("#", "data:image/jpeg;base64,")
    assert all(value.startswith(inside) for pair in fetched for value in pair if value)
    assert "@import" not in html
    links = {link for link in re.findall(r"""href=["']([^"'#]+)""", html) if "://" not in link}
    assert len(links) > 8
    assert [link for link in links if not (finished / "results" / link).is_file()] == []


def test_accuracy_study_trains_every_run_and_goes_on_where_it_stopped(finished: Checkout) -> None:
    run = finished.workflow("accuracy-study")
    assert run.returncode == 0, run.stdout[-4000:]
    rows = finished.table("study")
    assert [row["method"] for row in rows] == [
        "dense",
        "dense",
        *["column-wise"] * 3,
        "row-wise",
        "unstructured",
        "filters",
    ]
    assert [row["m"] for row in rows] == ["", "", "full", "full", "4", "4", "full", "full"]
    assert [row["tile"] for row in rows[2:5]] == ["profiled", "6", "6"]
    assert {row["n_images"] for row in rows} == {"4"}
    assert len({row["checkpoint_sha256"] for row in rows}) == len(rows)
    # Checkpoints of single runs are not kept.
    assert [file.parent.name for file in (finished / "results/study").rglob("*.safetensors")] == [
        "start"
    ]
    assert (finished / "results/figures/study.svg").read_text().startswith("<svg")
    assert "Patterns and recipes at equal budget" in report(finished)
    for name in ("study/dense/1.json", "tables/study.csv"):
        (finished / "results" / name).unlink()
    again = finished.workflow("accuracy-study")
    assert again.returncode == 0, again.stdout[-4000:]
    assert re.search(r"^study_finetune +1$", again.stdout, re.MULTILINE)
    assert "study_start " not in again.stdout


def test_tile_curve_has_times_beside_the_studys_runs(finished: Checkout) -> None:
    run = finished.workflow("tile-curve")
    assert run.returncode == 0, run.stdout[-4000:]
    rows = finished.table("tile_curve")
    assert [(row["m"], row["tile"]) for row in rows] == [
        ("full", "profiled"),
        ("full", "6"),
        ("4", "6"),
    ]
    assert {row["evidence"] for row in rows} == {"modelled"}
    assert int(rows[0]["conv_cycles"]) > 0
    # Half of K is kept by both patterns, so that they run alike.
    assert rows[1]["conv_cycles"] == rows[2]["conv_cycles"]
    assert (finished / "results/figures/tile_curve.svg").read_text().startswith("<svg")
    assert "Top-1 and time against the tile" in report(finished)


def test_full_run_has_a_small_study(finished: Checkout) -> None:
    rows = finished.table("small_study")
    assert [(row["method"], row["recipe"], row["epochs"]) for row in rows[2:]] == [
        ("column-wise", "paper", "1"),
        ("row-wise", "paper", "1"),
        ("unstructured", "paper", "1"),
        ("filters", "paper", "1"),
        ("column-wise", "repaired-untrained", "0"),
        ("column-wise", "masked-untrained", "0"),
    ]
    for row, label in zip(rows[-2:], ("repaired-untrained", "masked-untrained"), strict=True):
        judged = finished / f"results/small-study/full0.75-{label}/1.json"
        assert row["checkpoint_sha256"] == json.loads(judged.read_text())["checkpoint_sha256"]
    assert {row["recipe"] for row in rows[:2]} == {"start", "paper"}
    assert {row["n_images"] for row in rows} == {"6"}
    assert len({row["checkpoint_sha256"] for row in rows}) == len(rows)
    assert "Methods at equal budget, on few images" in report(finished)
    # Too few images to say anything: not run, which is no failure.
    claims = json.loads((finished / "results/claims.json").read_text())
    verdicts = {claim["id"]: claim["verdict"] for claim in claims}
    assert (verdicts["least-squares"], verdicts["over-filters"]) == ("not run", "not run")


def test_recipe_search_compares_candidates_on_validation_images(finished: Checkout) -> None:
    run = finished.workflow("recipe-search")
    assert run.returncode == 0, run.stdout[-4000:]
    (row,) = finished.table("recipe_search")
    assert row["candidate"] == "gentle"
    assert row["chosen"] == str(int(row["control"] == "holds"))
    assert ("none is chosen" in run.stdout) == (row["chosen"] == "0")
    lost = float(row["dense_validation_top1"]) - float(row["control_validation_top1"])
    assert float(row["control_drop_points"]) == pytest.approx(lost)
    assert not list((finished / "results/study/search").rglob("*.safetensors"))


def test_pareto_front_has_a_network_with_a_pattern_per_layer(finished: Checkout) -> None:
    run = finished.workflow("pareto-front")
    assert run.returncode == 0, run.stdout[-4000:]
    rows = finished.table("pareto")
    assert [row["kind"] for row in rows] == ["dense", "uniform", "uniform", "per layer"]
    assert float(rows[-1]["conv_speedup"]) >= 1.1
    assert [row["chosen"] for row in rows].count("1") == 1
    assert {row["evidence"] for row in rows} == {"modelled"}
    # The dense row's cycles are those of the layers' table.
    layers = [
        int(row["cycles"])
        for row in finished.table("layers")
        if row["chosen"] == "1" and float(row["sparsity"]) == 0
    ]
    assert int(rows[0]["conv_cycles"]) == sum(layers)
    # What was chosen runs, in its tiles, by schedules that were tuned for them.
    budget = finished / "results/budget"
    planned = json.loads((budget / "1.1.json").read_text())["layers"]
    run = json.loads((budget / "throughput/1.1.json").read_text())
    assert run["checkpoint_sha256"] == rows[-1]["checkpoint_sha256"]
    assert int(rows[-1]["cycles"]) == run["total"]["cycles"]
    ran = {each["name"]: each for each in run["layers"] if each.get("schedule")}
    assert planned
    assert planned.keys() <= ran.keys()
    for name, layer in ran.items():
        assert layer["schedule_source"] == "tuned"
        if name in planned:
            assert int(layer["schedule"].split(":")[1]) == planned[name]["tile"]
    for path in (budget / "tiles").glob("*.json"):
        tiles = [(each["kept"], each["tile"]) for each in json.loads(path.read_text())]
        assert len(set(tiles)) == len(tiles)


def test_second_run_has_nothing_to_do(finished: Checkout) -> None:
    # The page of another target may be there.
    assert finished.workflow("full-run").returncode == 0
    run = finished.workflow("full-run")
    assert run.returncode == 0
    assert "Nothing to be done" in run.stdout


def test_changed_pattern_prunes_again_but_trains_no_dense_network(finished: Checkout) -> None:
    changed = "pruning={patterns: [{n: 2, m: 4}]}"
    run = finished.workflow("full-run", "-n", "--config", changed)
    assert run.returncode == 0, run.stdout
    assert re.search(r"^prune +1$", run.stdout, re.MULTILINE)
    assert not re.search(r"^(train|kernels_riscv64|toolchain) +1$", run.stdout, re.MULTILINE)


def test_artifact_evaluation_and_nightly_regression(finished: Checkout) -> None:
    run = finished.workflow("artifact-evaluation", "nightly-regression")
    text, failing = checklist(finished / "results/claims.json")
    # Of networks that are hardly trained, some claims need not hold; all else has been made by then.
    assert (run.returncode == 0) == (not failing), run.stdout[-4000:]
    assert text in run.stdout
    assert (finished / "results/checklist.txt").exists() == (not failing)
    baseline = finished / "results/baseline/throughput.csv"
    baseline.parent.mkdir()
    rows = finished.table("throughput")
    # One cycle more than the baseline is a regression: cycles are exact.
    rows[2]["cycles"] = str(int(rows[2]["cycles"]) - 1)
    with baseline.open("w") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    other = {"results/nightly.txt": "results/again.txt"}
    command = finished.job("results/nightly.txt").command(**other)
    run = finished.command(*command)
    assert run.returncode == 2
    assert "slower than the baseline" in run.stdout
    assert len(re.findall("colnm_packed at", run.stdout)) == 1
    assert not (finished / "results/again.txt").exists()
    # The workflow sees that there is a baseline now.
    run = finished.workflow("nightly-regression")
    assert run.returncode != 0
    assert "slower than the baseline" in run.stdout
    baseline.unlink()
