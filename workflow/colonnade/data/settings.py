"""Configuration section `data`: which images a model is trained, tuned and judged on."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class DigitsConfig(BaseModel):
    """scikit-learn's 1,797 scanned digits, enlarged to `image_px`; nothing is downloaded.

    `augment` turns on small random rotations, scalings and shifts of the training images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["digits"] = "digits"
    image_px: int = Field(default=32, ge=32, le=512)
    augment: bool = True
    split_seed: int = Field(default=1, ge=0, lt=2**32)


class FolderConfig(BaseModel):
    """What data sets in ImageNet's folder layout have in common.

    The validation split, on which recipes are chosen, is `validation_share` of every class of
    train/, drawn with `split_seed`; val/ is the test split. Training crops a random area of at
    least `min_crop_area` of a picture. `workers` processes decode images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image_px: int = Field(default=224, ge=32, le=1024)
    validation_share: float = Field(default=0.02, gt=0, lt=1)
    split_seed: int = Field(default=1, ge=0, lt=2**32)
    min_crop_area: float = Field(default=0.08, gt=0, le=1)
    workers: int = Field(default=2, ge=0, le=256)


class ImageNetConfig(FolderConfig):
    """A local folder with train/<class>/* and val/<class>/*, as ImageNet is usually unpacked."""

    name: Literal["imagenet"]
    path: Path


class TexturesConfig(FolderConfig):
    """Procedural textures, made from `seed` on first use and kept in the folder `cache`."""

    name: Literal["textures"]
    cache: Path = Path("results/data")
    classes: int = Field(default=64, ge=2, le=10_000)
    train_per_class: int = Field(default=100, ge=2, le=100_000)
    test_per_class: int = Field(default=40, ge=1, le=100_000)
    seed: int = Field(default=1, ge=0, lt=2**32)
    image_px: int = Field(default=64, ge=32, le=1024)
    validation_share: float = Field(default=0.2, gt=0, lt=1)
    min_crop_area: float = Field(default=0.6, gt=0, le=1)
    workers: int = Field(default=0, ge=0, le=256)


DataConfig = Annotated[DigitsConfig | ImageNetConfig | TexturesConfig, Field(discriminator="name")]
