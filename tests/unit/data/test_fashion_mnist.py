# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Fashion-MNIST: what its files hold, how they are split and augmented, and which are refused.

The files are small ones of the same format; where the published ones are installed they are read too.
"""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file
from colonnade.config.data import FashionMnistConfig
from colonnade.data import fashion_mnist
from colonnade.data.dataset import Example, evaluation_batches, training_batches
from colonnade.data.fashion_mnist import CHECKSUMS, NORMALISATION, SHIFT, augmented, read_idx
from colonnade.data.opening import open_data

TRAIN, TEST, VALIDATION = 400, 30, 50
INSTALLED = FashionMnistConfig(name="fashion-mnist").path


def _write(path: Path, values: NDArray[np.uint8]) -> None:
    header = b"\0\0\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes(), mtime=0))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Random photographs, all different, ten labels in turn; the checksums are theirs."""
    rng = np.random.default_rng(16)
    for prefix, count in (("train", TRAIN), ("t10k", TEST)):
        pixels = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        _write(tmp_path / f"{prefix}-images-idx3-ubyte.gz", pixels)
        labels = (np.arange(count) % 10).astype(np.uint8)
        _write(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", labels)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(CHECKSUMS)
    sums = {name: sha256_file(tmp_path / name) for name in CHECKSUMS}
    monkeypatch.setattr(fashion_mnist, "CHECKSUMS", sums)
    monkeypatch.setattr(fashion_mnist, "VALIDATION_IMAGES", VALIDATION)
    return tmp_path


def _config(folder: Path, **changes: object) -> FashionMnistConfig:
    return FashionMnistConfig.model_validate(
        {"name": "fashion-mnist", "path": folder, "train_images": 300, **changes}
    )


def test_splits_are_disjoint_balanced_and_follow_their_seed(folder: Path) -> None:
    data = open_data(_config(folder))
    sizes = [len(split) for split in (data.train, data.validation, data.test)]
    assert sizes == [300, VALIDATION, TEST]
    for split, count in ((data.train, 30), (data.validation, 5), (data.test, 3)):
        assert split.labels.bincount().tolist() == [count] * 10
    seen = [
        {split.image(Example(index, None)).numpy().tobytes() for index in range(len(split))}
        for split in (data.train, data.validation, data.test)
    ]
    assert [len(each) for each in seen] == sizes
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
    again = open_data(_config(folder)).validation
    other = open_data(_config(folder, split_seed=2))
    index = Example(0, None)
    assert torch.equal(again.image(index), data.validation.image(index))
    held = {other.validation.image(Example(i, None)).numpy().tobytes() for i in range(VALIDATION)}
    assert held != seen[1]
    assert torch.equal(other.test.image(index), data.test.image(index))


def test_images_are_the_files_pixels_normalised(folder: Path) -> None:
    pixels = read_idx(folder / "t10k-images-idx3-ubyte.gz")
    images = torch.cat(
        [images for images, _ in evaluation_batches(open_data(_config(folder)).test, 7)]
    )
    assert images.shape == (TEST, 3, 28, 28)
    expected = (pixels.astype(np.float64) / 255 - NORMALISATION.mean[0]) / NORMALISATION.std[0]
    for channel in range(3):
        np.testing.assert_allclose(images[:, channel].numpy(), expected, rtol=1e-5, atol=1e-6)


def test_larger_images_are_bilinear(folder: Path) -> None:
    """Twice as large: a pixel between the centres of four is their mean with weights 1/16, 3/16, 9/16."""
    small = open_data(_config(folder)).test.image(Example(3, None))[0].double()
    large = open_data(_config(folder, image_px=56)).test.image(Example(3, None))[0].double()
    assert large.shape == (56, 56)
    inner = (9 * small[:-1, :-1] + 3 * small[1:, :-1] + 3 * small[:-1, 1:] + small[1:, 1:]) / 16
    torch.testing.assert_close(large[1:-1:2, 1:-1:2], inner, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_augmentation_mirrors_and_shifts_and_nothing_else(seed: int) -> None:
    picture = torch.from_numpy(
        np.random.default_rng(seed).integers(1, 256, (28, 28), dtype=np.uint8)
    )
    found = augmented(picture, seed)
    assert torch.equal(found, augmented(picture, seed))
    padded = {
        mirrored: np.pad((picture.flip(1) if mirrored else picture).numpy(), SHIFT)
        for mirrored in (False, True)
    }
    matches = [
        (mirrored, down, right)
        for mirrored, wide in padded.items()
        for down in range(2 * SHIFT + 1)
        for right in range(2 * SHIFT + 1)
        if np.array_equal(wide[down : down + 28, right : right + 28], found)
    ]
    assert len(matches) == 1


def test_all_shifts_and_both_mirrorings_come() -> None:
    picture = torch.zeros(28, 28, dtype=torch.uint8)
    picture[14, 10] = 1
    places = {tuple(augmented(picture, seed).nonzero()[0].tolist()) for seed in range(600)}
    shifts = range(-SHIFT, SHIFT + 1)
    assert places == {
        (14 + down, column + right) for down in shifts for right in shifts for column in (10, 17)
    }


def test_only_training_batches_are_augmented(folder: Path) -> None:
    data = open_data(_config(folder))
    plain = open_data(_config(folder, augment=False))
    batches = [next(training_batches(each.train, 64, 1, 0))[0] for each in (data, plain, data)]
    assert torch.equal(batches[0], batches[2])
    assert not torch.equal(batches[0], batches[1])
    for mine, other in ((data.validation, plain.validation), (data.test, plain.test)):
        assert torch.equal(mine.image(Example(1, 5)), other.image(Example(1, None)))


def test_bad_files_are_refused_by_name_all_at_once(folder: Path) -> None:
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    with (folder / "t10k-images-idx3-ubyte.gz").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(ColonnadeError) as raised:
        open_data(_config(folder))
    message = str(raised.value)
    assert f"{folder / 'train-labels-idx1-ubyte.gz'}: no such file" in message
    assert f"{folder / 't10k-images-idx3-ubyte.gz'}: SHA-256" in message
    assert "apt-get install dataset-fashion-mnist" in message
    with pytest.raises(ColonnadeError, match=r"data\.path: .*: no such folder"):
        open_data(_config(folder / "missing"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no gzip", "cannot be read"),
        (gzip.compress(b"\0\0\x0d\x01\0\0\0\1x"), "no IDX file of unsigned bytes: begins 00000d01"),
        (gzip.compress(b""), "no IDX file"),
        (gzip.compress(b"\0\0\x08\x03\0\0\0\1"), "no IDX file"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\2x"), "holds 1 bytes; expected 2"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\1x")[:-6], "cannot be read"),
    ],
    # Compressed bytes have the time in them.
    ids=["raw", "type", "empty", "cut-header", "cut-content", "cut-stream"],
)
def test_damaged_idx_files_are_named(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(content)
    with pytest.raises(ColonnadeError, match=message) as raised:
        read_idx(path)
    assert str(raised.value).startswith(str(path))


@pytest.mark.skipif(not INSTALLED.is_dir(), reason="dataset-fashion-mnist is not installed")
def test_the_published_files_are_read() -> None:
    data = open_data(FashionMnistConfig(name="fashion-mnist"))
    assert [len(split) for split in (data.train, data.validation, data.test)] == [
        55_000,
        5_000,
        10_000,
    ]
    assert data.test.labels.bincount().tolist() == [1_000] * 10
    images = torch.cat([batch for batch, _ in training_batches(data.train, 1_000, 1, 0)])[:, 0]
    # Shifts bring in some black.
    assert abs(float(images.mean())) < 0.05
    assert float(images.std()) == pytest.approx(1, abs=0.05)
