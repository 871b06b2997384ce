"""The whole workflow for real, on small inputs, and what it does with bad ones.

A copy of the checkout is run with a network of 32 px images and two schedules per convolution; it takes
toolchain and kernels from this checkout where they are built already.
"""

import csv
import json
import math
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.numpy import load_file, save_file

from colonnade.container import Container
from colonnade.tables import ACCURACY, LAYERS, THROUGHPUT

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
COPIED = ("Snakefile", "config", "containers", "kernels", "workflow")
PHASE = {"epochs": 1, "batch_size": 16, "optimizer": {"name": "adamw", "lr": 1e-3}}
SMALL = {
    "seed": 7,
    "data": {"name": "imagenet", "path": "images", "image_px": 32, "workers": 0},
    "training": {"threads": 1, "dense": PHASE, "finetune": PHASE},
    "pruning": {"patterns": [{"n": 1, "m": 4}, {"m": "full", "sparsity": 0.5}]},
    "profile": {
        **{
            "tiles": [6, 15],
            "lmuls": [2],
            "strips": [1],
            "parts": 2,
            "margin_percent": 100,
            "audit": 1,
        },
        "cache": "profile.sqlite",
    },
    "throughput": {"image_px": 32},
    "nightly": {"allowed_slowdown_percent": 0},
    "study": {
        "data": {
            "name": "textures",
            "classes": 2,
            "train_per_class": 10,
            "test_per_class": 2,
            "image_px": 32,
        },
        "training": {"threads": 1, "precision": "bfloat16", "dense": PHASE, "finetune": PHASE},
        "seeds": [1],
        "sparsities": [0.5],
        "recipe_sparsity": 0.5,
        "tiles": [],
        "recipes": {},
    },
    "budget": {"speedups": [1.1], "allowed_drop_points": 100},
}
CONV = "n1c64h8w8-o64-k3x3-s1-p1-d1"


