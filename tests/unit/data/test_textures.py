# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Procedural textures: reproducible files in ImageNet's layout, and a task that is none of colour."""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from colonnade.config.data import TexturesConfig
from colonnade.data.dataset import Example
from colonnade.data.opening import open_data
from colonnade.data.textures import FILE_PX, Textures, _write_class, folder_of, generate, render


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TexturesConfig:
    cache = tmp_path_factory.mktemp("cache")
    return TexturesConfig(
        name="textures", cache=cache, classes=3, train_per_class=5, test_per_class=2, seed=7
    )


def _digests(root: Path) -> dict[str, str]:
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(root.rglob("*.jpg"))
    }


def test_files_are_small_jpegs_in_imagenets_layout(config: TexturesConfig) -> None:
    data = open_data(config)
    root = folder_of(config)
    assert [path.name for path in sorted(root.iterdir())] == ["train", "val"]
    assert data.classes == ("texture0000", "texture0001", "texture0002")
    files = _digests(root)
    assert len(files) == 3 * (5 + 2)
    assert len(set(files.values())) == len(files)
    for name in files:
        with Image.open(root / name) as picture:
            assert (picture.format, picture.size) == ("JPEG", (FILE_PX, FILE_PX))
    assert (len(data.train), len(data.validation), len(data.test)) == (12, 3, 6)
    assert data.test.image(Example(0, None)).shape == (3, 64, 64)


def test_files_do_not_depend_on_the_number_of_processes(
    config: TexturesConfig, tmp_path: Path
) -> None:
    for processes in (1, 3):
        generate(config, tmp_path / str(processes), processes)
    assert _digests(tmp_path / "1") == _digests(tmp_path / "3")


def test_processes_that_want_the_same_files_wait_for_each_other(
    config: TexturesConfig, tmp_path: Path
) -> None:
    wanted = config.model_copy(update={"cache": tmp_path})
    with ProcessPoolExecutor(3) as pool:
        found = list(pool.map(_count, [wanted] * 3))
    assert found == [12, 12, 12]


def _count(config: TexturesConfig) -> int:
    return len(open_data(config).train)


def test_files_are_made_once(config: TexturesConfig) -> None:
    open_data(config)
    file = next(folder_of(config).rglob("*.jpg"))
    made = file.stat().st_mtime_ns
    # How images are read is none of the files' business.
    open_data(config.model_copy(update={"image_px": 32, "split_seed": 5}))
    assert file.stat().st_mtime_ns == made


@pytest.mark.parametrize(
    "change", [{"seed": 8}, {"classes": 4}, {"train_per_class": 6}, {"test_per_class": 3}], ids=str
)
def test_what_determines_the_files_determines_their_folder(
    config: TexturesConfig, change: dict[str, int]
) -> None:
    assert folder_of(config.model_copy(update=change)) != folder_of(config)


def test_an_interrupted_generation_leaves_nothing(
    config: TexturesConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    other = config.model_copy(update={"cache": tmp_path})
    monkeypatch.setattr("colonnade.data.textures.Progress", fail)
    with pytest.raises(KeyboardInterrupt):
        open_data(other)
    assert not list(tmp_path.rglob("*.jpg"))
    assert not folder_of(other).exists()


def test_pictures_of_a_class_differ_and_classes_are_not_told_by_colour() -> None:
    """Mean colours of two classes overlap; what differs is where the energy of the spectrum is."""
    textures, rng = Textures.draw(1, 2), np.random.default_rng(3)
    labels = [np.full(64, label) for label in (0, 1)]
    pictures = [render(textures, each, each, rng) for each in labels]
    assert all(batch.min() >= 0 and batch.max() <= 255 for batch in pictures)
    means = [batch.mean(axis=(1, 2)) for batch in pictures]
    gap = np.abs(means[0].mean(axis=0) - means[1].mean(axis=0)) / means[0].std(axis=0)
    assert (gap < 1).all()
    spectra = []
    for batch in pictures:
        grey = batch.mean(axis=-1)
        grey -= grey.mean(axis=(1, 2), keepdims=True)
        power = np.abs(np.fft.rfft2(grey)) ** 2
        spectra.append((power / power.sum(axis=(1, 2), keepdims=True)).mean(axis=0))
    between = np.abs(spectra[0] - spectra[1]).sum()
    assert between > 0.5


def test_clutter_does_not_give_the_class_away(
    config: TexturesConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a class every picture draws its own clutter, of any class but its own."""
    drawn: list[tuple[np.ndarray, np.ndarray]] = []

    def spy(textures: Textures, labels: np.ndarray, clutter: np.ndarray, rng: Any) -> np.ndarray:
        drawn.append((labels, clutter))
        return render(textures, labels, clutter, rng)

    monkeypatch.setattr("colonnade.data.textures.render", spy)
    many = config.model_copy(update={"classes": 20, "train_per_class": 64})
    assert _write_class(tmp_path, many, "train", 4) == 64
    labels, clutter = (np.concatenate(part) for part in zip(*drawn, strict=True))
    assert (labels == 4).all()
    assert not (clutter == 4).any()
    assert len(set(clutter[:32].tolist())) > 10


@pytest.mark.parametrize("wrong", [{"classes": 1}, {"train_per_class": 1}, {"path": "x"}], ids=str)
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TexturesConfig.model_validate({"name": "textures", **wrong})
