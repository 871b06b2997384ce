# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where training runs: one or several processes, on CPU or GPU, in full or mixed precision.

Under torchrun every process calls the same functions; each takes its part of every batch. Gloo
carries the gradients between CPUs, NCCL between GPUs.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from colonnade.common.errors import ColonnadeError
from colonnade.config.training import TrainingConfig

T = TypeVar("T")


@dataclass(frozen=True)
class Hardware:
    """This process among `world_size` equal ones; the first one, rank 0, writes files."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    mixed: bool = False
    rank: int = 0
    world_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    @property
    def memory_format(self) -> torch.memory_format:
        """Measured on CPU: channels_last pays with bfloat16 only. Tensor cores always want it."""
        faster = self.mixed or self.device.type == "cuda"
        return torch.channels_last if faster else torch.contiguous_format

    def in_full(self) -> "Hardware":
        """The same without mixed precision: for numbers that are reported."""
        return replace(self, mixed=False)

    def place(self, module: nn.Module) -> None:
        """Move a network here, in the memory format that is fastest."""
        # The overload that takes both has no annotation in torch.
        module.to(device=self.device, memory_format=self.memory_format)  # type: ignore[call-overload]

    def images(self, images: Tensor) -> Tensor:
        """Move images [N, 3, H, W] here, in the memory format that is fastest."""
        return images.to(self.device, non_blocking=True, memory_format=self.memory_format)

    def precision(self) -> AbstractContextManager[None]:
        """Within, operations run in mixed precision if configured."""
        context: AbstractContextManager[None] = torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.mixed
        )
        return context

    def shared(self, model: nn.Module) -> nn.Module:
        """The module to train: `model`, its gradients averaged over processes if there are any."""
        return DistributedDataParallel(model) if self.world_size > 1 else model

    def from_first(self, value: T) -> T:
        """The first process's value, in all of them."""
        if self.world_size == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box)
        return box[0]

    def gathered(self, value: T) -> list[T]:
        """The values of all processes, in all of them."""
        if self.world_size == 1:
            return [value]
        values: list[T] = [value] * self.world_size
        distributed.all_gather_object(values, value)
        return values


def _multiplies_bfloat16(*, cuda: bool) -> bool:
    """Whether the device has instructions for it: a CPU without is slower than in float32.

    Measured on ResNet-18: with AVX-512's, mixed precision trains twice as fast.
    """
    if cuda:
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known = torch.cpu.get_capabilities()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def require_device(config: TrainingConfig) -> None:
    """Refuse a device that this machine lacks.

    Raises:
        ColonnadeError: no GPU where one is asked for.
    """
    if config.device == "cuda" and not torch.cuda.is_available():
        raise ColonnadeError("training.device: cuda: no GPU is available; allowed here: auto, cpu")


@contextmanager
def open_hardware(config: TrainingConfig) -> Iterator[Hardware]:
    """Find the configured device, and the other processes that torchrun started.

    Raises:
        ColonnadeError: no GPU where one is asked for, or another number of processes than
            configured.
    """
    require_device(config)
    cuda = torch.cuda.is_available() if config.device == "auto" else config.device == "cuda"
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size != config.processes:
        raise ColonnadeError(
            f"training.processes: {config.processes}, but torchrun started {world_size}"
            if world_size > 1
            else f"training.processes: {config.processes}: start the command by torchrun"
        )
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else None
    if device is not None:
        # cuBLAS is deterministic only with a workspace of fixed size.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.cuda.set_device(device)
    if world_size > 1:
        distributed.init_process_group("gloo" if device is None else "nccl")
    try:
        yield Hardware(
            device or torch.device("cpu"),
            config.precision == "bfloat16"
            or (config.precision == "auto" and _multiplies_bfloat16(cuda=cuda)),
            distributed.get_rank() if world_size > 1 else 0,
            world_size,
        )
    finally:
        if world_size > 1:
            distributed.destroy_process_group()
