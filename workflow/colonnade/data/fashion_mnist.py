# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Fashion-MNIST: grey photographs of clothes, 28 px, ten classes of 6,000 to train and 1,000 to test.

Read from the four published files, which are refused if they are not the published ones.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file
from colonnade.config.data import FASHION_MNIST_REMEDY, FashionMnistConfig
from colonnade.data.dataset import Example, ImageData, Split, draw_evenly, normalised
from colonnade.data.pictures import Normalisation

# Mean and deviation of the 60,000 training images, grey levels scaled to 0..1.
NORMALISATION = Normalisation(mean=(0.2860,) * 3, std=(0.3530,) * 3)
CLASSES = (
    *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
VALIDATION_IMAGES = 5_000
FILE_PX = 28
# Pixels of a shift to either side, at most.
SHIFT = 2
# As Zalando published them, and as Debian has them.
CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}
# Of the file format: two zero bytes, 8 for unsigned bytes, then how many sizes follow.
_MAGIC = b"\x00\x00\x08"


class FashionMnistSplit(Split):
    """Photographs uint8 [N, 28, 28], enlarged bilinearly and repeated on three channels on demand."""

    def __init__(self, pixels: Tensor, labels: Tensor, image_px: int, *, augment: bool) -> None:
        self.pixels = pixels
        self.labels = labels
        self._image_px = image_px
        self._augment = augment

    def image(self, example: Example) -> Tensor:
        """One normalised photograph [3, image_px, image_px]."""
        picture = self.pixels[example.index]
        if self._augment and example.augment_seed is not None:
            picture = augmented(picture, example.augment_seed)
        grey = picture.float() / 255
        if self._image_px != FILE_PX:
            size = (self._image_px, self._image_px)
            grey = interpolate(grey[None, None], size, mode="bilinear", align_corners=False)[0, 0]
        return normalised(grey.expand(3, -1, -1), NORMALISATION)


def augmented(picture: Tensor, seed: int) -> Tensor:
    """`picture` [H, W] mirrored half of the time and shifted by up to `SHIFT` pixels to each side.

    What comes in is black, as the background is. Equal seeds give equal pictures.
    """
    generator = torch.Generator().manual_seed(seed)
    down, right = torch.randint(2 * SHIFT + 1, (2,), generator=generator).tolist()
    if bool(torch.rand((), generator=generator) < 0.5):
        picture = picture.flip(1)
    height, width = picture.shape
    wide = picture.new_zeros(height + 2 * SHIFT, width + 2 * SHIFT)
    wide[SHIFT : SHIFT + height, SHIFT : SHIFT + width] = picture
    return wide[down : down + height, right : right + width]


def open_fashion_mnist(config: FashionMnistConfig) -> ImageData:
    """Read the four files and split the training images; equal configurations give equal splits.

    Raises:
        ColonnadeError: a file is missing or is not the published one.
    """
    _check(config.path)
    pixels, labels, test_pixels, test_labels = (
        torch.from_numpy(read_idx(config.path / name)) for name in CHECKSUMS
    )
    labels, test_labels = labels.long(), test_labels.long()
    validation = draw_evenly(labels, VALIDATION_IMAGES, config.split_seed)
    others = torch.ones(len(labels), dtype=torch.bool)
    others[validation] = False
    rest = others.nonzero()[:, 0]
    train = rest[draw_evenly(labels[rest], config.train_images, config.split_seed)]

    def split(indices: Tensor, *, augment: bool = False) -> FashionMnistSplit:
        return FashionMnistSplit(pixels[indices], labels[indices], config.image_px, augment=augment)

    return ImageData(
        train=split(train, augment=config.augment),
        validation=split(torch.tensor(validation)),
        test=FashionMnistSplit(test_pixels, test_labels, config.image_px, augment=False),
        classes=CLASSES,
        normalisation=NORMALISATION,
    )


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise ColonnadeError(f"data.path: {folder}: no such folder; {FASHION_MNIST_REMEDY}")
    wrong = []
    for name, expected in CHECKSUMS.items():
        file = folder / name
        if not file.is_file():
            wrong.append(f"{file}: no such file")
            continue
        try:
            found = sha256_file(file)
        except OSError as error:
            wrong.append(f"{file}: cannot be read: {error.strerror}")
            continue
        if found != expected:
            wrong.append(f"{file}: SHA-256 {found}; expected {expected}")
    if wrong:
        raise ColonnadeError("\n".join([*wrong, f"data.path: {folder}: {FASHION_MNIST_REMEDY}"]))


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of unsigned bytes in a gzip-compressed IDX file.

    Raises:
        ColonnadeError: it is no such file, or its length does not follow from its sizes.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ColonnadeError(f"{path}: cannot be read: {error}") from error
    rank = content[3] if content[:3] == _MAGIC and len(content) > 3 else 0
    start = 4 + 4 * rank
    if rank == 0 or len(content) < start:
        raise ColonnadeError(f"{path}: no IDX file of unsigned bytes: begins {content[:4].hex()}")
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], dtype=">u4"))
    if len(content) - start != math.prod(shape):
        raise ColonnadeError(
            f"{path}: holds {len(content) - start} bytes; expected {math.prod(shape)} for {shape}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape).copy()
