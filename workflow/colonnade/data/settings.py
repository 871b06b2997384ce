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


class ImageNetConfig(BaseModel):
    """A local folder with train/<class>/* and val/<class>/*, as ImageNet is usually unpacked.

    val/ is the test split. The validation split, on which recipes are chosen, is `validation_share`
    of every class of train/, drawn with `split_seed`. `workers` processes decode images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["imagenet"]
    path: Path
    image_px: int = Field(default=224, ge=32, le=1024)
    validation_share: float = Field(default=0.02, gt=0, lt=1)
    split_seed: int = Field(default=1, ge=0, lt=2**32)
    workers: int = Field(default=2, ge=0, le=256)


DataConfig = Annotated[DigitsConfig | ImageNetConfig, Field(discriminator="name")]
