# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Opens the configured data set."""

from colonnade.config.data import DataConfig, DigitsConfig, FashionMnistConfig, TexturesConfig
from colonnade.data.dataset import ImageData
from colonnade.data.digits import open_digits
from colonnade.data.fashion_mnist import open_fashion_mnist
from colonnade.data.imagenet import open_imagenet
from colonnade.data.textures import open_textures


def open_data(config: DataConfig) -> ImageData:
    """Open the configured data set.

    Raises:
        ColonnadeError: it is missing, incomplete or cannot be split.
    """
    if isinstance(config, DigitsConfig):
        return open_digits(config)
    if isinstance(config, FashionMnistConfig):
        return open_fashion_mnist(config)
    if isinstance(config, TexturesConfig):
        return open_textures(config)
    return open_imagenet(config)
