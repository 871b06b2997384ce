# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Splits are disjoint, batches complete, and images what the published transforms make of files."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from colonnade.common.errors import ColonnadeError
from colonnade.config.data import DataConfig, DigitsConfig, ImageNetConfig, TexturesConfig
from colonnade.data.dataset import Example, evaluation_batches, training_batches
from colonnade.data.imagenet import NORMALISATION, FolderSplit
from colonnade.data.opening import open_data
from colonnade.data.pictures import evaluation_crop


def _configurations(folder: ImageNetConfig, cache: Path) -> list[DataConfig]:
    textures = TexturesConfig(
        name="textures", cache=cache, classes=2, train_per_class=10, test_per_class=3
    )
    return [DigitsConfig(), folder, textures]


def test_no_image_is_in_two_splits(folder_data: ImageNetConfig, tmp_path: Path) -> None:
    for config in _configurations(folder_data, tmp_path):
        data = open_data(config)
        seen: list[set[bytes]] = []
        for split in (data.train, data.validation, data.test):
            pixels = [
                split.image(Example(index, None)).numpy().tobytes() for index in range(len(split))
            ]
            seen.append(set(pixels))
        assert all(seen)
        for one, other in ((0, 1), (0, 2), (1, 2)):
            assert not seen[one] & seen[other], (config.name, one, other)


def test_validation_and_test_images_are_never_trained_on(
    folder_data: ImageNetConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file that an epoch of training batches opens is one of the training split."""
    opened: set[Path] = set()
    original = FolderSplit.image

    def spy(split: FolderSplit, example: Example) -> Tensor:
        opened.add(split.files[example.index])
        return original(split, example)

    monkeypatch.setattr(FolderSplit, "image", spy)
    for config in _configurations(folder_data, tmp_path)[1:]:
        data = open_data(config)
        assert isinstance(data.train, FolderSplit)
        assert isinstance(data.validation, FolderSplit)
        assert isinstance(data.test, FolderSplit)
        opened.clear()
        for epoch in range(2):
            list(training_batches(data.train, 4, seed=1, epoch=epoch))
        assert opened == set(data.train.files)
        assert not opened & {*data.validation.files, *data.test.files}


def test_the_split_is_by_class_and_follows_its_seed(folder_data: ImageNetConfig) -> None:
    def held_out(seed: int) -> list[Path]:
        data = open_data(folder_data.model_copy(update={"split_seed": seed}))
        assert isinstance(data.validation, FolderSplit)
        assert data.validation.labels.bincount().tolist() == [2, 2, 2]
        return data.validation.files

    assert held_out(1) == held_out(1)
    assert held_out(1) != held_out(2)


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_parts_of_batches_make_the_whole_epoch(
    folder_data: ImageNetConfig, world_size: int
) -> None:
    split = open_data(folder_data).train
    whole = list(training_batches(split, 6, seed=1, epoch=0))
    shares = [
        list(training_batches(split, 6, 1, 0, rank, world_size)) for rank in range(world_size)
    ]
    assert len(whole) > 1
    for index, (images, labels) in enumerate(whole):
        joined = torch.empty_like(images)
        for rank, batches in enumerate(shares):
            joined[rank::world_size] = batches[index][0]
        assert torch.equal(joined, images)
        assert sum(len(batches[index][1]) for batches in shares) == len(labels)


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_parts_of_an_evaluation_are_every_so_manieth_batch(
    folder_data: ImageNetConfig, world_size: int
) -> None:
    split = open_data(folder_data).train
    whole = [labels.tolist() for _, labels in evaluation_batches(split, 4)]
    shares = [
        [labels.tolist() for _, labels in evaluation_batches(split, 4, rank, world_size)]
        for rank in range(world_size)
    ]
    assert [shares[index % world_size][index // world_size] for index in range(len(whole))] == whole


@pytest.mark.parametrize("size", [(300, 400), (512, 384), (256, 256), (224, 500), (97, 640)])
def test_evaluation_crop_is_the_published_transform(size: tuple[int, int]) -> None:
    """Against torch's antialiased bilinear resize in floating point, then the centre crop."""
    rng = np.random.default_rng(5)
    coarse = Image.fromarray(rng.integers(0, 256, (23, 31, 3), dtype=np.uint8))
    picture = coarse.resize(size, Image.Resampling.BICUBIC)
    width, height = size
    short = min(size)
    scaled = (256 * height // short, 256 * width // short)
    image = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].double()
    resized = interpolate(image, scaled, mode="bilinear", antialias=True, align_corners=False)
    top, left = (round((extent - 224) / 2) for extent in scaled)
    expected = resized[0, :, top : top + 224, left : left + 224]
    seen = torch.from_numpy(np.array(evaluation_crop(picture, 224))).permute(2, 0, 1)
    assert seen.shape == (3, 224, 224)
    # Pillow rounds to whole grey levels after each of the two passes.
    assert (seen - expected).abs().max() <= 1.01


@pytest.mark.parametrize(("size", "scaled"), [((300, 400), (114, 152)), ((500, 100), (365, 73))])
def test_an_evaluation_crop_may_be_of_any_height_and_width(
    size: tuple[int, int], scaled: tuple[int, int]
) -> None:
    """Of 64 by 100 pixels: as much larger, 73 by 114, just fits into the picture."""
    pixels = np.random.default_rng(5).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    left, top = (scaled[0] - 100) // 2, round((scaled[1] - 64) / 2)
    wanted = picture.resize(scaled, Image.Resampling.BILINEAR)
    seen = evaluation_crop(picture, (64, 100))
    np.testing.assert_array_equal(
        np.array(seen), np.array(wanted)[top : top + 64, left : left + 100]
    )


def test_images_are_normalised_with_imagenets_statistics(folder_data: ImageNetConfig) -> None:
    split = open_data(folder_data).test
    assert isinstance(split, FolderSplit)
    with Image.open(split.files[0]) as picture:
        pixels = np.array(evaluation_crop(picture.convert("RGB"), 32)) / 255
    expected = (pixels - NORMALISATION.mean) / NORMALISATION.std
    seen = split.image(Example(0, None)).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(seen, expected, atol=1e-5)


@pytest.mark.parametrize("damage", ["missing", "truncated", "text"])
def test_missing_and_broken_images_are_named(
    folder_data: ImageNetConfig, tmp_path: Path, damage: str
) -> None:
    root = tmp_path / "copy"
    shutil.copytree(folder_data.path, root)
    split = open_data(folder_data.model_copy(update={"path": root})).test
    assert isinstance(split, FolderSplit)
    file = split.files[3]
    if damage == "missing":
        file.unlink()
    elif damage == "truncated":
        file.write_bytes(file.read_bytes()[:150])
    else:
        file.write_text("no image")
    with pytest.raises(ColonnadeError, match=file.name):
        list(evaluation_batches(split, 8))


def test_every_problem_of_the_folder_is_told(folder_data: ImageNetConfig, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(folder_data.path, root)
    config = folder_data.model_copy(update={"path": root})
    (root / "train/zero/notes.txt").write_text("")
    with pytest.raises(ColonnadeError, match=r"notes\.txt: not image files"):
        open_data(config)
    (root / "train/zero/notes.txt").unlink()
    (root / "val/extra").mkdir()
    with pytest.raises(ColonnadeError, match="different classes: only in val/: extra"):
        open_data(config)
    with pytest.raises(ColonnadeError, match="no such folder"):
        open_data(config.model_copy(update={"path": tmp_path / "none"}))
    with pytest.raises(ColonnadeError, match="cannot be split"):
        open_data(folder_data.model_copy(update={"validation_share": 0.99}))
