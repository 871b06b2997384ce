# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Configuration section `data`: which images a model is trained, tuned and judged on."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from colonnade.config.section import InputFolder, Number, OutputFolder, Section, Seed, Share, Whole

_PX = "Width and height of the images that the network sees, in pixels."
_CLASSES = "How many classes there are."
_SPLIT_SEED = "Of the draw of the validation split."
_VALIDATION_SHARE = "Of every class of `train/`: the validation split, on which recipes are chosen."
_MIN_CROP_AREA = "Training crops a random area of a picture, of at least this share of it."
_WORKERS = "Processes that decode images; 0: the one that trains."


class DigitsConfig(Section):
    """scikit-learn's 1,797 scanned digits, enlarged to `image_px`; nothing is downloaded."""

    name: Literal["digits"] = Field(default="digits", description="This data set.")
    image_px: Whole = Field(default=32, ge=32, le=512, description=_PX)
    augment: bool = Field(
        default=True,
        description="Small random rotations, scalings and shifts of the training images.",
    )
    split_seed: Seed = Field(default=1, description=_SPLIT_SEED)


FASHION_MNIST_REMEDY = (
    "get it as root by: apt-get install dataset-fashion-mnist; or name its folder in `path`"
)


def _name_the_package(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    try:
        return check(value)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"{reason}; {FASHION_MNIST_REMEDY}") from error


class FashionMnistConfig(Section):
    """Fashion-MNIST (Xiao et al., arXiv 1708.07747): 70,000 photographs of ten kinds of clothes, 28 px.

    The four files are those of Debian's package `dataset-fashion-mnist`, which the set-up installs
    as root. Their test split is the test split.
    """

    name: Literal["fashion-mnist"] = Field(description="This data set.")
    path: Annotated[InputFolder, WrapValidator(_name_the_package)] = Field(
        default=Path("/usr/share/datasets/fashion-mnist"),
        validate_default=True,
        description="Folder with the four `*-ubyte.gz` files, whose checksums are known.",
    )
    image_px: Whole = Field(default=28, ge=28, le=512, description=_PX)
    augment: bool = Field(
        default=True,
        description="Training images are flipped half of the time and shifted by up to 2 pixels.",
    )
    train_images: Whole = Field(
        default=55_000,
        ge=100,
        le=55_000,
        description="Of the training split, evenly from all classes; 5,000 others validate.",
    )
    split_seed: Seed = Field(default=1, description=_SPLIT_SEED)


class FolderConfig(Section):
    """What data sets in ImageNet's folder layout have in common; val/ is the test split."""

    image_px: Whole = Field(default=224, ge=32, le=1024, description=_PX)
    validation_share: Share = Field(default=0.02, description=_VALIDATION_SHARE)
    split_seed: Seed = Field(default=1, description=_SPLIT_SEED)
    min_crop_area: Number = Field(default=0.08, gt=0, le=1, description=_MIN_CROP_AREA)
    workers: Whole = Field(default=2, ge=0, le=256, description=_WORKERS)


class ImageNetConfig(FolderConfig):
    """A local folder with train/<class>/* and val/<class>/*, as ImageNet is usually unpacked.

    Or val/* without class folders, with the labels of `devkit`.
    """

    name: Literal["imagenet"] = Field(description="This data set.")
    path: InputFolder = Field(description="The folder.", examples=["imagenet"])
    devkit: InputFolder | None = Field(
        default=None,
        description="The unpacked `ILSVRC2012_devkit_t12`, with the labels of a `val/` that holds"
        " ImageNet's images as they are published; null: `val/` has class folders.",
        examples=["ILSVRC2012_devkit_t12"],
    )


class TexturesConfig(FolderConfig):
    """Procedural textures, made from `seed` on first use and kept in the folder `cache`."""

    name: Literal["textures"] = Field(description="This data set.")
    cache: OutputFolder = Field(
        default=Path("results/data"), description="Folder in which the pictures are kept."
    )
    classes: Whole = Field(default=64, ge=2, le=10_000, description=_CLASSES)
    train_per_class: Whole = Field(
        default=100, ge=2, le=100_000, description="Pictures of a class in `train/`."
    )
    test_per_class: Whole = Field(
        default=40, ge=1, le=100_000, description="Pictures of a class in `val/`."
    )
    seed: Seed = Field(default=1, description="Of the textures.")
    image_px: Whole = Field(default=64, ge=32, le=1024, description=_PX)
    validation_share: Share = Field(default=0.2, description=_VALIDATION_SHARE)
    min_crop_area: Number = Field(default=0.6, gt=0, le=1, description=_MIN_CROP_AREA)
    workers: Whole = Field(default=0, ge=0, le=256, description=_WORKERS)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if round(self.train_per_class * self.validation_share) >= self.train_per_class:
            raise ValueError(
                f"validation_share: {self.validation_share:g}: leaves none of train_per_class:"
                f" {self.train_per_class} to train on"
            )
        return self


DataConfig = Annotated[
    DigitsConfig | FashionMnistConfig | ImageNetConfig | TexturesConfig,
    Field(discriminator="name"),
]


def folders_of(data: DataConfig) -> list[Path]:
    """Folders that a data set is read from, none of which is made here."""
    if isinstance(data, FashionMnistConfig):
        return [data.path]
    if isinstance(data, ImageNetConfig):
        return [data.path] if data.devkit is None else [data.path, data.devkit]
    return []
