# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Images for a package: picture files as it wants them, random ones, and what it says of pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from colonnade.common.errors import ColonnadeError, first_line
from colonnade.common.files import read_text
from colonnade.data.dataset import UNCHANGED, Normalisation
from colonnade.data.imagenet import read_image
from colonnade.models.graph import Input
from colonnade.package.archive import read_package
from colonnade.package.description import graph_of, image_size
from colonnade.package.graph import Preprocessing
from colonnade.runtime.net import Net

Array = NDArray[np.float32]
MOST_PIXELS = 1 << 26
"""Of a batch of random images."""
Triple = tuple[float, float, float]


def preprocessing_of(
    package: Path, image_px: int | None, mean: Triple | None, std: Triple | None
) -> Preprocessing:
    """What becomes of pictures: as the options say, else as the package states, else pixels in 0 to 1.

    Raises:
        ColonnadeError: a damaged package, or one whose input is no picture.
    """
    graph = graph_of(read_package(package))
    channels = [each.channels for each in graph.inputs]
    if channels != [3]:
        raise ColonnadeError(f"{package}: inputs of {channels} channels; pictures need one of 3")
    stated = graph.preprocessing or UNCHANGED
    return Preprocessing(
        image_px=image_size(graph, image_px),
        mean=list(mean or stated.mean),
        std=list(std or stated.std),
    )


def read_pictures(paths: Sequence[Path], stated: Preprocessing) -> Array:
    """Picture files as one batch.

    Raises:
        ColonnadeError: a file is missing, broken or no picture.
    """
    (m0, m1, m2), (s0, s1, s2) = stated.mean, stated.std
    normalisation = Normalisation((m0, m1, m2), (s0, s1, s2))
    return np.stack([read_image(path, stated.image_px, normalisation).numpy() for path in paths])


def random_images(package: Path, batch: int, image_px: int | None, seed: int) -> dict[str, Array]:
    """Normally distributed images for every input of a package.

    Raises:
        ColonnadeError: a damaged package, or more images than `MOST_PIXELS` hold.
    """
    graph = graph_of(read_package(package))
    size, rng = image_size(graph, image_px), np.random.default_rng(seed)
    most = max(1, MOST_PIXELS // size**2)
    if batch > most:
        raise ColonnadeError(f"--batch: {batch}; allowed with images of {size} pixels: 1 to {most}")
    return {
        each.name: rng.standard_normal((batch, each.channels, size, size), dtype=np.float32)
        for each in graph.inputs
    }


def read_inputs(path: Path, inputs: Sequence[Input]) -> dict[str, Array]:
    """The inputs of a network from a safetensors file.

    Raises:
        ColonnadeError: a damaged file, or one without one of the inputs as float32 [N, C, H, W].
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise ColonnadeError(f"{path}: cannot be read: {first_line(error)}") from error
    for each in inputs:
        tensor = tensors.get(each.name)
        wanted = f"float32 [images, {each.channels}, height, width]"
        if tensor is None:
            raise ColonnadeError(f"{path}: input tensor {each.name!r} is missing; needed: {wanted}")
        if tensor.dtype != np.float32 or tensor.ndim != 4 or tensor.shape[1] != each.channels:
            seen = f"{tensor.dtype} {list(tensor.shape)}"
            raise ColonnadeError(f"{path}: input tensor {each.name!r} is {seen}; needed: {wanted}")
    return {each.name: tensors[each.name] for each in inputs}


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
    net: Net, image: Array, labels: Sequence[str] | None, top: int
) -> list[dict[str, Any]]:
    """The `top` classes of one image, the likeliest first, each with index, label and probability.

    The output counts as probabilities where it is some, and otherwise as logits.

    Raises:
        ColonnadeError: the network does not make one vector of classes, or has more of them than labels.
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
