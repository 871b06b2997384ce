# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The embedded data set: scikit-learn's 1,797 scanned handwritten digits of 8x8 pixels.

The test set of the UCI "Optical Recognition of Handwritten Digits" collection, shipped inside
scikit-learn: real scans, no download. A stratified, seeded split gives 70% for training, 10% for
validation and 20% for test.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from colonnade.config.data import DigitsConfig
from colonnade.data.dataset import Example, ImageData, Split, normalised
from colonnade.data.pictures import Normalisation

# Mean and deviation of all 1,797 scans, grey levels scaled to 0..1: properties of the collection,
# kept as constants so that they do not move with the split.
NORMALISATION = Normalisation(mean=(0.3053,) * 3, std=(0.3760,) * 3)
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1


class DigitsSplit(Split):
    """Scans [N, 8, 8] in 0..1, enlarged bilinearly and repeated on three channels on demand."""

    def __init__(self, scans: Tensor, labels: Tensor, image_px: int, *, augment: bool) -> None:
        self.scans = scans
        self.labels = labels
        self._image_px = image_px
        self._augment = augment

    def image(self, example: Example) -> Tensor:
        """One normalised digit [3, image_px, image_px]."""
        theta = torch.eye(2, 3)
        if self._augment and example.augment_seed is not None:
            theta = _random_affine(example.augment_seed)
        size = [1, 1, self._image_px, self._image_px]
        grid = affine_grid(theta[None], size, align_corners=False)
        scan = self.scans[example.index][None, None]
        large = grid_sample(scan, grid, padding_mode="border", align_corners=False)
        return normalised(large[0].expand(3, -1, -1), NORMALISATION)


def _random_affine(seed: int) -> Tensor:
    """Rotation up to 10 degrees, scale 0.9 to 1.1, shift up to half a scanned pixel: [2, 3]."""
    draw = torch.rand(4, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    turn, zoom, right, down = draw.tolist()
    angle, scale = math.radians(10 * turn), 1 + 0.1 * zoom
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    return torch.tensor([[cosine, -sine, right / 8], [sine, cosine, down / 8]])


def open_digits(config: DigitsConfig) -> ImageData:
    """Load and split the digits; equal configurations give equal splits."""
    # Commands that open no data set would wait for this import too.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    scans = torch.tensor(digits.images, dtype=torch.float32) / 16
    labels = torch.tensor(digits.target, dtype=torch.int64)
    seed = config.split_seed
    rest, test = train_test_split(
        torch.arange(len(labels)), test_size=TEST_SHARE, stratify=labels, random_state=seed
    )
    share = VALIDATION_SHARE / (1 - TEST_SHARE)
    train, validation = train_test_split(
        rest, test_size=share, stratify=labels[rest], random_state=seed
    )

    def split(indices: Tensor, *, augment: bool = False) -> DigitsSplit:
        chosen = indices.sort().values
        return DigitsSplit(scans[chosen], labels[chosen], config.image_px, augment=augment)

    return ImageData(
        train=split(train, augment=config.augment),
        validation=split(validation),
        test=split(test),
        classes=tuple(str(digit) for digit in range(10)),
        normalisation=NORMALISATION,
    )
