# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A small image folder in ImageNet's layout, made of real scans, tiny checkpoints of it, and git."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from colonnade.config.data import ImageNetConfig
from colonnade.config.model import ModelConfig
from colonnade.config.pruning import Pattern, Recipe
from colonnade.config.training import AdamWConfig, PhaseConfig, TrainingConfig
from colonnade.pruning.plan import prunable_convs, uniform_plan
from colonnade.training.stages import prune_and_finetune, train_dense

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("three", "two", "zero")
TRAINING_IMAGES = 8
TEST_IMAGES = 5


@pytest.fixture(scope="session", autouse=True)
def one_thread_of_processes() -> Iterator[None]:
    """For those that tests start, as for the tests themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture
def clone(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: the checkout without results, whatever its owner ran in it."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("config", "kernels"):
        (folder / name).symlink_to(ROOT / name)
    monkeypatch.chdir(folder)
    return folder


def git(*arguments: str, folder: Path = Path()) -> str:
    """Run git, as somebody whatever this machine's configuration says; returns what it prints."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    command = ["git", *identity, *arguments]
    run = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return run.stdout.strip()


def write_digit_folder(root: Path) -> None:
    """Scans of three digits, enlarged to rectangles of several sizes, as PNG and JPEG files."""
    digits = load_digits()
    for label, name in zip((3, 2, 0), CLASSES, strict=True):
        scans = digits.images[digits.target == label]
        for index, scan in enumerate(scans[: TRAINING_IMAGES + TEST_IMAGES]):
            folder = root / ("train" if index < TRAINING_IMAGES else "val") / name
            folder.mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray((scan * 15.9).astype(np.uint8))
            size = (40 + 3 * index, 56 - 2 * index)
            suffix = "JPEG" if index % 2 else "png"
            picture.resize(size, Image.Resampling.BICUBIC).save(folder / f"{index:02}.{suffix}")


@pytest.fixture(scope="session")
def folder_data(tmp_path_factory: pytest.TempPathFactory) -> ImageNetConfig:
    """The folder as configured data: 8 images per class for training, of which 2 validate."""
    root = tmp_path_factory.mktemp("digits")
    write_digit_folder(root)
    return ImageNetConfig(name="imagenet", path=root, image_px=32, validation_share=0.25, workers=0)


@pytest.fixture(scope="session")
def tiny_training() -> TrainingConfig:
    """Two epochs of each phase, a second or so in all."""
    phase = PhaseConfig(epochs=2, batch_size=9, optimizer=AdamWConfig(lr=1e-3), clip_norm=1.0)
    return TrainingConfig(threads=1, dense=phase, finetune=phase)


@pytest.fixture(scope="session")
def dense_checkpoint(
    tmp_path_factory: pytest.TempPathFactory,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
) -> Path:
    """A dense ResNet-18, hardly trained: its weights and batch norms are no longer the initial."""
    path = tmp_path_factory.mktemp("dense") / "dense.safetensors"
    train_dense(ModelConfig(), folder_data, tiny_training, 1, path, path.with_suffix(".csv"))
    return path


@pytest.fixture(
    scope="session", params=[Pattern(n=1, m=4), Pattern(m="full", sparsity=0.75)], ids=str
)
def pruned_checkpoint(
    request: pytest.FixtureRequest,
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
) -> Path:
    """Its pruned descendants, with tiles that do and do not divide the channels."""
    pattern: Pattern = request.param
    path = dense_checkpoint.with_name(f"{pattern.label}.safetensors")
    names = prunable_convs("resnet18", ["conv1", "layer1.1.conv2"])
    tiles = {name: (7, 8, 14)[index % 3] for index, name in enumerate(names)}
    plan, metrics = uniform_plan(pattern, tiles), path.with_suffix(".csv")
    prune_and_finetune(
        dense_checkpoint, plan, Recipe(), folder_data, tiny_training, 1, path, metrics
    )
    return path
