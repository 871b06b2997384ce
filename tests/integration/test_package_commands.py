# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What people type about a package: on this machine, and on the modelled X60."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from safetensors.numpy import load_file, save_file
from torch import nn

import colonnade
from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file
from colonnade.data.pictures import Normalisation, read_image
from colonnade.models.module import build
from colonnade.package.archive import read_package
from colonnade.training.checkpoint import read_checkpoint
from tests.unit.conftest import write_digit_folder
from tests.unit.package.test_optimize import write_small

PX = 33
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
OPTIONS = ["--image-px", str(PX), "--mean", *map(str, MEAN), "--std", *map(str, STD)]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in arguments], catch_exceptions=False)


def said(*arguments: object) -> Any:
    """What a command prints as JSON."""
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def source(scratch: Path) -> Path:
    return write_small(scratch / "small.pt2", PX, seed=8)


@pytest.fixture(scope="module")
def made(source: Path, scratch: Path, host_programs: Path) -> Path:
    told = said("optimize", source, scratch / "made", "--tile", 4)
    assert told["pruned"] == ["wide"] and told["target"] is None
    return scratch / "made"


@pytest.fixture(scope="module")
def package(made: Path) -> Path:
    return made / "package"


@pytest.fixture(scope="module")
def picture(scratch: Path) -> Path:
    pixels = np.random.default_rng(3).integers(0, 255, (50, 70, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(scratch / "x.png")
    return scratch / "x.png"


@pytest.fixture(scope="module")
def labels(scratch: Path) -> Path:
    path = scratch / "labels.txt"
    path.write_text("\n".join(f"kind {chr(ord('a') + i)}" for i in range(10)))
    return path


def probabilities(made: Path, picture: Path) -> np.ndarray:
    """What PyTorch makes of the picture."""
    model = read_checkpoint(made / "pruned.safetensors").model()
    with torch.inference_mode():
        image = torch.from_numpy(read_image(picture, PX, Normalisation(MEAN, STD)))
        return model(image[None]).softmax(1)[0].numpy()


def test_run_shows_the_likeliest_classes(
    made: Path, package: Path, picture: Path, labels: Path
) -> None:
    expected = probabilities(made, picture)
    order = np.argsort(-expected)[:5]
    told = said("run", package, "--image", picture, "--labels", labels, *OPTIONS)
    rows = told["images"][str(picture)]
    assert [row["class"] for row in rows] == order.tolist()
    assert [row["label"] for row in rows] == [f"kind {'abcdefghij'[i]}" for i in order]
    np.testing.assert_allclose([row["probability"] for row in rows], expected[order], rtol=1e-4)
    lines = call("run", package, "--image", picture, "--top", 2, *OPTIONS).stdout.splitlines()
    assert lines[0] == str(picture) and len(lines) == 3
    assert lines[1].split() == [f"{expected[order[0]]:.2%}", "class", str(order[0])]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--image", "none.jpg"], "none.jpg: broken or missing image"),
        (["--image", "{picture}", "--labels", "{short}"], "--labels: 2 names; allowed: 10"),
        (
            ["--image", "{picture}", "--std", 1, 0, 1],
            "--std: 1.0 0.0 1.0; allowed: numbers from 1e-06 to",
        ),
    ],
)
def test_run_says_what_is_wrong(
    package: Path, picture: Path, tmp_path: Path, options: list[Any], words: str
) -> None:
    (tmp_path / "short").write_text("one\ntwo\n")
    names = {"picture": picture, "short": tmp_path / "short"}
    given = [str(each).format(**names) for each in options]
    with pytest.raises(ColonnadeError, match=words):
        call("run", package, *given, "--image-px", PX)


