# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Procedural textures: JPEG files in ImageNet's folder layout, made here from a seed.

A class is a sum of plane waves with its own frequencies, angles and waveform. Every picture of it
shows another pose (rotation, scale, shift, mirror), other colours and lighting, a patch of another
class as clutter, and noise. Pictures of a class share no pixel, so only its structure tells it.
The files are made once and kept in a folder whose name says what determines them.
"""

import hashlib
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colonnade.common.errors import ColonnadeError, some
from colonnade.common.files import atomic_path, locked
from colonnade.common.progress import Progress
from colonnade.config.data import TexturesConfig
from colonnade.data.dataset import ImageData
from colonnade.data.folders import SPLITS, FolderListing, list_folder
from colonnade.data.imagenet import split_by_class

# Part of the cache's key: a change of what is drawn must change it.
VERSION = 1
FILE_PX = 64
WAVES = 3
# Nuisance, tuned so that a dense ResNet-18 is right for 70% to 90% of the pictures.
TURN = 0.35  # radians to either side
ZOOM = 0.2  # natural logarithm of the scale, to either side
NOISE = (4, 24)  # standard deviation in grey levels
CLUTTER = (0.12, 0.4)  # half axes of the patch, in pictures
BATCH = 32
QUALITY = 90

Array = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Textures:
    """Classes, one per row: waves [classes, WAVES] by frequency (cycles per picture), angle, phase
    and weight, and a waveform [classes].

    `sharpness` bends the sum of the waves from sinusoidal towards black and white; `skew` makes the
    bright areas wider than the dark ones, or narrower.
    """

    frequency: Array
    angle: Array
    phase: Array
    weight: Array
    sharpness: Array
    skew: Array

    @classmethod
    def draw(cls, seed: int, classes: int) -> "Textures":
        """The first `classes` classes of the collection `seed`."""
        rngs = [np.random.default_rng([seed, VERSION, label]) for label in range(classes)]

        def each(low: float, high: float, *shape: int) -> Array:
            return np.array([rng.uniform(low, high, shape) for rng in rngs], dtype=np.float32)

        return cls(
            frequency=each(2.5, 9.0, WAVES),
            angle=each(0, np.pi, WAVES),
            phase=each(0, 2 * np.pi, WAVES),
            weight=each(0.4, 1.0, WAVES),
            sharpness=each(0.6, 4.0),
            skew=each(-0.6, 0.6),
        )


def render(textures: Textures, labels: Labels, clutter: Labels, rng: np.random.Generator) -> Array:
    """A picture of each of `labels` [N] with a patch of class `clutter` [N]: [N, PX, PX, 3], 0..255.

    Every picture has a clutter of its own: were it shared, it would give the class away.
    """
    count = len(labels)
    surface = _surface(textures, labels, rng)
    surface += _patch(rng, count) * (_surface(textures, clutter, rng) - surface)
    dark, light = _colours(rng, count)
    share = (0.5 + 0.5 * surface)[..., None]
    picture = dark + share * (light - dark)
    picture *= _lighting(rng, count)[..., None]
    noise = rng.uniform(*NOISE, (count, 1, 1, 1)).astype(np.float32)
    picture += noise * rng.standard_normal(picture.shape, dtype=np.float32)
    return np.clip(picture, 0, 255, out=picture)


def _plane(count: int) -> tuple[Array, Array]:
    axis = np.linspace(-0.5, 0.5, FILE_PX, dtype=np.float32)
    across, down = np.meshgrid(axis, axis)
    return across[None].repeat(count, 0), down[None].repeat(count, 0)


def _per_picture(rng: np.random.Generator, low: float, high: float, count: int) -> Array:
    return rng.uniform(low, high, (count, 1, 1)).astype(np.float32)


def _surface(textures: Textures, labels: Labels, rng: np.random.Generator) -> Array:
    """One texture per label under random poses: [N, PX, PX] in -1..1."""
    count = len(labels)
    across, down = _plane(count)
    across = across * np.where(rng.random((count, 1, 1)) < 0.5, -1, 1).astype(np.float32)
    right, up = (_per_picture(rng, -1, 1, count) for _ in range(2))
    turn = _per_picture(rng, -TURN, TURN, count)
    scale = np.exp(_per_picture(rng, -ZOOM, ZOOM, count))
    total: Array = np.zeros((count, FILE_PX, FILE_PX), dtype=np.float32)
    for wave in range(WAVES):
        frequency, angle, phase, weight = (
            values[labels, wave, None, None]
            for values in (textures.frequency, textures.angle, textures.phase, textures.weight)
        )
        pitch = 2 * np.pi * frequency * scale
        along, aside = pitch * np.cos(angle + turn), pitch * np.sin(angle + turn)
        start = along * right + aside * up + phase
        total += weight * np.cos(along * across + aside * down + start)
    sharpness, skew = (values[labels, None, None] for values in (textures.sharpness, textures.skew))
    bent: Array = np.tanh(sharpness * (total + skew))
    return bent


def _patch(rng: np.random.Generator, count: int) -> Array:
    """Where clutter covers the picture: a soft-edged ellipse, [count, PX, PX] in 0..1."""
    across, down = _plane(count)
    x, y = (_per_picture(rng, -0.5, 0.5, count) for _ in range(2))
    width, height = (_per_picture(rng, *CLUTTER, count) for _ in range(2))
    reach = ((across - x) / width) ** 2 + ((down - y) / height) ** 2
    covered: Array = np.clip((1.0 - reach) * 6, 0, 1)
    return covered


def _colours(rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Two colours per picture, [count, 1, 1, 3], whose brightness differs by a random contrast."""
    base = rng.uniform(40, 130, (count, 1, 1, 3)).astype(np.float32)
    contrast = rng.uniform(30, 120, (count, 1, 1, 1)).astype(np.float32)
    tint = rng.uniform(0.5, 1.2, (count, 1, 1, 3)).astype(np.float32)
    sign = np.where(rng.random((count, 1, 1, 1)) < 0.5, -1, 1).astype(np.float32)
    return base + (sign < 0) * contrast * tint, base + (sign > 0) * contrast * tint


