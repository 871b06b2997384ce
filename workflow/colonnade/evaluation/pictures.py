# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Images for a package: picture files as it wants them, random ones, and what it says of pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colonnade.common.datatypes import Dtype, overflow_hint
from colonnade.common.errors import ColonnadeError, first_line
from colonnade.common.files import read_text
from colonnade.common.tensors import load_tensors
from colonnade.data.pictures import UNCHANGED, Normalisation, picture_channels, read_image
from colonnade.models.graph import NamedInput
from colonnade.models.shapes import Px, shown_px
from colonnade.package.archive import read_package
from colonnade.package.description import graph_of, image_size, input_shapes
from colonnade.runtime.net import Net

Array = NDArray[np.float32]
MOST_PIXELS = 1 << 26
"""Of a batch of random images."""
Triple = tuple[float, float, float]


def preprocessing_of(
    package: Path, image_px: int | None, mean: Triple | None, std: Triple | None
) -> tuple[Px, Normalisation, int]:
    """The size of images, how pixels are normalised, and their channels.

    The size is that of `package.description.input_shapes`. Pixels are normalised as options say, else
    the package, else not at all.

    Raises:
        ColonnadeError: a damaged package, or one whose input is no picture.
    """
    read = read_package(package)
    stated = graph_of(read).preprocessing or UNCHANGED
    normalisation = Normalisation(mean or _triple(stated.mean), std or _triple(stated.std))
    try:
        channels = picture_channels([each.channels for each in read.inputs], normalisation)
    except ColonnadeError as error:
        raise ColonnadeError(f"{package}: {error} (Python takes any arrays)") from error
    return image_size(input_shapes(read, 1, image_px)), normalisation, channels


def _triple(values: Sequence[float]) -> Triple:
    first, second, third = values
    return first, second, third


def read_pictures(
    paths: Sequence[Path], image_px: Px, normalisation: Normalisation, channels: int = 3
) -> Array:
    """Picture files as one batch [N, channels, H, W].

    Raises:
        ColonnadeError: a file is missing, broken or no picture.
    """
    return np.stack([read_image(path, image_px, normalisation, channels) for path in paths])


def random_images(package: Path, batch: int, image_px: int | None, seed: int) -> dict[str, Array]:
    """Normally distributed images for every input of a package, of the size of `input_shapes`.

    Raises:
        ColonnadeError: a damaged package, or more images than `MOST_PIXELS` hold.
    """
    shapes = input_shapes(read_package(package), batch, image_px)
    rng = np.random.default_rng(seed)
    most = max(1, MOST_PIXELS // max((shape.h or 1) * (shape.w or 1) for shape in shapes.values()))
    if batch > most:
        size = shown_px(image_size(shapes))
        raise ColonnadeError(f"--batch: {batch}; allowed with images of {size} pixels: 1 to {most}")
    return {
        name: rng.standard_normal((batch, shape.c, shape.h or 1, shape.w or 1), dtype=np.float32)
        for name, shape in shapes.items()
    }


def read_inputs(path: Path, inputs: Sequence[NamedInput]) -> dict[str, Array]:
    """The inputs of a network from a safetensors file, as maps; features become planes of one element.

    Raises:
        ColonnadeError: a damaged file, or one without one of the inputs as float32 [N, C, H, W] or
            [N, C], or with numbers that are not finite.
    """
    try:
        tensors = load_tensors(path)
    except (OSError, ValueError) as error:
        raise ColonnadeError(f"{path}: cannot be read: {first_line(error)}") from error
    for each in inputs:
        tensor = tensors.get(each.name)
        wanted = f"float32 [images, {each.channels}, height, width]"
        if tensor is None:
            raise ColonnadeError(f"{path}: input tensor {each.name!r} is missing; needed: {wanted}")
        fits = tensor.ndim in (2, 4) and tensor.shape[1] == each.channels and tensor.size
        if tensor.dtype != np.float32 or not fits:
            seen = f"{tensor.dtype} {list(tensor.shape)}"
            raise ColonnadeError(f"{path}: input tensor {each.name!r} is {seen}; needed: {wanted}")
        if not np.isfinite(tensor).all():
            raise ColonnadeError(
                f"{path}: input tensor {each.name!r} holds numbers that are not finite"
            )
    found = {each.name: tensors[each.name] for each in inputs}
    return {
        name: each if each.ndim == 4 else each[:, :, np.newaxis, np.newaxis]
        for name, each in found.items()
    }


def read_labels(path: Path) -> list[str]:
    """Names of classes, one a line.

    Raises:
        ColonnadeError: the file cannot be read, or names none.
    """
    names = read_text(path).splitlines()
    if not any(names):
        raise ColonnadeError(f"{path}: is empty; allowed: the name of a class in each line")
    return names


def classes_of(
    net: Net, image: Array, labels: Sequence[str] | None, top: int, dtype: Dtype = "f32"
) -> list[dict[str, Any]]:
    """The `top` classes of one image, the likeliest first, each with index, label and probability.

    The output counts as probabilities where it is some, and otherwise as logits. `dtype` is what the
    network computes in.

    Raises:
        ColonnadeError: the network does not make one vector of classes, or has more of them than labels,
            or its output is not finite.
    """
    made = net(image)
    if isinstance(made, tuple) or made.size != made.shape[1]:
        raise ColonnadeError(
            "the network has no single output of classes: `colonnade.load` runs it"
        )
    values = made.reshape(-1).astype(np.float64)
    if labels is not None and len(labels) != len(values):
        raise ColonnadeError(
            f"--labels: {len(labels)} names; allowed: {len(values)}, as the network has classes"
        )
    if not np.isfinite(values).all():
        limit = overflow_hint(dtype)
        larger = ": --dtype f32 holds larger ones" if limit else ""
        raise ColonnadeError(f"the network's output is not finite in {dtype}{limit}{larger}")
    if values.min() < 0 or not np.isclose(values.sum(), 1, atol=1e-3):
        values = np.exp(values - values.max())
        values /= values.sum()
    order = np.argsort(-values, kind="stable")[:top]
    return [
        {
            "class": int(index),
            "label": f"class {index}" if labels is None else labels[index],
            "probability": float(values[index]),
        }
        for index in order
    ]
