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
from colonnade.data.settings import DataConfig, DigitsConfig, ImageNetConfig

__all__ = [
    "Batch",
    "DataConfig",
    "DigitsConfig",
    "Example",
    "ImageData",
    "ImageNetConfig",
    "Normalisation",
    "Split",
    "batch_count",
    "evaluation_batches",
    "open_data",
    "training_batches",
]


def open_data(config: DigitsConfig | ImageNetConfig) -> ImageData:
    """Open the configured data set.

    Raises:
        ColonnadeError: it is missing, incomplete or cannot be split.
    """
    if isinstance(config, DigitsConfig):
        return open_digits(config)
    return open_imagenet(config)
