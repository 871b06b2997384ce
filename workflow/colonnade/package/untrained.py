# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks of which only time matters: one checkpoint, dense, and pruned by the tiles that tuning chose.

Its weights are random: how long a network takes does not depend on them. Where masks are, pruning
decides by magnitude, as without data.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from colonnade.config.model import ModelName
from colonnade.config.pruning import Pattern
from colonnade.data.pictures import Normalisation
from colonnade.models.conv_shape import ConvShape
from colonnade.models.module import Network, build
from colonnade.package.export import export_package
from colonnade.pruning.plan import uniform_plan
from colonnade.training.checkpoint import CheckpointInfo, read_checkpoint, write_checkpoint
from colonnade.training.stages import mask_by_magnitude
from colonnade.tuning.choice import tiles_for

CLASSES = 1000
DENSE = "dense"
_MOST = 127
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Variant:
    """A network: its label, the share of columns that is removed, its checkpoint and package."""

    label: str
    sparsity: float
    checkpoint: Path
    package: Path

    def output(self, image: Array) -> Array:
        """What PyTorch computes of images."""
        model = read_checkpoint(self.checkpoint).model().eval()
        with torch.inference_mode():
            logits: Array = model(torch.from_numpy(image)).numpy()
        return logits


def write_variants(
    folder: Path,
    name: ModelName,
    patterns: Sequence[Pattern],
    layers: Sequence[tuple[str, ConvShape]],
    schedules: Path,
    seed: int,
) -> list[Variant]:
    """Write the dense network and one pruned by each pattern into `folder`.

    Args:
        folder: is made.
        name: of the network.
        patterns: by which it is pruned.
        layers: the convolutions that are pruned, by name.
        schedules: their tiles.
        seed: of the weights.

    Raises:
        ColonnadeError: the schedules lack a layer, or the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = fixed_weights(build(name, CLASSES), seed)
    info = CheckpointInfo(
        model=name,
        num_classes=CLASSES,
        dataset="none",
        image_px=224,
        split_seed=0,
        normalisation=Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        seed=seed,
        epochs=0,
    )
    dense = Variant(DENSE, 0.0, folder / f"{DENSE}.safetensors", folder / DENSE)
    write_checkpoint(dense.checkpoint, info, model.state_dict(), {})
    export_package(dense.checkpoint, dense.package)
    variants = [dense]
    for pattern in patterns:
        label = pattern.label
        variant = Variant(label, pattern.sparsity, folder / f"{label}.safetensors", folder / label)
        plan = uniform_plan(pattern, tiles_for(schedules, layers, pattern))
        mask_by_magnitude(dense.checkpoint, plan, variant.checkpoint)
        export_package(variant.checkpoint, variant.package)
        variants.append(variant)
    return variants


def fixed_weights(model: Network, seed: int) -> Network:
    """The network with whole numbers as weights, times a power of two that keeps activations in size.

    Sums of them are exact, so masks are the same on every CPU and in every version of PyTorch. What
    PyTorch draws itself would let the activations of MobileNet-V2 fade to nothing, and its outputs say
    nothing of its convolutions.
    """
    rng = np.random.default_rng(seed)
    state = model.state_dict()
    for key, tensor in state.items():
        if tensor.ndim > 1:
            # Of an even distribution over -127..127, and of He et al., arXiv 1502.01852.
            drawn, wanted = _MOST / math.sqrt(3), math.sqrt(2 / math.prod(tensor.shape[1:]))
            whole = rng.integers(-_MOST, _MOST, tuple(tensor.shape), endpoint=True)
            values = whole.astype(np.float32) * 2.0 ** round(math.log2(wanted / drawn))
            tensor.copy_(torch.from_numpy(values.astype(np.float32)))
        elif key.endswith(".bias"):
            tensor.zero_()
    model.load_state_dict(state)
    return model.eval()