def _lighting(rng: np.random.Generator, count: int) -> Array:
    """Brightness that falls off linearly in a random direction: factors [count, PX, PX]."""
    across, down = _plane(count)
    direction = _per_picture(rng, 0, 2 * np.pi, count)
    slope = _per_picture(rng, 0, 0.9, count)
    falling = np.cos(direction) * across + np.sin(direction) * down
    return (1 + slope * falling).astype(np.float32, copy=False)


def class_name(label: int) -> str:
    """Folder of a class; names sort as labels do."""
    return f"texture{label:04}"


def _write_class(root: Path, config: TexturesConfig, split: str, label: int) -> int:
    """Write one class of one split; the number of pictures."""
    count = config.train_per_class if split == "train" else config.test_per_class
    folder = root / split / class_name(label)
    folder.mkdir(parents=True)
    rng = np.random.default_rng([config.seed, VERSION, label, SPLITS.index(split) + 1])
    textures = Textures.draw(config.seed, config.classes)
    for start in range(0, count, BATCH):
        labels = np.full(min(BATCH, count - start), label)
        others = (labels + rng.integers(1, config.classes, labels.shape)) % config.classes
        pictures = render(textures, labels, others, rng).astype(np.uint8)
        for index, pixels in enumerate(pictures, start):
            buffer = BytesIO()
            Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY)
            (folder / f"{index:05}.jpg").write_bytes(buffer.getvalue())
    return count


def generate(config: TexturesConfig, root: Path, processes: int) -> None:
    """Make all files in `root`, whole or not at all, on several processes.

    The files depend on the configuration alone, not on the number of processes.
    """
    jobs = [(split, label) for split in SPLITS for label in range(config.classes)]
    total = config.classes * (config.train_per_class + config.test_per_class)
    with (
        atomic_path(root) as folder,
        ProcessPoolExecutor(processes) as pool,
        Progress("textures", total, "image") as progress,
    ):
        try:
            pending = [pool.submit(_write_class, folder, config, *job) for job in jobs]
            for done in pending:
                progress.add(done.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)  # else all would be made before it is told
            raise


def folder_of(config: TexturesConfig) -> Path:
    """Where the files of a configuration are kept."""
    keys = ("classes", "train_per_class", "test_per_class", "seed")
    text = json.dumps([VERSION, *(getattr(config, key) for key in keys)])
    return config.cache / f"textures-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def open_textures(config: TexturesConfig) -> ImageData:
    """Open the textures, after making them where they do not exist yet.

    Raises:
        ColonnadeError: the folder cannot be written, or was damaged since.
    """
    root = folder_of(config)
    with locked(root):
        if not root.is_dir():
            generate(config, root, os.cpu_count() or 1)
    return split_by_class(_listed(config, root), root, config)


def _listed(config: TexturesConfig, root: Path) -> FolderListing:
    """The files in `root`, which are those that were made."""
    remedy = f"delete {root} to have the textures made again"
    try:
        listing = list_folder(root)
    except ColonnadeError as error:
        raise ColonnadeError(f"{error}\n{remedy}") from error
    made = config.train_per_class, config.test_per_class
    changed = [
        f"{name} ({len(train)} in train/, {len(val)} in val/)"
        for name, train, val in zip(listing.classes, listing.train, listing.val, strict=True)
        if (len(train), len(val)) != made
    ]
    if changed or len(listing.classes) != config.classes:
        raise ColonnadeError(
            f"{root}: was changed since {config.classes} classes of {made[0]} pictures in train/"
            f" and {made[1]} in val/ were made: now {len(listing.classes)} classes"
            f"{', of others: ' if changed else ''}{some(changed)}; {remedy}"
        )
    return listing
