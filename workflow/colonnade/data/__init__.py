"""The data sets: configuration, splits, transforms and batches.

What needs torch is imported from its module: `dataset` (splits and batches), `opening`, and those of
the single data sets.
"""

from colonnade.data.settings import DataConfig, DigitsConfig, ImageNetConfig, TexturesConfig

__all__ = ["DataConfig", "DigitsConfig", "ImageNetConfig", "TexturesConfig"]
