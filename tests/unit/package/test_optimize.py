# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks of the user's: imported, pruned, exported, and given back as ONNX and as a state dict."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torch import nn

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.config.data import ImageNetConfig
from colonnade.config.pruning import Pattern, Recipe, Repair
from colonnade.config.target import load_target
from colonnade.config.training import TrainingConfig
from colonnade.data.dataset import Example
from colonnade.data.folders import list_pictures
from colonnade.data.opening import open_data
from colonnade.data.pictures import UNCHANGED, Normalisation, read_image
from colonnade.models.importing.torch_reader import import_module
from colonnade.package.archive import read_package
from colonnade.package.description import graph_of
from colonnade.package.export import export_package
from colonnade.package.optimize import Finetuning, optimize
from colonnade.package.to_onnx import to_onnx, write_onnx
from colonnade.package.to_torch import write_state_dict
from colonnade.package.tuned import Tuner
from colonnade.pruning.plan import uniform_plan
from colonnade.targets.target import Target
from colonnade.training.checkpoint import read_checkpoint
from colonnade.training.imported import read_network, write_imported
from colonnade.training.stages import prune_and_finetune
from tests.unit.models.graphs import random_network


class Small(nn.Module):
    """Depthwise and plain convolutions, a residual, squeeze-and-excitation, a layer without bias."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6()
        )
        self.deep = nn.Conv2d(8, 8, 5, padding=2, groups=8)
        self.wide = nn.Conv2d(8, 8, 1)
        self.squeeze, self.excite = nn.Linear(8, 4), nn.Linear(4, 8)
        self.head = nn.Linear(8, classes, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = x + self.wide(nn.functional.hardswish(self.deep(x)))
        gate = self.excite(self.squeeze(x.mean((2, 3))).relu()).sigmoid()
        x = x * gate.unsqueeze(2).unsqueeze(3)
        return self.head(nn.functional.dropout(x.mean((2, 3)), 0.2, self.training))


def write_small(path: Path, pixels: int, seed: int, classes: int = 10) -> Path:
    """Write such a network with random weights as a program of `torch.export`."""
    torch.manual_seed(seed)
    module = Small(classes).eval()
    torch.export.save(torch.export.export(module, (torch.randn(1, 3, pixels, pixels),)), path)
    return path


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return write_small(tmp_path / "small.pt2", 32, seed=5)


def test_a_program_becomes_a_pruned_package_and_comes_back(program: Path, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    arguments = ["optimize", str(program), str(folder), "--sparsity", "0.5", "--tile", "4"]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "stem.0: stays dense: reads images" in result.output
    assert "deep: stays dense: 8 groups" in result.output
    assert "1 convolutions pruned, of whose weights 50.0% are gone" in result.output
    package = read_package(folder / "package")
    tiles = {node["name"]: node.get("tile") for node in package.graph["nodes"]}
    assert [name for name, tile in tiles.items() if tile] == ["wide"]
    assert package.node("deep")["groups"] == 8
    checkpoint = folder / "pruned.safetensors"
    source = read_checkpoint(checkpoint)
    assert float((source.state["wide.weight"] == 0).float().mean()) == 0.5

    # Back into the user's own module, by its own names, and into other tools.
    write_state_dict(checkpoint, tmp_path / "back.pth")
    module = Small(10).eval()
    module.load_state_dict(torch.load(tmp_path / "back.pth", weights_only=True), strict=True)
    image = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        expected = module(image).numpy()
        np.testing.assert_allclose(source.model()(image).numpy(), expected, rtol=1e-4, atol=1e-5)
    run = CliRunner().invoke(cli, ["to-onnx", str(checkpoint), str(tmp_path / "back.onnx")])
    assert run.exit_code == 0
    session = onnxruntime.InferenceSession(tmp_path / "back.onnx")
    (made,) = session.run(None, {source.model().graph.inputs[0].name: image.numpy()})
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)


def test_a_users_folder_loses_nothing(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where it is the working one, with the network itself in it."""
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        arguments = ["optimize", program.name, ".", "--tile", "4"]
        assert CliRunner().invoke(cli, arguments).exit_code == 0
        # What README writes beside the package.
        (tmp_path / "package.html").touch()
    assert {path.name for path in tmp_path.iterdir()} == {
        *("small.pt2", "notes.txt", "package.html"),
        *("package", "pruned.safetensors", "dense.safetensors"),
    }


