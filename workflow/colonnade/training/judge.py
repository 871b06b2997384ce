"""What a network says about a split: logits, loss and top-1."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

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
def predict(model: nn.Module, split: Split, hardware: Hardware) -> Tensor:
    """Logits float32 [N, classes] of the whole split on CPU, in its order, in evaluation mode."""
    model.eval()
    part, parts = hardware.part, hardware.parts
    batches = tqdm(
        evaluation_batches(split, EVALUATION_BATCH, part, parts),
        total=len(range(part, batch_count(split, EVALUATION_BATCH), parts)),
        desc="evaluate",
        unit="batch",
        leave=False,
        disable=not hardware.is_first,
    )
    own = []
    for images, _ in batches:
        with hardware.precision():
            own.append(model(hardware.images(images)).float().cpu())
    found = hardware.gathered(own)
    return torch.cat(
        [found[index % parts][index // parts] for index in range(sum(map(len, found)))]
    )
