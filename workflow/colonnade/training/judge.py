# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a network says about a split: logits, loss and top-1."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from colonnade.common.progress import track
from colonnade.data.dataset import Split, batch_count, evaluation_batches
from colonnade.training.hardware import Hardware

EVALUATION_BATCH = 256


def measure(model: nn.Module, split: Split, hardware: Hardware) -> tuple[float, float]:
    """Mean cross-entropy and top-1 share of `model` over `split`, in evaluation mode."""
    logits = predict(model, split, hardware)
    loss = cross_entropy(logits, split.labels)
    right = (logits.argmax(1) == split.labels).double().mean()
    return float(loss), float(right)


@torch.no_grad()
def logits_of(model: nn.Module, images: Tensor, hardware: Hardware) -> Tensor:
    """Logits float32 [N, classes] on CPU of images [N, 3, H, W], in evaluation mode."""
    model.eval()
    with hardware.precision():
        logits: Tensor = model(hardware.images(images))
    return logits.float().cpu()


def predict(model: nn.Module, split: Split, hardware: Hardware) -> Tensor:
    """Logits float32 [N, classes] of the whole split on CPU, in its order, in evaluation mode."""
    rank, world_size = hardware.rank, hardware.world_size
    batches = track(
        evaluation_batches(split, EVALUATION_BATCH, rank, world_size),
        "evaluate",
        len(range(rank, batch_count(split, EVALUATION_BATCH), world_size)),
        "batch",
        shown=hardware.is_first,
    )
    found = hardware.gathered([logits_of(model, images, hardware) for images, _ in batches])
    return torch.cat(
        [found[index % world_size][index // world_size] for index in range(sum(map(len, found)))]
    )
