# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Data sets in ImageNet's folder layout: train/<class>/* and val/<class>/*, or val/* with a devkit.

Classes are the folder names in sorted order, as torchvision numbers them. Evaluation is that of
`pictures`; training crops a random area, by default of 8% to 100%, with aspect 3/4 to 4/3 and flips
half of the images: the transforms with which torchvision's published weights were trained.
"""

import math
import random
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from colonnade.common.errors import ColonnadeError, some
from colonnade.config.data import FolderConfig, ImageNetConfig
from colonnade.data.dataset import Example, ImageData, Split
from colonnade.data.folders import FolderListing, list_folder
from colonnade.data.pictures import Normalisation, decode, pixels, read_image

NORMALISATION = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
# The means of these three.
GREY = Normalisation(mean=(0.449,) * 3, std=(0.226,) * 3)


class FolderSplit(Split):
    """Image files, decoded and transformed on demand; of one channel, grey."""

    def __init__(
        self, files: list[tuple[Path, int]], config: FolderConfig, channels: int = 3
    ) -> None:
        self.files = [path for path, _ in files]
        self.labels = torch.tensor([label for _, label in files], dtype=torch.int64)
        self.workers = config.workers
        self._channels = channels
        self._normalisation = NORMALISATION if channels == 3 else GREY
        self._image_px = config.image_px
        self._min_area = config.min_crop_area

    def image(self, example: Example) -> Tensor:
        """One normalised image [channels, image_px, image_px].

        Raises:
            ColonnadeError: the file is missing or broken; it is named.
        """
        file, channels = self.files[example.index], self._channels
        if example.augment_seed is None:
            seen = read_image(file, self._image_px, self._normalisation, channels)
        else:
            picture = decode(file, channels)
            draw = random.Random(example.augment_seed)
            cropped = random_crop(picture, self._image_px, self._min_area, draw)
            seen = pixels(cropped, self._normalisation)
        return torch.from_numpy(seen)


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


def open_imagenet(config: ImageNetConfig, channels: int = 3) -> ImageData:
    """Open a local folder; of one channel, images are grey.

    Raises:
        ColonnadeError: see `list_folder` and `split_by_class`.
    """
    return split_by_class(list_folder(config.path, config.devkit), config.path, config, channels)


def split_by_class(
    listing: FolderListing, root: Path, config: FolderConfig, channels: int = 3
) -> ImageData:
    """Split the images of train/ into training and validation images; those of val/ test.

    Raises:
        ColonnadeError: classes are too small to be split.
    """
    draw = random.Random(config.split_seed)
    train: list[tuple[Path, int]] = []
    validation: list[tuple[Path, int]] = []
    small: list[str] = []
    for label, files in enumerate(listing.train):
        held_out = max(1, round(len(files) * config.validation_share))
        if held_out >= len(files):
            small.append(f"{listing.classes[label]} ({len(files)})")
            continue
        chosen = set(draw.sample(range(len(files)), held_out))
        for index, file in enumerate(files):
            (validation if index in chosen else train).append((file, label))
    if small:
        raise ColonnadeError(
            f"{root / 'train'}: classes whose images cannot be split into training and validation"
            f" (validation_share={config.validation_share:g}, of each at least one image):"
            f" {some(small)}"
        )
    test = [(file, label) for label, files in enumerate(listing.val) for file in files]

    def split(files: list[tuple[Path, int]]) -> FolderSplit:
        return FolderSplit(files, config, channels)

    return ImageData(
        train=split(train),
        validation=split(validation),
        test=split(test),
        classes=listing.classes,
        normalisation=NORMALISATION if channels == 3 else GREY,
    )
