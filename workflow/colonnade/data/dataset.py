# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What every data set looks like to the rest: three disjoint splits of normalised images.

Random augmentation takes its seed with the example, derived from (seed, epoch, position) alone: the
images of an epoch do not depend on the number of workers nor on where an interrupted run resumed.
"""

import itertools
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from colonnade.common.errors import ColonnadeError
from colonnade.data.pictures import Normalisation

Batch = tuple[Tensor, Tensor]

_SHARED_MEMORY = "/dev/shm"
# Batches that each worker has ready, by torch's default.
_PREFETCHED = 2


@dataclass(frozen=True)
class Example:
    """One image to fetch: its index in the split, and a seed if it is to be augmented."""

    index: int
    augment_seed: int | None


class Split(Dataset[tuple[Tensor, int]], ABC):
    """Images [channels, image_px, image_px] float32, normalised, each with its class index.

    `labels` is int64 [N]; `workers` is the number of processes worth using to fetch images.
    """

    labels: Tensor
    workers: int = 0

    @abstractmethod
    def image(self, example: Example) -> Tensor:
        """Fetch one image; equal examples give equal images."""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, example: Example) -> tuple[Tensor, int]:
        return self.image(example), int(self.labels[example.index])


def normalised(image: Tensor, normalisation: Normalisation) -> Tensor:
    """An image [3, H, W] float32 of pixel values in 0..1, normalised."""
    return torch.from_numpy(normalisation(image.numpy()))


@dataclass(frozen=True)
class ImageData:
    """A data set: `train` to learn, `validation` to choose, `test` to be reported, once."""

    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]
    normalisation: Normalisation


def training_batches(
    split: Split, batch_size: int, seed: int, epoch: int, rank: int = 0, world_size: int = 1
) -> Iterator[Batch]:
    """One epoch of `split` in random order, augmented: (images [B, channels, px, px], labels [B]).

    The epoch is cut into equal batches of at most `batch_size`, so that none is a small rest. Order
    and augmentation follow from (seed, epoch). Of every batch only share `rank` of `world_size` comes:
    examples rank, rank + world_size and so on.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order = torch.randperm(len(split), generator=generator).tolist()
    seeds = torch.randint(2**62, (len(split),), generator=generator).tolist()
    examples = [Example(index, drawn) for index, drawn in zip(order, seeds, strict=True)]
    return _load(split, [batch[rank::world_size] for batch in _cut(examples, batch_size)])


def evaluation_batches(
    split: Split,
    batch_size: int,
    rank: int = 0,
    world_size: int = 1,
    *,
    indices: Sequence[int] | None = None,
) -> Iterator[Batch]:
    """`split` in its own order, without augmentation; or batches rank, rank + world_size, ...

    With `indices`, these images of it alone.
    """
    chosen = range(len(split)) if indices is None else indices
    examples = [Example(index, None) for index in chosen]
    return _load(split, _cut(examples, batch_size)[rank::world_size])


def draw_evenly(labels: Tensor, count: int, seed: int) -> list[int]:
    """`count` different positions of `labels` [N], ascending: of no class more than one more than of
    another, unless that has no more. Fewer where there are not so many.
    """
    generator = torch.Generator().manual_seed(seed)
    members: dict[int, list[int]] = {}
    for index in torch.randperm(len(labels), generator=generator).tolist():
        members.setdefault(int(labels[index]), []).append(index)
    # Which classes have one more is drawn as well: they come in the order of their first members.
    turns = itertools.zip_longest(*members.values())
    drawn = (index for turn in turns for index in turn if index is not None)
    return sorted(itertools.islice(drawn, count))


def batch_count(split: Split, batch_size: int) -> int:
    """Batches of one pass over `split`."""
    return -(-len(split) // batch_size)


def _cut(examples: list[Example], batch_size: int) -> list[list[Example]]:
    count = -(-len(examples) // batch_size)
    bounds = [len(examples) * index // count for index in range(count + 1)]
    return [examples[low:high] for low, high in itertools.pairwise(bounds)]


def _load(split: Split, batches: list[list[Example]]) -> Iterator[Batch]:
    # torch types samplers of indices only; a data set may be indexed by anything.
    loader: DataLoader[Batch] = DataLoader(
        split,  # type: ignore[arg-type]
        batch_sampler=batches,
        num_workers=split.workers,
        collate_fn=None if _fits_shared_memory(split, batches) else _as_arrays,
    )
    try:
        for images, labels in loader:
            yield torch.as_tensor(images), torch.as_tensor(labels)
    except ColonnadeError as error:
        # From a worker process the message comes with the worker's traceback before it.
        message = str(error).rpartition("ColonnadeError: ")[2].strip()
        raise ColonnadeError(message) from None


def _fits_shared_memory(split: Split, batches: list[list[Example]]) -> bool:
    """Whether it holds all batches that workers may have ready, with one that is in use."""
    if split.workers == 0 or not batches:
        return True
    one = split.image(batches[0][0]).nbytes * max(map(len, batches))
    try:
        free = shutil.disk_usage(_SHARED_MEMORY).free
    except OSError:
        return False
    return one * (_PREFETCHED * split.workers + 1) <= free


def _as_arrays(examples: list[tuple[Tensor, int]]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """A batch that goes through a pipe: slower than a tensor, which takes shared memory."""
    images, labels = zip(*examples, strict=True)
    return torch.stack(images).numpy(), np.array(labels, dtype=np.int64)
