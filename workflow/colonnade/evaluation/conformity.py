# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Whether a package computes what PyTorch makes of the checkpoint that it was exported from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file
from colonnade.models.graph import Graph, infer_shapes
from colonnade.models.module import Network
from colonnade.package.archive import read_package
from colonnade.training.checkpoint import Checkpoint, read_checkpoint

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Agreement:
    """Of one output for one input: the largest difference and the largest number, and equal first places.

    `top1` is the share of images whose largest output is the same; null where the output is a map.
    """

    input: str
    output: str
    difference: float
    largest: float
    top1: float | None

    @property
    def relative(self) -> float:
        """The difference in relation to the largest number, where that is none of the smallest."""
        return self.difference / max(self.largest, float(np.finfo(np.float32).tiny))


def find_checkpoint(package: Path, given: Path | None) -> Checkpoint:
    """The checkpoint that a package was exported from: `given`, or a file beside the package.

    Raises:
        ColonnadeError: there is none, or the given one is another.
    """
    wanted = read_package(package).graph.get("checkpoint_sha256")
    if given is not None:
        source = read_checkpoint(given)
        if source.sha256 != wanted:
            raise ColonnadeError(
                f"{given}: SHA-256 {source.sha256}; {package} was exported from {wanted}"
            )
        return source
    for path in sorted(package.resolve().parent.glob("*.safetensors")):
        if sha256_file(path) == wanted:
            return read_checkpoint(path)
    raise ColonnadeError(
        f"{package}: the checkpoint that it was exported from, SHA-256 {wanted}, does not lie beside it;"
        " --checkpoint names it"
    )


def compare(
    model: Network,
    run: Callable[[Mapping[str, Array]], Sequence[Array]],
    inputs: Mapping[str, Mapping[str, Array]],
) -> list[Agreement]:
    """Run the module in float64 and `run` on the same inputs, each a set of maps with a name.

    Raises:
        ColonnadeError: inputs that the network does not fit, before anything runs, or an output of
            another shape.
    """
    for name, arrays in inputs.items():
        _check_fit(model.graph, name, arrays)
    reference = model.double()
    found = []
    for name, arrays in inputs.items():
        with torch.inference_mode():
            wanted = reference(
                *(torch.from_numpy(arrays[each.name]).double() for each in model.graph.inputs)
            )
        expected = wanted if isinstance(wanted, tuple) else (wanted,)
        for output, good, made in zip(model.graph.outputs, expected, run(arrays), strict=True):
            found.append(_agreement(name, output, good.numpy(), made))
    return found


def _check_fit(graph: Graph, name: str, arrays: Mapping[str, Array]) -> None:
    images = {each.name: len(arrays[each.name]) for each in graph.inputs}
    if len(set(images.values())) > 1:
        seen = ", ".join(f"{count} of {each!r}" for each, count in images.items())
        raise ColonnadeError(f"{name}: images: {seen}; allowed: equally many of each input")
    shapes = {}
    for each in graph.inputs:
        count, _, height, width = arrays[each.name].shape
        shapes[each.name] = each.shape(count, height, width)
    try:
        infer_shapes(graph.nodes, shapes)
    except ValueError as error:
        raise ColonnadeError(
            f"{name}: the network does not fit: {error}; --image-px gives random inputs and pictures"
            " another size"
        ) from error


def _agreement(name: str, output: str, good: NDArray[np.float64], made: Array) -> Agreement:
    if good.shape != made.shape:
        raise ColonnadeError(f"output {output}: {list(made.shape)}; PyTorch's: {list(good.shape)}")
    top1 = None
    if good.ndim == 2:
        top1 = float((good.argmax(axis=1) == made.argmax(axis=1)).mean())
    return Agreement(
        name, output, float(np.abs(made - good).max()), float(np.abs(good).max()), top1
    )
