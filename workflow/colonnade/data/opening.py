# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Opens the configured data set."""

from collections.abc import Sequence

from colonnade.common.errors import ColonnadeError
from colonnade.config.data import (
    DataConfig,
    DigitsConfig,
    FashionMnistConfig,
    ImageNetConfig,
    TexturesConfig,
)
from colonnade.data.dataset import ImageData
from colonnade.data.digits import open_digits
from colonnade.data.fashion_mnist import open_fashion_mnist
from colonnade.data.imagenet import open_imagenet
from colonnade.data.pictures import picture_channels
from colonnade.data.textures import open_textures


def open_data(config: DataConfig, inputs: Sequence[int] = (3,)) -> ImageData:
    """Open the configured data set, for a network of inputs of these channels.

    Raises:
        ColonnadeError: it is missing, incomplete or cannot be split, or has no such images.
    """
    channels = picture_channels(inputs)
    if channels != 3 and not isinstance(config, ImageNetConfig):
        raise ColonnadeError(
            f"data.name: {config.name} has images of 3 channels; needed: {channels}"
        )
    if isinstance(config, DigitsConfig):
        return open_digits(config)
    if isinstance(config, FashionMnistConfig):
        return open_fashion_mnist(config)
    if isinstance(config, TexturesConfig):
        return open_textures(config)
    return open_imagenet(config, channels)