def test_a_checkpoint_is_not_overwritten_by_its_state_dict(program: Path, tmp_path: Path) -> None:
    optimize(program, tmp_path / "made", Pattern(m="full", sparsity=0.5), 4)
    checkpoint = tmp_path / "made/pruned.safetensors"
    before = checkpoint.read_bytes()
    run = CliRunner().invoke(cli, ["to-torch", str(checkpoint), str(checkpoint)])
    assert f"is {checkpoint} itself; allowed: another file" in str(run.exception)
    output, link = tmp_path / "net.pth", tmp_path / "net.onnx"
    link.symlink_to(checkpoint)
    for arguments in (
        ["to-torch", checkpoint, output, "--table", checkpoint],
        ["to-torch", checkpoint, output, "--table", output],
        ["to-onnx", checkpoint, link],
    ):
        run = CliRunner().invoke(cli, list(map(str, arguments)))
        assert "itself; allowed: another file" in str(run.exception)
    assert checkpoint.read_bytes() == before
    assert not output.exists()


def test_a_package_is_not_written_over_what_is_none(program: Path, tmp_path: Path) -> None:
    kept = tmp_path / "made/package/report.docx"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    with pytest.raises(ColonnadeError, match=r"package: holds report\.docx, which no package has"):
        optimize(program, tmp_path / "made", Pattern(m="full", sparsity=0.5), 4)
    assert kept.read_text() == "mine"
    assert list((tmp_path / "made").iterdir()) == [kept.parent]
    (tmp_path / "other").mkdir()
    (tmp_path / "other/package").write_text("mine")
    with pytest.raises(ColonnadeError, match=r"package: a file; allowed: a folder"):
        optimize(program, tmp_path / "other", Pattern(m="full", sparsity=0.5), 4)
    assert (tmp_path / "other/package").read_text() == "mine"


