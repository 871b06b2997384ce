"""Data sets in ImageNet's folder layout: train/<class>/* and val/<class>/*.

Classes are the folder names in sorted order, as torchvision numbers them. Evaluation resizes the
shorter side to 256/224 of `image_px` (bilinear, antialiased) and crops the centre; training crops a
random area, by default of 8% to 100%, with aspect 3/4 to 4/3 and flips half of the images: the
transforms with which torchvision's published weights were trained and are evaluated.
"""

import math
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from colonnade.data.dataset import Example, ImageData, Normalisation, Split
from colonnade.data.settings import FolderConfig, ImageNetConfig
from colonnade.errors import ColonnadeError

NORMALISATION = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
IMAGE_SUFFIXES = frozenset({".jpeg", ".jpg", ".png", ".bmp", ".webp"})
NAMED_AT_MOST = 10


class FolderSplit(Split):
    """Image files, decoded and transformed on demand."""

    def __init__(self, files: list[tuple[Path, int]], config: FolderConfig) -> None:
        self.files = [path for path, _ in files]
        self.labels = torch.tensor([label for _, label in files], dtype=torch.int64)
        self.workers = config.workers
        self._image_px = config.image_px
        self._min_area = config.min_crop_area

    def image(self, example: Example) -> Tensor:
        """One normalised image [3, image_px, image_px].

        Raises:
            ColonnadeError: the file is missing or broken; it is named.
        """
        picture = _decode(self.files[example.index])
        if example.augment_seed is None:
            picture = evaluation_crop(picture, self._image_px)
        else:
            draw = random.Random(example.augment_seed)
            picture = random_crop(picture, self._image_px, self._min_area, draw)
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
        return NORMALISATION(pixels.to(torch.float32) / 255)


def _decode(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except UnidentifiedImageError as error:
        raise ColonnadeError(f"{path}: not an image, or broken") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ColonnadeError(f"{path}: broken or missing image: {error}") from error


def evaluation_crop(picture: Image.Image, image_px: int) -> Image.Image:
    """Resize the shorter side to round(image_px * 256 / 224), then crop the centre square."""
    short = round(image_px * 256 / 224)
    width, height = picture.size
    # The longer side is cut, not rounded, as torchvision does.
    scaled = (
        (short, short * height // width) if width <= height else (short * width // height, short)
    )
    resized = picture.resize(scaled, Image.Resampling.BILINEAR)
    left = round((scaled[0] - image_px) / 2)
    top = round((scaled[1] - image_px) / 2)
    return resized.crop((left, top, left + image_px, top + image_px))


def random_crop(
    picture: Image.Image, image_px: int, min_area: float, draw: random.Random
) -> Image.Image:
    """A random area resized to a square, flipped half of the time (Szegedy et al., 1409.4842)."""
    left, top, width, height = _random_box(*picture.size, min_area, draw)
    box = (left, top, left + width, top + height)
    cropped = picture.resize((image_px, image_px), Image.Resampling.BILINEAR, box=box)
    if draw.random() < 0.5:
        return cropped.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return cropped


def _random_box(
    width: int, height: int, min_area: float, draw: random.Random
) -> tuple[int, int, int, int]:
    for _ in range(10):
        area = width * height * draw.uniform(min_area, 1.0)
        aspect = math.exp(draw.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return draw.randint(0, width - w), draw.randint(0, height - h), w, h
    # A very long picture: the largest centred box of an allowed aspect.
    w = min(width, round(height * 4 / 3))
    h = min(height, round(width * 4 / 3))
    return (width - w) // 2, (height - h) // 2, w, h


def open_imagenet(config: ImageNetConfig) -> ImageData:
    """Open a local folder; see `open_folder`."""
    return open_folder(config.path, config)


def open_folder(root: Path, config: FolderConfig) -> ImageData:
    """List the folder `root` and split its train/ into training and validation images, by class.

    Raises:
        ColonnadeError: a folder is missing or empty, classes differ between train/ and val/, a
            class is too small to be split, or there are files that are no images.
    """
    classes = _classes(root / "train")
    test_classes = _classes(root / "val")
    if classes != test_classes:
        differing = sorted(set(classes) ^ set(test_classes))
        raise ColonnadeError(f"{root}: train/ and val/ hold different classes: {_some(differing)}")
    draw = random.Random(config.split_seed)
    train: list[tuple[Path, int]] = []
    validation: list[tuple[Path, int]] = []
    test: list[tuple[Path, int]] = []
    for label, name in enumerate(classes):
        files = _images(root / "train" / name)
        held_out = max(1, round(len(files) * config.validation_share))
        if held_out >= len(files):
            raise ColonnadeError(
                f"{root / 'train' / name}: {len(files)} images cannot be split"
                f" into training and validation ({config.validation_share:g})"
            )
        chosen = set(draw.sample(range(len(files)), held_out))
        for index, file in enumerate(files):
            (validation if index in chosen else train).append((file, label))
        test.extend((file, label) for file in _images(root / "val" / name))

    def split(files: list[tuple[Path, int]]) -> FolderSplit:
        return FolderSplit(files, config)

    return ImageData(
        train=split(train),
        validation=split(validation),
        test=split(test),
        classes=tuple(classes),
        normalisation=NORMALISATION,
    )


def _classes(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise ColonnadeError(f"{folder}: no such folder; expected one folder of images per class")
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    if not names:
        raise ColonnadeError(f"{folder}: is empty; expected one folder of images per class")
    return names


def _images(folder: Path) -> list[Path]:
    files = sorted(folder.iterdir())
    strange = [str(file) for file in files if file.suffix.lower() not in IMAGE_SUFFIXES]
    if strange:
        allowed = ", ".join(sorted(IMAGE_SUFFIXES))
        raise ColonnadeError(f"{_some(strange)}: not image files; allowed are {allowed}")
    if not files:
        raise ColonnadeError(f"{folder}: holds no images")
    return files


def _some(names: list[str]) -> str:
    rest = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")
