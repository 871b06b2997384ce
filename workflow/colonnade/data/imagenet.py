# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Data sets in ImageNet's folder layout: train/<class>/* and val/<class>/*, or val/* with a devkit.

Classes are the folder names in sorted order, as torchvision numbers them. Evaluation resizes the
shorter side to 256/224 of `image_px` (bilinear, antialiased) and crops the centre; training crops a
random area, by default of 8% to 100%, with aspect 3/4 to 4/3 and flips half of the images: the
transforms with which torchvision's published weights were trained and are evaluated. As there, a
picture is taken as it is stored (an EXIF orientation is not applied), transparency is ignored, and
of an animation the first frame counts. 16-bit pictures are scaled to 8 bits.
"""

import math
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from colonnade.common.errors import ColonnadeError, some
from colonnade.config.data import FolderConfig, ImageNetConfig
from colonnade.data.dataset import Example, ImageData, Normalisation, Split
from colonnade.data.folders import FolderListing, list_folder
from colonnade.models.shapes import Px

NORMALISATION = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
# By content, whatever the name says: a few of ImageNet's .JPEG files are PNGs, or in CMYK.
FORMATS = ("BMP", "JPEG", "PNG", "WEBP")
# What Pillow raises on damaged files.
DAMAGE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


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
        if example.augment_seed is None:
            return read_image(self.files[example.index], self._image_px, NORMALISATION)
        picture = _decode(self.files[example.index])
        draw = random.Random(example.augment_seed)
        return _pixels(random_crop(picture, self._image_px, self._min_area, draw), NORMALISATION)


def read_image(path: Path, image_px: Px, normalisation: Normalisation) -> Tensor:
    """An image file as it is evaluated: resized, cropped and normalised, [3, height, width].

    Raises:
        ColonnadeError: the file is missing, broken or no image of `FORMATS`.
    """
    return _pixels(evaluation_crop(_decode(path), image_px), normalisation)


def _pixels(picture: Image.Image, normalisation: Normalisation) -> Tensor:
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    return normalisation(pixels.to(torch.float32) / 255)


def _decode(path: Path) -> Image.Image:
    try:
        with Image.open(path, formats=FORMATS) as picture:
            return _rgb(picture)
    except UnidentifiedImageError as error:
        allowed = ", ".join(FORMATS)
        raise ColonnadeError(f"{path}: not an image of {allowed}, or broken") from error
    except DAMAGE as error:
        reason = getattr(error, "strerror", None) or error
        raise ColonnadeError(f"{path}: broken or missing image: {reason}") from error


def _rgb(picture: Image.Image) -> Image.Image:
    """The picture in 8-bit RGB."""
    if picture.mode.startswith("I;16"):
        # Pillow would clip grey levels at 255. Of 16-bit colours it keeps the high byte too.
        high = (np.asarray(picture) >> 8).astype(np.uint8)
        return Image.fromarray(high).convert("RGB")
    if picture.mode == "P" and "transparency" in picture.info:
        # The same colours; in one step Pillow warns.
        picture = picture.convert("RGBA")
    return picture.convert("RGB")


def evaluation_crop(picture: Image.Image, image_px: Px) -> Image.Image:
    """Resize so that 256 / 224 of the wanted size just fits into the picture, then crop the centre.

    Of a square the shorter side becomes round(image_px * 256 / 224).
    """
    wanted = (image_px, image_px) if isinstance(image_px, int) else image_px
    high, wide = (round(each * 256 / 224) for each in wanted)
    width, height = picture.size
    # The longer side is cut, not rounded, as torchvision does.
    if wide * height >= high * width:
        scaled = (wide, wide * height // width)
    else:
        scaled = (high * width // height, high)
    resized = picture.resize(scaled, Image.Resampling.BILINEAR)
    left = round((scaled[0] - wanted[1]) / 2)
    top = round((scaled[1] - wanted[0]) / 2)
    return resized.crop((left, top, left + wanted[1], top + wanted[0]))


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
    """Open a local folder.

    Raises:
        ColonnadeError: see `list_folder` and `split_by_class`.
    """
    return split_by_class(list_folder(config.path, config.devkit), config.path, config)


def split_by_class(listing: FolderListing, root: Path, config: FolderConfig) -> ImageData:
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
        return FolderSplit(files, config)

    return ImageData(
        train=split(train),
        validation=split(validation),
        test=split(test),
        classes=listing.classes,
        normalisation=NORMALISATION,
    )