def test_a_package_of_another_network_is_not_replaced(program: Path, tmp_path: Path) -> None:
    folder, graph = tmp_path / "made", tmp_path / "made/package/graph.json"
    optimize(program, folder, Pattern(m="full", sparsity=0.5), 4)
    before = graph.read_bytes()
    other = program.rename(program.with_name(f"other{program.suffix}"))
    with pytest.raises(
        ColonnadeError, match=f"holds the package of {program.stem}; allowed for other"
    ):
        optimize(other, folder, Pattern(m="full", sparsity=0.25), 4)
    assert graph.read_bytes() == before
    # The same network's is, and a damaged one.
    optimize(other.rename(program), folder, Pattern(m="full", sparsity=0.25), 4)
    assert graph.read_bytes() != before
    graph.write_text("{")
    optimize(program, folder, Pattern(m="full", sparsity=0.5), 4)
    assert graph.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sparsity", "nan"], "--sparsity: nan; allowed: numbers between 0 and 1"),
        (["--mean", "nan", "0", "0"], "--mean: nan 0.0 0.0; allowed: numbers from -10 to 10"),
        (["--std", "inf", "1", "1"], "--std: inf 1.0 1.0; allowed: numbers from 1e-06 to 10"),
        (["--std", "1e-300", "1", "1"], "allowed: numbers from 1e-06 to 10"),
        (["--weights-key", "ema"], "--weights-key: ema; allowed with --weights only"),
    ],
)
def test_numbers_that_are_none_are_refused(
    program: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    run = CliRunner().invoke(cli, ["optimize", str(program), str(tmp_path / "made"), *options])
    assert isinstance(run.exception, ColonnadeError)
    assert said in str(run.exception)
    assert not (tmp_path / "made").exists()


def test_an_onnx_file_becomes_a_package(tmp_path: Path) -> None:
    network = random_network(44)
    (tmp_path / "net.onnx").write_bytes(to_onnx(network, "net"))
    made = optimize(
        tmp_path / "net.onnx", tmp_path / "made", Pattern(m="full", sparsity=0.5), 2, 19
    )
    assert made.pruned
    graph = json.loads((tmp_path / "made/package/graph.json").read_text())
    assert graph["version"] == 3
    read_package(tmp_path / "made/package")


HALF = Pattern(m="full", sparsity=0.5)


class Two(nn.Module):
    """Reads images and features."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.meta, self.head = nn.Linear(7, 4), nn.Linear(8, 5)

    def forward(self, x: torch.Tensor, meta: torch.Tensor) -> torch.Tensor:
        x = self.second(self.first(x).relu()).mean((2, 3))
        return self.head(torch.cat([x, self.meta(2 * meta.sigmoid())], 1))


def test_features_stay_features(tmp_path: Path) -> None:
    torch.manual_seed(4)
    module = Two().eval()
    given = torch.randn(1, 3, 9, 9), torch.randn(1, 7)
    torch.export.save(torch.export.export(module, given), tmp_path / "two.pt2")
    for px, size in ((None, (9, 9)), (12, (12, 12))):
        optimize(tmp_path / "two.pt2", tmp_path / "made", HALF, 2, px)
        inputs = read_package(tmp_path / "made/package").inputs
        assert [(each.name, each.size) for each in inputs] == [("x", size), ("meta", ())]
    write_onnx(tmp_path / "made/dense.safetensors", tmp_path / "back.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "back.onnx")
    assert [len(each.shape) for each in session.get_inputs()] == [4, 2]
    images, meta = torch.randn(3, 3, 9, 9), torch.randn(3, 7)
    (made,) = session.run(None, {"x": images.numpy(), "meta": meta.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(made, module(images, meta).numpy(), rtol=1e-4, atol=1e-5)
    # And read again, they are features.
    again = read_network(tmp_path / "back.onnx")
    assert again.graph.inputs[1].size == ()


def test_pictures_are_of_the_networks_size(tmp_path: Path) -> None:
    """A network that takes images of 20 pixels only is solved, and stated, with these."""
    torch.manual_seed(4)
    module = nn.Sequential(
        *(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Flatten()),
        nn.Linear(4 * 16 * 16, 5),
    ).eval()
    program = torch.export.export(module, (torch.randn(1, 3, 20, 20),))
    torch.export.save(program, tmp_path / "net.pt2")
    (tmp_path / "pictures").mkdir()
    for index in range(3):
        pixels = np.random.default_rng(index).integers(0, 255, (40, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"pictures/{index}.png")
    optimize(tmp_path / "net.pt2", tmp_path / "made", HALF, 2, pictures=tmp_path / "pictures")
    stated = graph_of(read_package(tmp_path / "made/package")).preprocessing
    assert stated is not None and stated.image_px == 20


def test_nothing_is_written_of_what_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\x08\x01")
    with pytest.raises(ColonnadeError, match=r"net\.onnx"):
        optimize(tmp_path / "net.onnx", tmp_path / "made", Pattern(m="full", sparsity=0.5), 2)
    assert not (tmp_path / "made").exists()
    with pytest.raises(ColonnadeError, match=r"net\.tflite: .*allowed: \.onnx, \.pt2"):
        optimize(tmp_path / "net.tflite", tmp_path / "made", Pattern(m="full", sparsity=0.5), 2)
    with pytest.raises(ColonnadeError, match=r"allowed: \.onnx"):
        write_onnx(tmp_path / "none", tmp_path / "state.pth")


PREPARED: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "normalised": lambda x: (x - torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1)) / 0.25,
    "stretched": lambda x: x * 2 - 1,
    "padded": lambda x: nn.functional.pad(x, (1, 1, 1, 1)),
    "limited": lambda x: x.clamp(0, 1),
    "enlarged": lambda x: nn.functional.interpolate(x, scale_factor=2),
    "reduced": lambda x: nn.functional.avg_pool2d(x, 2),
    "mixed": lambda x: torch.maximum(x, x.tanh()),
    "parts-joined": lambda x: torch.cat([x[:, 2:] * 2, x[:, :2]], 1),
    "cropped": lambda x: x[..., 1:-1, ::2],
}


class Prepared(nn.Module):
    """Convolutions behind what prepares images: a function, or a batch norm."""

    def __init__(self, prepare: Callable[[torch.Tensor], torch.Tensor], *convs: nn.Module) -> None:
        super().__init__()
        self.prepare, self.convs = prepare, nn.Sequential(*convs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.convs(self.prepare(x))


def save(module: nn.Module, path: Path) -> Path:
    """Write a module as a program of `torch.export`, for images of 16 pixels."""
    torch.export.save(torch.export.export(module.eval(), (torch.randn(1, 3, 16, 16),)), path)
    return path


@pytest.mark.parametrize("name", [*PREPARED, "batch norm"])
def test_convolutions_behind_what_prepares_images_stay_dense(name: str, tmp_path: Path) -> None:
    convs = (nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 1))
    prepare = PREPARED.get(name, nn.BatchNorm2d(3))
    source = save(Prepared(prepare, *convs), tmp_path / "net.pt2")
    made = optimize(source, tmp_path / "made", Pattern(m="full", sparsity=0.5), 4)
    assert made.dense == {"convs.0": "reads images"}
    assert made.pruned == ["convs.2"]


def test_a_network_without_a_convolution_to_prune_is_told_why(tmp_path: Path) -> None:
    half, folder = Pattern(m="full", sparsity=0.5), tmp_path / "made"
    convs = (nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, groups=8))
    one = save(Prepared(torch.relu, *convs), tmp_path / "one.pt2")
    with pytest.raises(
        ColonnadeError, match=r"pruned: convs\.0: reads images, convs\.1: 8 groups$"
    ):
        optimize(one, folder, half, 4)
    none = save(nn.Sequential(nn.Flatten(), nn.Linear(768, 4)), tmp_path / "none.pt2")
    with pytest.raises(ColonnadeError, match=r"can be pruned: it has none at all$"):
        optimize(none, folder, half, 4)
    assert not folder.exists()


def write_pictures(folder: Path, count: int, seed: int) -> None:
    """Smooth random pictures, in a folder and one below it."""
    rng = np.random.default_rng(seed)
    (folder / "below").mkdir(parents=True)
    for index in range(count):
        coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((40, 48), Image.Resampling.BICUBIC)
        picture.save(folder / ("below" if index % 2 else ".") / f"{index}.png")


@pytest.mark.parametrize("seed", [11, 12])
def test_pictures_bring_back_part_of_what_pruning_took(tmp_path: Path, seed: int) -> None:
    source = write_small(tmp_path / "small.pt2", 32, seed)
    write_pictures(tmp_path / "pictures", 12, seed)
    (tmp_path / "pictures" / "notes.txt").touch()
    write_pictures(tmp_path / "others", 12, seed + 100)
    normalisation = Normalisation((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    half = Pattern(m="full", sparsity=0.5)
    for name, pictures in (("masked", None), ("solved", tmp_path / "pictures")):
        made = optimize(
            source,
            tmp_path / name,
            half,
            4,
            32,
            normalisation=normalisation,
            pictures=pictures,
        )
        assert made.pruned == ["wide"]
        stated = graph_of(read_package(tmp_path / name / "package")).preprocessing
        assert stated is not None
        assert (stated.image_px, stated.mean) == (32, [0.4, 0.5, 0.6])
    # Judged on pictures that it has not seen, in what the layer's map becomes.
    others = [read_image(path, 32, normalisation) for path in list_pictures(tmp_path / "others")]
    images = torch.from_numpy(np.stack(others))
    made = {
        name: read_checkpoint(tmp_path / name / "pruned.safetensors").model().eval()
        for name in ("masked", "solved")
    }
    dense = read_checkpoint(tmp_path / "masked" / "dense.safetensors").model().eval()
    kept = [(model.state_dict()["wide.weight"] != 0) for model in made.values()]
    assert torch.equal(*kept)
    with torch.no_grad():
        wanted = dense(images)
        off = {
            name: float((model(images) - wanted).square().mean()) for name, model in made.items()
        }
    assert off["solved"] < 0.7 * off["masked"]


def test_pictures_that_are_none_are_refused_before_anything_is_written(
    program: Path, tmp_path: Path
) -> None:
    half, pictures = Pattern(m="full", sparsity=0.5), tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "notes.txt").touch()
    with pytest.raises(ColonnadeError, match=r"pictures: holds no pictures; needed: .*\.png"):
        optimize(program, tmp_path / "made", half, 4, pictures=pictures)
    (pictures / "broken.png").write_bytes(b"\x89PNG")
    with pytest.raises(ColonnadeError, match=r"broken\.png: "):
        optimize(program, tmp_path / "made", half, 4, pictures=pictures)
    (pictures / "broken.png").write_bytes(b"")
    with pytest.raises(ColonnadeError, match=r"broken\.png: empty files"):
        optimize(program, tmp_path / "made", half, 4, pictures=pictures)
    for name in ("broken.png", "other.jpg"):
        (pictures / name).write_bytes(b"no picture")
    with pytest.raises(ColonnadeError, match=r"(?s)broken\.png: .*\n.*other\.jpg: "):
        optimize(program, tmp_path / "made", half, 4, pictures=pictures)
    two = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Conv2d(4, 4, 1))
    exported = torch.export.export(two, (torch.randn(1, 2, 32, 32),))
    torch.export.save(exported, tmp_path / "two.pt2")
    words = r"inputs of \[2\] channels; pictures need one of 3, or of 1"
    data = Finetuning(ImageNetConfig(name="imagenet", path=pictures))
    with pytest.raises(ColonnadeError, match=words):
        optimize(tmp_path / "two.pt2", tmp_path / "made", half, 4, pictures=pictures)
    with pytest.raises(ColonnadeError, match=words):
        optimize(tmp_path / "two.pt2", tmp_path / "made", half, 4, finetuning=data)
    with pytest.raises(ColonnadeError, match=words):
        optimize(tmp_path / "two.pt2", tmp_path / "made", half, 4, normalisation=UNCHANGED)
    assert not (tmp_path / "made").exists()


def of_size(module: nn.Module, folder: Path, height: int, width: int) -> Path:
    """Write a module as a program for images of that size."""
    program = torch.export.export(module.eval(), (torch.randn(1, 3, height, width),))
    torch.export.save(program, folder / "sized.pt2")
    return folder / "sized.pt2"


@pytest.mark.parametrize(("asked", "px"), [(None, 48), (64, 64)])
def test_data_has_images_of_the_networks_size_unless_another_is_asked_for(
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path: Path,
    asked: int | None,
    px: int,
) -> None:
    source = of_size(Small(3), tmp_path, 48, 48)
    values = {"name": "imagenet", "path": str(folder_data.path), "validation_share": 0.25}
    data = ImageNetConfig.model_validate(values if asked is None else {**values, "image_px": asked})
    made = optimize(source, tmp_path / "made", HALF, 4, finetuning=Finetuning(data, tiny_training))
    assert read_checkpoint(tmp_path / "made/pruned.safetensors").info.image_px == px
    # Of its own test images, as PyTorch sees them.
    test = open_data(data.model_copy(update={"image_px": px})).test
    images = torch.stack([test.image(Example(index, None)) for index in range(len(test))])
    for file, found in (("dense", made.top1_dense), ("pruned", made.top1_pruned)):
        network = read_checkpoint(tmp_path / f"made/{file}.safetensors").model().eval()
        with torch.no_grad():
            right = (network(images).argmax(1) == test.labels).double().mean()
        assert found == pytest.approx(float(right))
    stated = graph_of(read_package(tmp_path / "made/package")).preprocessing
    assert stated is not None and stated.image_px == px


def test_data_whose_images_cannot_have_the_networks_size_are_refused(
    folder_data: ImageNetConfig, tmp_path: Path
) -> None:
    data = ImageNetConfig.model_validate({"name": "imagenet", "path": str(folder_data.path)})
    source = of_size(Small(3), tmp_path, 20, 20)
    with pytest.raises(ColonnadeError, match=r"--data: image_px: 20"):
        optimize(source, tmp_path / "made", HALF, 4, finetuning=Finetuning(data))
    assert not (tmp_path / "made").exists()


def test_squares_are_no_images_of_a_network_of_another_shape(
    folder_data: ImageNetConfig, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "pictures", 3, seed=9)
    source = of_size(Small(3), tmp_path, 32, 40)
    words = r"sized\.pt2: has images of 32x40 pixels; needed with --pictures: --image-px, the side"
    with pytest.raises(ColonnadeError, match=words):
        optimize(source, tmp_path / "made", HALF, 4, pictures=tmp_path / "pictures")
    optimize(source, tmp_path / "made", HALF, 4, 32, pictures=tmp_path / "pictures")
    data = ImageNetConfig.model_validate({"name": "imagenet", "path": str(folder_data.path)})
    with pytest.raises(ColonnadeError, match="32x40 pixels; needed with --data: --image-px, the"):
        optimize(source, tmp_path / "other", HALF, 4, finetuning=Finetuning(data))
    fixed = nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 1))
    with pytest.raises(ColonnadeError, match="needed with --pictures: a network of square ones"):
        optimize(
            of_size(fixed, tmp_path, 32, 40),
            tmp_path / "other",
            HALF,
            4,
            pictures=tmp_path / "pictures",
        )
    assert not (tmp_path / "other").exists()


def test_an_imported_network_is_fine_tuned_by_the_same_trainer(
    folder_data: ImageNetConfig, tiny_training: TrainingConfig, tmp_path: Path
) -> None:
    torch.manual_seed(6)
    imported = import_module(Small(3), [torch.randn(1, 3, 32, 32)])
    dense, pruned = tmp_path / "dense.safetensors", tmp_path / "pruned.safetensors"
    write_imported(imported, "small", 32, dense, folder_data)
    plan = uniform_plan(Pattern(m="full", sparsity=0.5), {"wide": 4})
    arguments = (plan, Recipe(permute=True), folder_data, tiny_training, 1, pruned)
    prune_and_finetune(dense, *arguments, tmp_path / "metrics.csv")
    source = read_checkpoint(pruned)
    assert source.info.graph == read_checkpoint(dense).info.graph
    assert float((source.state["wide.weight"] == 0).float().mean()) == 0.5
    assert not torch.equal(source.state["head.weight"], read_checkpoint(dense).state["head.weight"])
    export_package(pruned, tmp_path / "package")
    assert read_package(tmp_path / "package").node("wide")["tile"] == 4
    wrong = import_module(Small(4), [torch.randn(1, 3, 32, 32)])
    with pytest.raises(ColonnadeError, match=r"4 outputs; .* has 3 classes"):
        write_imported(wrong, "small", 32, tmp_path / "wrong.safetensors", folder_data)


@pytest.mark.parametrize("grouped", [False, True])
def test_what_stays_is_solved_before_it_is_fine_tuned(
    folder_data: ImageNetConfig, tiny_training: TrainingConfig, tmp_path: Path, grouped: bool
) -> None:
    """But where convolutions with groups are pruned, which least squares do not solve."""
    torch.manual_seed(8)
    imported = import_module(Small(3), [torch.randn(1, 3, 32, 32)])
    torch.export.save(
        torch.export.export(Small(3).eval(), (torch.randn(1, 3, 32, 32),)), tmp_path / "net.pt2"
    )
    assert any(conv.groups > 1 for conv in imported.graph.convs)
    finetuning = Finetuning(folder_data, tiny_training)
    made = tmp_path / "made"
    optimize(tmp_path / "net.pt2", made, HALF, 4, grouped=grouped, finetuning=finetuning)
    recipe = read_checkpoint(made / "pruned.safetensors").info.recipe
    assert recipe == (Recipe() if grouped else Recipe(repair=Repair()))


def test_a_pruned_grouped_convolution_is_exported_dense_with_zeros(
    folder_data: ImageNetConfig, tiny_training: TrainingConfig, tmp_path: Path
) -> None:
    torch.manual_seed(7)
    imported = import_module(Small(3), [torch.randn(1, 3, 32, 32)])
    dense, pruned = tmp_path / "dense.safetensors", tmp_path / "pruned.safetensors"
    write_imported(imported, "small", 32, dense, folder_data)
    plan = uniform_plan(Pattern(m="full", sparsity=0.6), {"deep": 1})
    phases = (folder_data, tiny_training, 1, pruned, tmp_path / "metrics.csv")
    prune_and_finetune(dense, plan, Recipe(), *phases)
    export_package(pruned, tmp_path / "package")
    package = read_package(tmp_path / "package")
    assert (package.node("deep")["pattern"], package.node("deep")["tile"]) == (None, None)
    weight = package.tensors["deep.weight"]
    assert weight.shape == (8, 5, 5, 1)
    assert (weight == 0).sum() == 8 * 15


def test_a_target_is_tuned_for_by_no_more_threads_than_it_has_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parents[3])
    config = load_target(Path("config/targets"), "x60")
    target = Target("x60", config, SimpleNamespace())  # type: ignore[arg-type]
    with pytest.raises(ColonnadeError, match=r"threads: 9; allowed for .* target x60: 1 to 8"):
        Tuner.of(target, 224, 9, None, tmp_path)
