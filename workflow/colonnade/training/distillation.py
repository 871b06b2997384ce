# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The loss of a batch: cross-entropy, and what the dense network has to say where it teaches."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax, mse_loss

from colonnade.config.pruning import Distillation
from colonnade.models.module import Network
from colonnade.training.hardware import Hardware


class Teacher:
    """A dense network in evaluation mode whose logits, and outputs of stages, are imitated.

    Its channels must be in the same order as the student's.
    """

    def __init__(self, network: Network, config: Distillation, hardware: Hardware) -> None:
        self._network = network.eval().requires_grad_(False)
        hardware.place(self._network)
        self._config = config

    def loss(
        self,
        student: Network,
        forward: nn.Module,
        images: Tensor,
        labels: Tensor,
        smoothing: float,
    ) -> tuple[Tensor, Tensor]:
        """Loss and logits [N, classes] of `student`, run as `forward`; see `Distillation`."""
        config = self._config
        with _stages(student) as ours:
            logits = forward(images).float()
        with torch.no_grad(), _stages(self._network) as theirs:
            target = self._network(images).float()
        hard = cross_entropy(logits, labels, label_smoothing=smoothing)
        soft = kl_div(
            log_softmax(logits / config.temperature, 1),
            log_softmax(target / config.temperature, 1),
            reduction="batchmean",
            log_target=True,
        )
        loss = (1 - config.weight) * hard + config.weight * config.temperature**2 * soft
        if config.features:
            apart = [
                mse_loss(own.float(), other.float()) / other.float().square().mean()
                for own, other in zip(ours, theirs, strict=True)
            ]
            loss = loss + config.features * torch.stack(apart).mean()
        return loss, logits


@contextmanager
def _stages(network: Network) -> Iterator[list[Tensor]]:
    """Collects the outputs of the stages while `network` runs."""
    outputs: list[Tensor] = []
    handles = [
        network.maker(name).register_forward_hook(
            lambda _module, _inputs, output: outputs.append(output)
        )
        for name in network.graph.stages
    ]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()
