# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How long a training will take, told before its first step: by a few steps of a copy of the network."""

import itertools
import time
from collections.abc import Callable

import torch
from torch import Tensor

from colonnade.common.progress import duration
from colonnade.config.training import PhaseConfig
from colonnade.data.dataset import ImageData, batch_count, training_batches
from colonnade.training.hardware import Hardware

# Steps of a whole training from which on it is forecast; a shorter one tells soon enough by itself.
LONG_STEPS = 5_000
# The first steps prepare kernels and take what workers have fetched ahead; the others are timed.
PREPARING_STEPS = 4
TIMED_STEPS = 4
# Of a step's time per image: evaluation has no backward pass.
EVALUATION_SHARE = 1 / 3


def is_long(data: ImageData, config: PhaseConfig) -> bool:
    """Whether a training is worth a forecast."""
    return batch_count(data.train, config.batch_size) * config.epochs >= LONG_STEPS


def forecast(
    title: str,
    loss: Callable[[Tensor, Tensor], Tensor],
    data: ImageData,
    config: PhaseConfig,
    seed: int,
    hardware: Hardware,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """What to say of a training's length before it starts.

    `loss` gives that of a batch; it is run on a few, forwards and backwards, so it should be that of a
    copy. The state of random numbers stays as it is.
    """
    steps = batch_count(data.train, config.batch_size)
    step = _seconds_of_step(loss, data, config.batch_size, seed, hardware, clock)
    judged = len(data.validation) / config.batch_size * EVALUATION_SHARE
    total = config.epochs * (steps + judged) * step
    return (
        f"{title}: will take about {duration(total)}: {config.epochs} epochs of {steps:,} batches,"
        f" {1000 * step:.0f} ms each as {TIMED_STEPS} of them took, with {len(data.validation):,}"
        " validation images after each"
    )


def _seconds_of_step(
    loss: Callable[[Tensor, Tensor], Tensor],
    data: ImageData,
    batch_size: int,
    seed: int,
    hardware: Hardware,
    clock: Callable[[], float],
) -> float:
    """The mean time of a step, the loading of its images included."""
    # Of as many epochs as it takes: one may be a single batch.
    batches = itertools.chain.from_iterable(
        training_batches(data.train, batch_size, seed, epoch, hardware.rank, hardware.world_size)
        for epoch in itertools.count()
    )
    cuda = [hardware.device] if hardware.device.type == "cuda" else []
    ends = []
    with torch.random.fork_rng(devices=cuda):
        for images, labels in itertools.islice(batches, PREPARING_STEPS + TIMED_STEPS):
            with hardware.precision():
                value = loss(hardware.images(images), labels.to(hardware.device))
            value.backward()  # type: ignore[no-untyped-call]
            value.item()  # waits for a GPU
            ends.append(clock())
    return (ends[-1] - ends[-1 - TIMED_STEPS]) / TIMED_STEPS