def test_bench_measures_on_this_machine(package: Path) -> None:
    told = said(
        "bench", package, "--image-px", PX, "--batch", 2, "--repetitions", 7, "--threads", 2
    )
    assert (told["evidence"], told["target"], told["runs"]) == ("measured", "host", 7)
    assert (told["batch"], told["threads"], told["image_px"], told["cycles"]) == (2, 2, PX, None)
    spread = [told[f"{key}_ms"] for key in ("fastest", "lower_quartile", "median")]
    spread += [told[f"{key}_ms"] for key in ("upper_quartile", "slowest")]
    assert spread == sorted(spread) and spread[0] > 0
    names = [node["name"] for node in read_package(package).graph["nodes"]]
    # The image is laid out first.
    assert [layer["name"] for layer in told["layers"]][1:] == names
    lines = call("bench", package, "--image-px", PX).stdout.splitlines()
    assert lines[2].startswith("20 runs: ") and lines[-1].split()[-1] == "head"


@pytest.mark.usefixtures("riscv64_programs", "timing_model")
def test_bench_models_an_emulated_target(package: Path) -> None:
    arguments = ("bench", package, "--image-px", PX, "--target", "x60")
    told = said(*arguments)
    assert (told["evidence"], told["target"], told["runs"]) == ("modelled", "x60", 1)
    assert told["cycles"] == sum(layer["cycles"] for layer in told["layers"]) > 1000
    assert told["median_ms"] == pytest.approx(told["cycles"] / 1.6e6)
    assert said(*arguments)["cycles"] == told["cycles"]


def test_an_unknown_target_and_a_package_that_is_none_are_told(package: Path) -> None:
    with pytest.raises(
        ColonnadeError, match="target: 'pdp11'; allowed: board, c908, host, x280, x60"
    ):
        call("bench", package, "--target", "pdp11")
    with pytest.raises(
        ColonnadeError, match=r"--batch: 65536; allowed with images of 33 .*: 1 to 61"
    ):
        call("bench", package, "--image-px", PX, "--batch", 65536)
    for command in ("bench", "inspect", "validate"):
        with pytest.raises(ColonnadeError, match=r"none/graph\.json: cannot be read"):
            call(command, "none")


def test_inspect_counts_what_is_left(package: Path, tmp_path: Path) -> None:
    told = said("inspect", package, "--image-px", PX, "--html", tmp_path / "page.html")
    tensors = load_file(package / "weights.safetensors")
    by_name = {layer["name"]: layer for layer in told["layers"]}
    wide, deep = by_name["wide"], by_name["deep"]
    assert (wide["weights"], wide["weights_kept"]) == (64, tensors["wide.values"].size)
    assert (wide["macs"], wide["macs_kept"]) == (64 * 17 * 17, 32 * 17 * 17)
    assert (wide["tile"], wide["pattern"], deep["pattern"]) == (4, "0.5 of the columns", None)
    assert (deep["op"], deep["macs"]) == ("depthwise", 8 * 25 * 17 * 17)
    for key in ("weights", "weights_kept", "macs", "macs_kept"):
        assert told["total"][key] == sum(layer[key] for layer in told["layers"])
    files = [package / name for name in ("graph.json", "weights.safetensors")]
    assert told["bytes"] == sum(file.stat().st_size for file in files)
    assert told["bytes_dense"] - told["bytes"] == 4 * 32 - tensors["wide.columns"].nbytes
    page = (tmp_path / "page.html").read_text()
    assert "<svg" in page and all(f">{name}<" in page for name in by_name)
    lines = call("inspect", package, "--image-px", PX).stdout
    assert "not tuned" in lines and "0.5 of the columns" in lines


def test_images_that_do_not_fit_are_told_with_what_gives_others(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 5), nn.Conv2d(4, 4, 3)).eval()
    torch.export.save(torch.export.export(module, (torch.randn(1, 3, 9, 9),)), tmp_path / "net.pt2")
    assert call("optimize", tmp_path / "net.pt2", tmp_path / "made", "--tile", 2).exit_code == 0
    with pytest.raises(ColonnadeError, match=r"images of 4 pixels: .*--image-px gives another"):
        call("inspect", tmp_path / "made/package", "--image-px", 4)