@dataclass(frozen=True)
class Checkout:
    """A copy of the repository in which the workflow runs."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def command(
        self, *command: str, prepare: Callable[[], None] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment; both output streams come as `stdout`."""
        return subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            preexec_fn=prepare,
        )

    @property
    def environment(self) -> dict[str, str]:
        """The caller's, with the programs of this Python first."""
        return {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}

    def workflow(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run snakemake with the small configuration."""
        return self.command("snakemake", *self.arguments(*arguments), **environment)

    @staticmethod
    def arguments(*arguments: str) -> list[str]:
        return [*arguments, "--profile", "workflow/profiles/default", "--configfile", "small.yaml"]

    def table(self, name: str) -> list[dict[str, str]]:
        """Rows of a table of the results."""
        with (self / f"results/tables/{name}.csv").open() as stream:
            return list(csv.DictReader(stream))


def write_images(folder: Path) -> None:
    """Three classes of noise around different greys, in ImageNet's layout."""
    rng = np.random.default_rng(7)
    for split, count in (("train", 12), ("val", 4)):
        for level, name in ((60, "dark"), (128, "grey"), (200, "light")):
            (folder / split / name).mkdir(parents=True)
            for index in range(count):
                pixels = rng.normal(level, 20, (40, 40, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{index}.png")


def keep_two_cores(band: Path) -> None:
    """Every run is repeated for each core of the band: two show that it works."""
    description = json.loads(band.read_text())
    description["variants"] = description["variants"][:2]
    band.write_text(json.dumps(description))


@pytest.fixture(scope="module")
def fresh(toolchain: Container, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which nothing but the toolchain, and kernels if there are any, is built."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, checkout / name)
    (checkout / ".colonnade").symlink_to(ROOT / ".colonnade")
    for built in ("toolchain", "build/riscv64", "build/timing"):
        if (ROOT / "results" / built).is_dir():
            shutil.copytree(ROOT / "results" / built, checkout / "results" / built)
    keep_two_cores(checkout / "kernels/timing/bands/x60.json")
    write_images(checkout / "images")
    (checkout / "small.yaml").write_text(yaml.safe_dump(SMALL))
    return checkout


@pytest.fixture(scope="module")
def finished(fresh: Checkout) -> Checkout:
    """The checkout after a full run."""
    run = fresh.workflow("full-run")
    assert run.returncode == 0, run.stdout[-6000:]
    return fresh


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


def test_masks_have_the_tiles_that_profiling_chose(finished: Checkout) -> None:
    schedules = json.loads((finished / "results/schedules.json").read_text())["convs"]
    layers = {row["layer"]: row["conv"] for row in finished.table("layers")}
    for label, sparsity in (("1of4", "0.75"), ("full0.5", "0.5")):
        graph = json.loads((finished / f"results/packages/{label}/graph.json").read_text())
        tiles = {n["name"]: n["tile"] for n in graph["nodes"] if n["op"] == "conv2d" and n["tile"]}
        chosen = {key for key in schedules if key.endswith(f"|{sparsity}")}
        assert set(tiles) == {
            name for name, conv in layers.items() if f"{conv}|{sparsity}" in chosen
        }
        for name, tile in tiles.items():
            assert schedules[f"{layers[name]}|{sparsity}"]["tile"] == tile


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
    # Two tiles, by both algorithms.
    assert row["candidates"] == "4"
    assert row["rank_of_best"] in {"1", "2", "3", "4"}
    # Below 0 where two parts are faster than any one.
    assert float(row["tuned_loss_percent"]) <= 0
    assert finished.command("colonnade", "report", "results/again.html").returncode == 0
    assert "In 1 searches" in (finished / "results/again.html").read_text()


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
    assert finished.command("colonnade", "report", "results/again.html").returncode == 0
    html = (finished / "results/again.html").read_text()
    assert "Where the speedup comes from" in html
    assert "How far the kernels are from the bound" in html


def test_claims_and_provenance(finished: Checkout) -> None:
    claims = json.loads((finished / "results/claims.json").read_text())
    assert {claim["verdict"] for claim in claims} <= {
        "reproduced",
        "exceeded",
        "not reproduced",
        "not run",
    }
    provenance = json.loads((finished / "results/provenance.json").read_text())
    assert provenance["image"]["digest"].startswith("sha256:")
    assert provenance["seeds"]["run"] == 7
    assert {"numpy", "snakemake", "torch"} <= set(provenance["python_packages"])


def test_report_needs_no_network(finished: Checkout) -> None:
    html = (finished / "results/report.html").read_text()
    assert html.count("<svg") == html.count("<figure") >= 6
    references = re.findall(r"""(?:src|href)=["']([^"']+)|url\(([^)]+)\)|@import""", html)
    assert references
    assert all(value.startswith("#") for pair in references for value in pair if value)


def test_accuracy_study_trains_every_run_and_goes_on_where_it_stopped(finished: Checkout) -> None:
    run = finished.workflow("accuracy-study")
    assert run.returncode == 0, run.stdout[-4000:]
    rows = finished.table("study")
    assert [row["method"] for row in rows] == [
        "dense",
        "dense",
        "column-wise",
        "row-wise",
        "unstructured",
        "filters",
    ]
    assert [row["m"] for row in rows] == ["", "", "full", "4", "full", "full"]
    assert {row["n_images"] for row in rows} == {"4"}
    assert len({row["checkpoint_sha256"] for row in rows}) == len(rows)
    # Checkpoints of single runs are not kept.
    assert [file.parent.name for file in (finished / "results/study").rglob("*.safetensors")] == [
        "start"
    ]
    assert (finished / "results/figures/study.svg").read_text().startswith("<svg")
    assert finished.command("colonnade", "report", "results/again.html").returncode == 0
    assert "Patterns and recipes at equal budget" in (finished / "results/again.html").read_text()
    for name in ("study/dense/1.json", "tables/study.csv"):
        (finished / "results" / name).unlink()
    again = finished.workflow("accuracy-study", "-n")
    assert re.search(r"^study_finetune +1$", again.stdout, re.MULTILINE)
    assert "study_start " not in again.stdout


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


def test_second_run_has_nothing_to_do(finished: Checkout) -> None:
    run = finished.workflow("full-run")
    assert run.returncode == 0
    assert "Nothing to be done" in run.stdout


def test_changed_pattern_prunes_again_but_trains_no_dense_network(finished: Checkout) -> None:
    changed = "pruning={patterns: [{n: 2, m: 4}]}"
    run = finished.workflow("full-run", "-n", "--config", changed)
    assert run.returncode == 0, run.stdout
    assert re.search(r"^prune +1$", run.stdout, re.MULTILINE)
    assert not re.search(r"^(train|kernels_riscv64|toolchain) +1$", run.stdout, re.MULTILINE)
    # Commands read the resolved configuration: leave the small one behind.
    assert finished.workflow("full-run", "-n").returncode == 0


def test_artifact_evaluation_and_nightly_regression(finished: Checkout) -> None:
    run = finished.workflow("artifact-evaluation", "nightly-regression")
    assert run.returncode == 0, run.stdout[-4000:]
    baseline = finished / "results/baseline/throughput.csv"
    baseline.parent.mkdir()
    rows = finished.table("throughput")
    # One cycle more than the baseline is a regression: cycles are exact.
    rows[2]["cycles"] = str(int(rows[2]["cycles"]) - 1)
    with baseline.open("w") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    run = finished.command("colonnade", "regression", "results/again.txt")
    assert run.returncode == 2
    assert "slower than the baseline" in run.stdout
    assert len(re.findall("colnm_packed at", run.stdout)) == 1
    assert not (finished / "results/again.txt").exists()


def refuse(run: subprocess.CompletedProcess[str], *expected: str) -> None:
    """One clear error, no traceback."""
    assert run.returncode not in (0, -signal.SIGSEGV), run.stdout
    assert "Traceback" not in run.stdout
    for text in expected:
        assert text in run.stdout


def test_bad_configuration_is_refused_before_anything_runs(fresh: Checkout) -> None:
    bad: dict[str, Any] = {
        "taget": "x60",
        "profile": {"tiles": [0]},
        "pruning": {"patterns": [{"n": 5, "m": 4}]},
    }
    (fresh / "bad.yaml").write_text(yaml.safe_dump(bad))
    profile = "workflow/profiles/default"
    run = fresh.command(
        *("snakemake", "full-run", "--profile", profile, "--configfile", "bad.yaml")
    )
    refuse(
        run,
        "bad.yaml: taget: unknown key; did you mean 'target'?",
        "bad.yaml: profile.tiles.0: 0; allowed: greater than or equal to 1",
        "bad.yaml: pruning.patterns.0: n: 5: allowed: 1 to m, here 4",
    )
    assert "Select jobs" not in run.stdout


def test_layer_to_skip_must_exist(fresh: Checkout) -> None:
    run = fresh.workflow("full-run", "-n", "--config", "pruning={skip: [conv7]}")
    refuse(run, "pruning.skip: conv7", "layer1.0.conv1")


def test_missing_engine_is_named(fresh: Checkout) -> None:
    run = fresh.command(
        "colonnade",
        *("toolchain", "--engine", "docker", "results/none.json"),
        DOCKER_HOST="unix:///nonexistent/docker.sock",
    )
    refuse(run, "error: container.engine: docker", "docker.io")
    assert run.returncode == 2
    assert not (fresh / "results/none.json").exists()


def throughput(checkout: Checkout, variant: str, output: str) -> subprocess.CompletedProcess[str]:
    return checkout.command("colonnade", "throughput", "colnm_packed", variant, output)


@pytest.mark.parametrize("damage", ["truncated", "corrupted", "no graph"])
def test_damaged_package_is_refused(finished: Checkout, damage: str) -> None:
    package = finished / "results/packages/damaged"
    shutil.copytree(finished / "results/packages/1of4", package)
    weights = package / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    try:
        if damage == "truncated":
            weights.write_bytes(content[: len(content) // 2])
        elif damage == "corrupted":
            content[-1000] ^= 1
            weights.write_bytes(content)
        else:
            (package / "graph.json").write_text('{"format": "colonnade-pack')
        run = throughput(finished, "damaged", "results/damaged.json")
    finally:
        shutil.rmtree(package)
    refuse(run, "error: ", "results/packages/damaged")
    assert run.returncode == 2
    assert not list((finished / "results").glob("damaged.*"))


@pytest.mark.parametrize(
    "tensors",
    [
        {"image": np.zeros((1, 4, 32, 32), np.float32)},
        {"image": np.zeros((3, 32), np.float32)},
        {"picture": np.zeros((1, 3, 32, 32), np.float32)},
        {"image": np.zeros((1, 3, 32, 32), np.float64)},
    ],
    ids=["four channels", "two axes", "another name", "float64"],
)
def test_wrong_input_is_refused(finished: Checkout, tensors: dict[str, Any]) -> None:
    images = finished / "results/throughput/images.safetensors"
    before = load_file(images)
    try:
        save_file(tensors, images)
        run = throughput(finished, "1of4", "results/wrong.json")
    finally:
        save_file(before, images)
    refuse(run, "error: ", "image")
    assert run.returncode == 2
    assert not list((finished / "results").glob("wrong.*"))


def test_full_disk_leaves_nothing_half_written(finished: Checkout) -> None:
    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    run = finished.command("colonnade", "report", "results/large.html", prepare=small_disk)
    refuse(run, "error: results/large.html: cannot be written")
    assert run.returncode == 2
    assert not [file for file in (finished / "results").iterdir() if "large" in file.name]


def wait_for(pattern: Sequence[Path], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not any(path.exists() for path in pattern):
        assert process.poll() is None, "ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_killed_job_is_done_again_and_the_rest_is_kept(finished: Checkout) -> None:
    profiles = finished / "results/profile"
    target, kept = profiles / f"{CONV}.json", sorted(profiles.glob("*.json"))[0]
    assert kept != target
    expected, untouched = target.read_bytes(), kept.stat().st_mtime_ns
    target.unlink()
    arguments = finished.arguments(f"results/profile/{CONV}.json")
    # A session of its own, so that a kill takes everything with it, as a power cut does.
    process = subprocess.Popen(
        [str(BIN / "snakemake"), *arguments],
        cwd=finished.folder,
        env=finished.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for([finished / f"results/logs/profile/{CONV}.log"], process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not target.exists()
    again = finished.command("snakemake", "--unlock", *arguments)
    assert again.returncode == 0, again.stdout
    again = finished.command("snakemake", *arguments)
    assert again.returncode == 0, again.stdout[-4000:]
    # Modelled cycles do not depend on what happened before.
    assert target.read_bytes() == expected
    assert kept.stat().st_mtime_ns == untouched
