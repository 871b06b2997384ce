# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What networks that are compared read and give: files for the engines of others, images, errors."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from colonnade.package.to_onnx import write_onnx
from colonnade.package.untrained import Variant
from colonnade.training.checkpoint import read_checkpoint

Array = NDArray[np.float32]


def write_for_peers(folder: Path, dense: Variant, image: Array) -> None:
    """Write what workers read: the network as ONNX and as a program of torch.export, and the input.

    Raises:
        ColonnadeError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_onnx(dense.checkpoint, folder / "model.onnx")
    model = read_checkpoint(dense.checkpoint).model().eval()
    with torch.inference_mode():
        program = torch.export.export(model, (torch.from_numpy(image),))
    torch.export.save(program, folder / "model.pt2")
    np.save(folder / "input.npy", image)
    save_file({"image": image}, folder / "input.safetensors")


def random_image(batch: int, image_px: int, seed: int) -> Array:
    """Normally distributed images [batch, 3, image_px, image_px]."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((batch, 3, image_px, image_px), dtype=np.float32)


def relative_error(output: Array, expected: Array) -> float:
    """The largest difference of an output, in proportion to the largest value that is expected."""
    return float(np.abs(output.reshape(expected.shape) - expected).max() / np.abs(expected).max())