def test_validate_agrees_with_torch(package: Path, picture: Path, tmp_path: Path) -> None:
    image = np.random.default_rng(1).standard_normal((1, 3, 40, 21), dtype=np.float32)
    save_file({"x": image}, tmp_path / "given.safetensors")
    given = ["--image", picture, "--input", tmp_path / "given.safetensors", *OPTIONS]
    told = said("validate", package, *given)
    assert told["agrees"] and len(told["outputs"]) == 5
    assert all(row["relative"] <= 1e-5 and row["top1"] == 1 for row in told["outputs"])
    half = said("validate", package, "--image-px", PX, "--dtype", "f16")
    assert len(half["outputs"]) == 3
    assert all(1e-5 < row["relative"] < 2e-2 for row in half["outputs"])
    lines = call("validate", package, "--image-px", PX).stdout.splitlines()
    assert lines[-1] == f"{package}: agrees with PyTorch on host in f32, allowed 0.0001"


@pytest.mark.usefixtures("riscv64_programs", "timing_model")
def test_validate_runs_on_an_emulated_target(package: Path) -> None:
    arguments = ("validate", package, "--image-px", PX, "--random", 1, "--target")
    told = said(*arguments, "emulated:x60")
    assert told["agrees"] and told["target"] == "x60" and len(told["outputs"]) == 1
    with pytest.raises(ColonnadeError, match="target: 'board:x60'; x60 is of kind emulated"):
        call(*arguments, "board:x60")


