"""The data sets: configuration, splits, transforms and batches."""

from colonnade.data.dataset import (
    Batch,
    Example,
    ImageData,
    Normalisation,
    Split,
    batch_count,
    evaluation_batches,
    training_batches,
)
from colonnade.data.digits import open_digits
from colonnade.data.imagenet import open_imagenet
from colonnade.data.settings import DataConfig, DigitsConfig, ImageNetConfig, TexturesConfig
from colonnade.data.textures import open_textures

__all__ = [
    "Batch",
    "DataConfig",
    "DigitsConfig",
    "Example",
    "ImageData",
    "ImageNetConfig",
    "Normalisation",
    "Split",
    "TexturesConfig",
    "batch_count",
    "evaluation_batches",
    "open_data",
    "training_batches",
]


def open_data(config: DataConfig) -> ImageData:
    """Open the configured data set.

    Raises:
        ColonnadeError: it is missing, incomplete or cannot be split.
    """
    if isinstance(config, DigitsConfig):
        return open_digits(config)
    if isinstance(config, TexturesConfig):
        return open_textures(config)
    return open_imagenet(config)
