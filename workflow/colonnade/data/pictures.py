# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Image files as networks see them when they are evaluated; needs no torch.

The shorter side is resized to 256/224 of the wanted size (bilinear, antialiased), and the centre
cropped: the transform with which torchvision's published weights are evaluated. As there, a picture is
taken as it is stored (an EXIF orientation is not applied), transparency is ignored, and of an animation
the first frame counts. 16-bit pictures are scaled to 8 bits. For a network of one channel colours become
grey by their luminance (ITU-R 601), as Pillow and torchvision have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from colonnade.common.errors import ColonnadeError
from colonnade.models.shapes import Px

# By content, whatever the name says: a few of ImageNet's .JPEG files are PNGs, or in CMYK.
FORMATS = ("BMP", "JPEG", "PNG", "WEBP")
# What Pillow raises on damaged files.
DAMAGE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
# A line, enlarged until its shorter side is that of a network's input, would take gigabytes.
MOST_ELONGATED = 50


@dataclass(frozen=True)
class Normalisation:
    """Per-channel mean and standard deviation of pixel values in 0..1, applied to every image."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Normalise [3, H, W], or a grey [1, H, W] by the first of the values."""
        count = len(image)
        mean = np.array(self.mean[:count], np.float32)
        std = np.array(self.std[:count], np.float32)
        return np.ascontiguousarray((image - mean[:, None, None]) / std[:, None, None])


UNCHANGED = Normalisation((0.0,) * 3, (1.0,) * 3)
"""Pixel values stay in 0..1."""


def picture_channels(inputs: Sequence[int], normalisation: Normalisation = UNCHANGED) -> int:
    """Channels of the pictures that a network of inputs of these channels sees: 3, or 1 for grey ones.

    Raises:
        ColonnadeError: it has several inputs, or one that is no picture; or grey pictures would be
            normalised as colours are.
    """
    if list(inputs) not in ([1], [3]):
        raise ColonnadeError(f"inputs of {list(inputs)} channels; pictures need one of 3, or of 1")
    (channels,) = inputs
    for option, values in (("--mean", normalisation.mean), ("--std", normalisation.std)):
        if channels == 1 and len(set(values)) > 1:
            said = " ".join(map(str, values))
            raise ColonnadeError(
                f"{option}: {said}; allowed where pictures are grey: three times the same number"
            )
    return channels


def read_image(
    path: Path, image_px: Px, normalisation: Normalisation, channels: int = 3
) -> NDArray[np.float32]:
    """An image file as it is evaluated: resized, cropped and normalised, [channels, height, width].

    Raises:
        ColonnadeError: the file is missing, broken, no image of `FORMATS`, or hardly more than a line.
    """
    return pixels(evaluation_crop(decode(path, channels), image_px), normalisation)


def pixels(picture: Image.Image, normalisation: Normalisation) -> NDArray[np.float32]:
    """A picture in 8-bit RGB or grey, normalised: [channels, height, width]."""
    seen = np.atleast_3d(np.asarray(picture)).transpose(2, 0, 1)
    return normalisation(seen.astype(np.float32) / np.float32(255))


def decode(path: Path, channels: int = 3) -> Image.Image:
    """An image file in 8-bit RGB, or of one channel, grey.

    Raises:
        ColonnadeError: as `read_image`.
    """
    try:
        with Image.open(path, formats=FORMATS) as picture:
            if max(picture.size) > MOST_ELONGATED * min(picture.size):
                width, height = picture.size
                raise ColonnadeError(
                    f"{path}: {width} x {height} pixels; allowed: a longer side at most"
                    f" {MOST_ELONGATED} times as long as the shorter one"
                )
            colours = _rgb(picture)
            return colours if channels == 3 else colours.convert("L")
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