def test_validate_finds_a_package_that_computes_something_else(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(made, folder)
    tensors = load_file(folder / "package/weights.safetensors")
    tensors["wide.bias"] = tensors["wide.bias"] + np.float32(0.5)
    save_file(tensors, folder / "package/weights.safetensors")
    graph = json.loads((folder / "package/graph.json").read_text())
    graph["weights_sha256"] = sha256_file(folder / "package/weights.safetensors")
    (folder / "package/graph.json").write_text(json.dumps(graph))
    result = call("validate", folder / "package", "--image-px", PX)
    assert result.exit_code == 1
    assert "does NOT agree with PyTorch on host in f32" in result.stdout
    (folder / "pruned.safetensors").unlink()
    with pytest.raises(ColonnadeError, match="does not lie beside it; --checkpoint names it"):
        call("validate", folder / "package")
    with pytest.raises(ColonnadeError, match="was exported from"):
        call("validate", folder / "package", "--checkpoint", folder / "dense.safetensors")
    with pytest.raises(ColonnadeError, match="--random: 0; allowed"):
        call("validate", made / "package", "--random", 0)


@pytest.mark.usefixtures("riscv64_programs", "timing_model", "host_programs")
@pytest.mark.parametrize(("target", "evidence"), [("host", "measured"), ("x60", "modelled")])
def test_optimize_tunes_for_a_target(
    source: Path, scratch: Path, target: str, evidence: str
) -> None:
    folder = scratch / f"tuned-{target}"
    arguments = ("--sparsity", 0.75, "--target", target, "--image-px", PX, "--tile", 8)
    told = said("optimize", source, folder, *arguments)
    assert told["target"] == target
    became = (told["pruned"], told["dense"].get("wide"))
    assert became in ((["wide"], None), ([], "is no faster pruned"))
    found = said("inspect", folder / "package", "--image-px", PX)
    assert (found["target"], found["evidence"]) == (target, evidence)
    convs = [layer for layer in found["layers"] if layer["op"] == "conv2d"]
    assert len(convs) == 2 and all(layer["schedule"] and layer["ms"] > 0 for layer in convs)
    benched = said("bench", folder / "package", "--image-px", PX, "--target", target)
    ran = {layer["name"]: layer["schedule"] for layer in benched["layers"] if layer["schedule"]}
    assert ran == {layer["name"]: layer["schedule"] for layer in convs}
    image = torch.randn(2, 3, PX, PX, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        good = read_checkpoint(folder / "pruned.safetensors").model()(image)
    result = colonnade.load(folder / "package")(image)
    torch.testing.assert_close(result, good, rtol=1e-4, atol=1e-5)


def test_optimize_fine_tunes_on_a_folder(tmp_path: Path, host_programs: Path) -> None:
    write_digit_folder(tmp_path / "data")
    small = write_small(tmp_path / "small.pt2", 32, seed=9, classes=3)
    # All images are one batch, and the first step has a rate of 0.
    options = ["--data", tmp_path / "data", "--epochs", 2, "--image-px", 32, "--tile", 4]
    told = said("optimize", small, tmp_path / "made", *options)
    assert told["pruned"] == ["wide"]
    source = read_checkpoint(tmp_path / "made/pruned.safetensors")
    dense = read_checkpoint(tmp_path / "made/dense.safetensors")
    assert (source.info.epochs, source.info.dataset) == (2, "imagenet")
    assert 0 <= told["top1_dense"] <= 1
    assert 0 <= told["top1_pruned"] <= 1
    assert not torch.equal(source.state["head.weight"], dense.state["head.weight"])
    assert len((tmp_path / "made/metrics.csv").read_text().splitlines()) >= 2
    stated = read_package(tmp_path / "made/package").graph["preprocessing"]
    assert stated == {"image_px": 32, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    # `run` takes what is stated.
    picture = next((tmp_path / "data/val").rglob("*.png"))
    run = said("run", tmp_path / "made/package", "--image", picture)
    assert run["preprocessing"] == stated
    assert sorted(row["class"] for row in run["images"][str(picture)]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", 3], "--epochs: 3; allowed with --data only"),
        (["--data", "no-folder"], "--data: path: "),
        (
            ["--weights", "w.pth"],
            "has weights of its own; allowed with --weights: torchvision:NAME",
        ),
        (["--target", "pdp11"], "target: 'pdp11'; allowed: board, c908, host, x280, x60"),
    ],
)
def test_optimize_says_what_is_wrong_and_writes_nothing(
    source: Path, tmp_path: Path, options: list[Any], words: str
) -> None:
    with pytest.raises(ColonnadeError, match=words):
        call("optimize", source, tmp_path / "made", *options)
    assert list(tmp_path.iterdir()) == []


def test_optimize_takes_a_network_of_torchvision_with_its_weights(tmp_path: Path) -> None:
    torch.manual_seed(10)
    model = build("resnet18", 7)
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    given = ("optimize", "torchvision:resnet18", tmp_path / "made")
    told = said(*given, "--weights", tmp_path / "weights.pth", "--sparsity", 0.75)
    assert len(told["pruned"]) == 19 and told["sparsity"] == pytest.approx(0.75, abs=0.01)
    source = read_checkpoint(tmp_path / "made/dense.safetensors")
    assert (source.info.model, source.info.num_classes) == ("resnet18", 7)
    assert torch.equal(source.state["fc.weight"], model.state_dict()["fc.weight"])
    with pytest.raises(ColonnadeError, match="torchvision:resnet18: needs --weights"):
        call(*given)
    with pytest.raises(ColonnadeError, match="model 'resnet19': allowed are "):
        call("optimize", "torchvision:resnet19", tmp_path / "none", "--weights", "w.pth")


def test_optimize_prunes_grouped_convolutions_when_asked(source: Path, tmp_path: Path) -> None:
    told = said("optimize", source, tmp_path / "made", "--sparsity", 0.75, "--grouped", "--tile", 4)
    assert told["pruned"] == ["deep", "wide"]
    weight = read_package(tmp_path / "made/package").tensors["deep.weight"]
    kept = (weight.reshape(8, 25) != 0).sum(axis=1)
    assert kept.tolist() == [7] * 8
    assert said("validate", tmp_path / "made/package", "--image-px", PX)["agrees"]


def test_the_shell_completes_commands_and_options() -> None:
    program = Path(sys.executable).parent / "colonnade"
    environment = {**os.environ, "_COLONNADE_COMPLETE": "bash_complete"}
    for words, index, wanted in (
        ("colonnade ins", 1, "plain,inspect"),
        ("colonnade bench out --thr", 3, "plain,--threads"),
        ("colonnade run p --dtype ", 4, "plain,f16"),
    ):
        environment |= {"COMP_WORDS": words, "COMP_CWORD": str(index)}
        told = subprocess.run(
            [program], env=environment, capture_output=True, text=True, check=False
        )
        assert wanted in told.stdout.splitlines(), told
    for shell in ("bash", "zsh", "fish"):
        assert "_COLONNADE_COMPLETE" in call("completion", shell).stdout
