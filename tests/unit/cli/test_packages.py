# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What people type about a package; onnxruntime takes the place of compiled programs."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file
from torch import nn

from colonnade.cli import packages as module
from colonnade.common.errors import ColonnadeError
from colonnade.config.target import TargetConfig
from colonnade.data.pictures import Normalisation, read_image
from colonnade.package.to_onnx import write_onnx
from colonnade.targets.target import Target
from colonnade.training.checkpoint import read_checkpoint

from .conftest import PX, StandInRunner, call, said

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
OPTIONS = ["--image-px", str(PX), "--mean", *map(str, MEAN), "--std", *map(str, STD)]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(3).integers(0, 255, (50, 70, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    return tmp_path / "x.png"


@pytest.fixture
def loads(runner: StandInRunner, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """How packages were loaded to run in this process."""
    found: list[Any] = []

    @contextmanager
    def load(package: Path, **options: Any) -> Iterator[Any]:
        found.append((package, options))
        yield runner.forward

    monkeypatch.setattr("colonnade.runtime.net.load", load)
    return found


def test_run_shows_the_likeliest_classes(
    made: Path, loads: list[Any], picture: Path, tmp_path: Path
) -> None:
    model = read_checkpoint(made / "pruned.safetensors").model()
    image = torch.from_numpy(read_image(picture, PX, Normalisation(MEAN, STD)))
    with torch.inference_mode():
        expected = model(image[None]).softmax(1)[0].numpy()
    order = np.argsort(-expected)
    (tmp_path / "labels").write_text("\n".join(f"kind {i}" for i in range(10)))
    labels = ["--labels", tmp_path / "labels", "--dtype", "f16", "--threads", 3]
    told = said("run", made / "package", "--image", picture, *labels, *OPTIONS)
    rows = told["images"][str(picture)]
    assert [row["class"] for row in rows] == order[:5].tolist()
    assert [row["label"] for row in rows] == [f"kind {i}" for i in order[:5]]
    np.testing.assert_allclose([row["probability"] for row in rows], expected[order[:5]], rtol=1e-4)
    assert told["preprocessing"] == {"image_px": PX, "mean": list(MEAN), "std": list(STD)}
    result = call("run", made / "package", "--image", picture, "--top", 2, *OPTIONS)
    assert result.stdout.splitlines() == [
        str(picture),
        *(f"  {expected[i]:7.2%}  class {i}" for i in order[:2]),
    ]
    assert loads == [
        (made / "package", {"dtype": "f16", "threads": 3}),
        (made / "package", {"dtype": "f32", "threads": 1}),
    ]


def test_run_says_what_is_wrong_before_a_network_is_loaded(
    made: Path, loads: list[Any], picture: Path, tmp_path: Path
) -> None:
    (tmp_path / "labels").touch()
    for options, words in (
        (["--std", 1, 0, 1], "--std: 1.0 0.0 1.0; allowed: numbers from 1e-06 to"),
        (["--std", 1, 1, -0.5], "--std: 1.0 1.0 -0.5; allowed: numbers from 1e-06 to"),
        (["--std", 1, "nan", 1], "--std: 1.0 nan 1.0; allowed: numbers from 1e-06 to"),
        (["--labels", tmp_path / "labels"], "is empty; allowed: the name of a class in each line"),
    ):
        with pytest.raises(ColonnadeError, match=words):
            call("run", made / "package", "--image", picture, *options)
    assert loads == []


def test_bench_tells_median_and_spread(made: Path, runner: StandInRunner) -> None:
    options = ["--batch", 2, "--threads", 2, "--image-px", PX, "--repetitions", 7, "--warmup", 1]
    told = said("bench", made / "package", *options)
    assert (told["package"], told["image_px"]) == (str(made / "package"), PX)
    assert (told["target"], told["evidence"], told["cycles"]) == ("host", "measured", None)
    assert (told["batch"], told["threads"], told["dtype"]) == (2, 2, "f32")
    # Of 2, 3 and 4 ms.
    keys = ("fastest", "lower_quartile", "median", "upper_quartile", "slowest")
    assert [told[f"{key}_ms"] for key in keys] == pytest.approx([2, 2.5, 3, 3.5, 4])
    assert told["images_per_s"] == pytest.approx(2 / 0.003)
    assert [layer["ms"] for layer in told["layers"]] == [2, 1]
    (given,) = runner.commands
    assert (given["--repetitions"], given["--warmup"]) == ("7", "1")
    assert given["--implementation"] == "colnm_untuned"
    # Nothing of it is left.
    assert not Path(given["--report"]).parent.exists()
    lines = call("bench", made / "package", "--image-px", PX).stdout.splitlines()
    assert lines[1] == "median 3.000 ms, 333.3 images per second"
    assert lines[-1].split() == ["1.000", "33.3%", "fully_connected", "head"]


def test_another_target_runs_in_the_checkout(
    made: Path, runner: StandInRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package by a relative name is that of where the command is typed."""
    root = tmp_path / "checkout"
    for name in ("containers/versions.env", "Snakefile", "results/build/host/colonnade-run"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    monkeypatch.setattr(
        module, "named_target", lambda name: Target(name, TargetConfig(kind="host"), runner)
    )
    shutil.copytree(made / "package", root / "mine/package")
    monkeypatch.chdir(root / "mine")
    told = said("bench", "package", "--target", "other", "--image-px", PX)
    assert (told["package"], told["target"]) == ("package", "other")
    (given,) = runner.commands
    assert Path(given["--report"]).parent.parent == Path("results/build")
    assert [path.name for path in (root / "results/build").iterdir()] == ["host"]
    assert Path.cwd() == root / "mine"
    (root / "results/build/host/colonnade-run").unlink()
    with pytest.raises(ColonnadeError, match="colonnade-run: not built yet"):
        call("bench", "package", "--target", "other", "--image-px", PX)


def test_inspect_counts_what_is_left(made: Path, tmp_path: Path) -> None:
    package, page = made / "package", tmp_path / "page.html"
    told = said("inspect", package, "--image-px", PX, "--html", page)
    by_name = {layer["name"]: layer for layer in told["layers"]}
    wide = by_name["wide"]
    tensors = load_file(package / "weights.safetensors")
    assert (wide["weights"], wide["weights_kept"]) == (64, tensors["wide.values"].size)
    # The stem halves 33 pixels to 17.
    assert (wide["macs"], wide["macs_kept"]) == (64 * 17 * 17, 32 * 17 * 17)
    text = page.read_text()
    assert "<svg" in text
    assert all(f">{name}<" in text for name in by_name)
    lines = call("inspect", package, "--image-px", PX).stdout.splitlines()
    assert lines[2].startswith("not tuned: ")
    (row,) = [line for line in lines if "0.5 of the columns" in line]
    assert row.split()[:5] == ["32", "64", str(32 * 17 * 17), "conv2d", "wide"]


def test_a_page_is_not_written_over_the_package(made: Path) -> None:
    weights = made / "package/weights.safetensors"
    before = weights.read_bytes()
    with pytest.raises(ColonnadeError, match=r"weights\.safetensors itself; allowed: another"):
        call("inspect", made / "package", "--html", weights)
    assert weights.read_bytes() == before


def test_validate_agrees_with_torch(
    made: Path, runner: StandInRunner, picture: Path, tmp_path: Path
) -> None:
    image = np.random.default_rng(1).standard_normal((1, 3, PX, PX), dtype=np.float32)
    save_file({"x": image}, tmp_path / "given.safetensors")
    given = ["--image", picture, "--input", tmp_path / "given.safetensors", *OPTIONS]
    told = said("validate", made / "package", "--random", 2, *given)
    assert (told["agrees"], told["target"], told["dtype"]) == (True, "host", "f32")
    names = ["random 0", "random 1", str(picture), str(tmp_path / "given.safetensors")]
    assert [row["input"] for row in told["outputs"]] == names
    assert all(row["relative"] <= 1e-5 and row["top1"] == 1 for row in told["outputs"])
    assert len(runner.commands) == 4
    lines = call("validate", made / "package", "--image-px", PX, "--random", 1).stdout.splitlines()
    assert lines[-1] == f"{made / 'package'}: agrees with PyTorch on host in f32, allowed 0.0001"


def test_validate_finds_what_computes_something_else(made: Path, runner: StandInRunner) -> None:
    runner.offset = 0.5
    arguments = ("validate", made / "package", "--image-px", PX, "--random", 1)
    result = call(*arguments, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert not told["agrees"]
    (row,) = told["outputs"]
    assert row["difference"] == pytest.approx(0.5, abs=1e-4)
    assert row["relative"] == pytest.approx(row["difference"] / row["largest"])
    result = call(*arguments)
    assert result.exit_code == 1
    assert "does NOT agree with PyTorch on host in f32" in result.stdout
    # Less than the datatype explains is no error: this is more than that of f32 alone.
    runner.offset = 0.01 * row["largest"]
    assert call(*arguments).exit_code == 1
    assert call(*arguments, "--dtype", "f16").exit_code == 0


def test_what_is_not_finite_is_null_in_json(made: Path, runner: StandInRunner) -> None:
    runner.offset = np.inf
    result = call("validate", made / "package", "--random", 1, "--json")
    assert result.exit_code == 1

    def refuse(name: str) -> None:
        raise AssertionError(name)

    (row,) = json.loads(result.stdout, parse_constant=refuse)["outputs"]
    assert (row["difference"], row["relative"]) == (None, None)


def test_a_network_of_one_size_needs_no_option(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 37 by 53 pixels, as many as its classifier reads."""
    module = nn.Sequential(
        *(nn.Conv2d(3, 4, 3, 2), nn.Conv2d(4, 4, 3, 2)),
        *(nn.Flatten(), nn.Linear(4 * 8 * 12, 5)),
    ).eval()
    torch.export.save(
        torch.export.export(module, (torch.randn(1, 3, 37, 53),)), tmp_path / "net.pt2"
    )
    made = tmp_path / "made"
    assert call("optimize", tmp_path / "net.pt2", made, "--tile", 2).exit_code == 0
    write_onnx(made / "pruned.safetensors", made / "network.onnx")
    runner = StandInRunner(made)
    here = Target("host", TargetConfig(kind="host"), runner)
    monkeypatch.setattr("colonnade.evaluation.packages.this_machine", lambda: here)

    @contextmanager
    def load(*_: Any, **__: Any) -> Iterator[Any]:
        yield runner.forward

    monkeypatch.setattr("colonnade.runtime.net.load", load)
    assert said("bench", made / "package")["image_px"] == [37, 53]
    assert said("inspect", made / "package")["image_px"] == [37, 53]
    assert call("inspect", made / "package", "--html", tmp_path / "page.html").exit_code == 0
    assert "images of 37x53 px" in (tmp_path / "page.html").read_text()
    told = said("validate", made / "package", "--image", picture)
    assert told["agrees"] and len(told["outputs"]) == 4
    told = said("run", made / "package", "--image", picture)
    assert told["preprocessing"]["image_px"] == [37, 53]
    assert len(told["images"][str(picture)]) == 5
    commands = len(runner.commands)
    with pytest.raises(
        ColonnadeError, match=r"random 0: the network does not fit: node .*--image-px"
    ):
        call("validate", made / "package", "--image-px", 40)
    assert len(runner.commands) == commands
    with pytest.raises(ColonnadeError, match=r"net\.pt2: images of 40 pixels: node .*--image-px"):
        call("optimize", tmp_path / "net.pt2", tmp_path / "other", "--image-px", 40)
    assert not (tmp_path / "other").exists()


def test_validate_needs_an_input_and_the_checkpoint(
    made: Path, runner: StandInRunner, tmp_path: Path
) -> None:
    with pytest.raises(ColonnadeError, match="--random: 0; allowed without --image and --input: 1"):
        call("validate", made / "package", "--random", 0)
    shutil.copytree(made / "package", tmp_path / "package")
    with pytest.raises(ColonnadeError, match="does not lie beside it; --checkpoint names it"):
        call("validate", tmp_path / "package")
    with pytest.raises(ColonnadeError, match="was exported from"):
        call("validate", tmp_path / "package", "--checkpoint", made / "dense.safetensors")
    assert runner.commands == []


def test_pictures_are_for_packages_of_one_input(
    made: Path, runner: StandInRunner, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SimpleNamespace(graph=SimpleNamespace(inputs=["a", "b"]))
    checkpoint = SimpleNamespace(model=lambda: model)
    monkeypatch.setattr("colonnade.evaluation.conformity.find_checkpoint", lambda *_: checkpoint)
    with pytest.raises(ColonnadeError, match="package: has 2 inputs; allowed with --image: one"):
        call("validate", made / "package", "--image", picture, *OPTIONS)
    assert runner.commands == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_completes_commands(shell: str) -> None:
    text = call("completion", shell).stdout
    assert f"_COLONNADE_COMPLETE={shell}_complete" in text
