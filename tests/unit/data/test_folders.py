# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Folders of images as people have them: what is skipped is counted, the rest is told at once."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError, some
from colonnade.config.data import ImageNetConfig, TexturesConfig
from colonnade.data.dataset import Example
from colonnade.data.folders import KAGGLE, list_pictures
from colonnade.data.imagenet import FolderSplit
from colonnade.data.opening import open_data
from colonnade.data.textures import folder_of

NOBODY = 65534


@pytest.fixture
def config(folder_data: ImageNetConfig, tmp_path: Path) -> ImageNetConfig:
    """A copy of the folder of digits, to be spoiled."""
    root = tmp_path / "copy"
    shutil.copytree(folder_data.path, root)
    return folder_data.model_copy(update={"path": root})


def _refusal(config: ImageNetConfig | TexturesConfig) -> str:
    with pytest.raises(ColonnadeError) as refused:
        open_data(config)
    return str(refused.value)


def _flatten(split: Path) -> None:
    for index, file in enumerate(sorted(split.rglob("*.*"))):
        file.rename(split / f"{index:05}{file.suffix}")
    for folder in [each for each in split.iterdir() if each.is_dir()]:
        folder.rmdir()


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_flat_folder_is_told_what_is_expected_and_how_to_get_it(
    config: ImageNetConfig, split: str
) -> None:
    images = len(list((config.path / split).rglob("*.*")))
    _flatten(config.path / split)
    message = _refusal(config)
    assert f"{config.path / split}: holds {images} images and no class folders" in message
    assert "expected train/<class>/* and val/<class>/*" in message
    assert "valprep.sh" in message


def test_archives_of_classes_are_to_be_unpacked(config: ImageNetConfig) -> None:
    shutil.rmtree(config.path / "train")
    (config.path / "train").mkdir()
    for index in range(12):
        (config.path / f"train/n{index:08}.tar").touch()
    message = _refusal(config)
    assert "holds 12 archives (n00000000.tar, " in message
    assert "and 2 more) and no class folders" in message
    assert "unpack each" in message


def test_a_split_that_holds_only_what_systems_leave_is_empty(config: ImageNetConfig) -> None:
    shutil.rmtree(config.path / "val")
    (config.path / "val/.AppleDouble").mkdir(parents=True)
    assert f"{config.path / 'val'}: holds no class folders; expected" in _refusal(config)


@pytest.mark.parametrize("inner", ["images", KAGGLE])
def test_the_folder_that_has_both_splits_is_named(config: ImageNetConfig, inner: str) -> None:
    outer = config.path.with_name("outer")
    (outer / inner).parent.mkdir(parents=True)
    config.path.rename(outer / inner)
    message = _refusal(config.model_copy(update={"path": outer}))
    assert f"{outer}: has no train/ and no val/" in message
    assert f"set path to {outer / inner}, which has both" in message


def test_a_split_under_another_name_is_shown(config: ImageNetConfig) -> None:
    (config.path / "val").rename(config.path / "validation")
    message = _refusal(config)
    assert "has no val/; expected" in message
    assert "it holds the folders train, validation" in message


def test_what_systems_leave_is_skipped_and_counted(
    config: ImageNetConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    before = open_data(config)
    assert capsys.readouterr().err == ""
    root = config.path
    files = [
        ".DS_Store", "train/.DS_Store", "train/zero/.DS_Store", "train/zero/._00.png",
        "val/two/Thumbs.db", "val/two/desktop.ini", "val/two/.hidden.png",
    ]  # fmt: skip
    for name in files:
        (root / name).write_bytes(b"\0\5\x16\7")
    for name in (
        "train/.ipynb_checkpoints",
        "val/zero/.AppleDouble",
        "val/__MACOSX",
        "train/@eaDir",
    ):
        (root / name).mkdir()
        (root / name / "00.png").write_bytes(b"no image")
    after = open_data(config)
    assert after.classes == before.classes
    for one, other in zip((before.train, before.validation, before.test),
                          (after.train, after.validation, after.test), strict=True):  # fmt: skip
        assert isinstance(one, FolderSplit)
        assert isinstance(other, FolderSplit)
        assert one.files == other.files
    # What lies beside train/ and val/ is nobody's business.
    message = capsys.readouterr().err
    assert f"{root}: skipped 10 files and folders that systems leave: " in message
    assert message.count("\n") == 1


def test_files_beside_the_classes_are_skipped_and_counted_but_no_images(
    config: ImageNetConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    (config.path / "val/valprep.sh").touch()
    (config.path / "train/zero.tar").touch()
    open_data(config)
    assert "skipped 2 files beside the class folders" in (message := capsys.readouterr().err)
    assert "val/valprep.sh" in message
    assert "train/zero.tar" in message
    shutil.copy(next((config.path / "val/zero").iterdir()), config.path / "val/lost.png")
    message = _refusal(config)
    assert f"{config.path / 'val/lost.png'}: images beside the class folders" in message
    assert "valprep" not in message


def test_everything_wrong_is_told_at_once(config: ImageNetConfig) -> None:
    root = config.path
    for index in range(13):
        (root / f"train/zero/notes{index:02}.txt").touch()
    (root / "train/two/inner").mkdir()
    (root / "val/two/empty.png").touch()
    (root / "val/two/gone.png").symlink_to("nowhere.png")
    (root / "val/gone").symlink_to("nowhere")
    os.mkfifo(root / "val/two/pipe.png")
    for split in ("train", "val"):
        (root / split / "hollow").mkdir()
    (root / "train/left").mkdir()
    (root / "val/right").mkdir()
    lines = _refusal(config).splitlines()
    expected = [
        "train/ and val/ hold different classes: only in train/: left; only in val/: right",
        f"{root / 'train/zero/notes09.txt'} and 3 more: not image files; allowed are .bmp",
        f"{root / 'train/two/inner'}: folders within a class",
        f"{root / 'val/two/empty.png'}: empty files",
        f"{root / 'val/gone'}, {root / 'val/two/gone.png'}: links that lead nowhere",
        f"{root / 'val/two/pipe.png'}: not regular files",
        f"{root / 'train/hollow'}, {root / 'train/left'}, {root / 'val/hollow'},"
        f" {root / 'val/right'}: classes that hold no images",
    ]
    for part in expected:
        assert [line for line in lines if part in line], part
    assert len(lines) == len(expected)


def test_one_class_is_no_task(config: ImageNetConfig) -> None:
    for split in ("train", "val"):
        for name in ("zero", "two"):
            shutil.rmtree(config.path / split / name)
    message = _refusal(config)
    assert f"{config.path / 'train'}: holds one class, " in message
    assert "at least 2" in message


def test_all_classes_that_cannot_be_split_are_named(config: ImageNetConfig) -> None:
    for name in ("zero", "two"):
        for file in sorted((config.path / "train" / name).iterdir())[1:]:
            file.unlink()
    assert "validation_share=0.25" in (message := _refusal(config))
    assert message.endswith(": two (1), zero (1)")


def test_linked_folders_are_read_but_none_twice(config: ImageNetConfig) -> None:
    root, other = config.path, config.path.with_name("disk")
    count = len(open_data(config).test)
    (root / "val/zero").rename(other)
    (root / "val/zero").symlink_to(other)
    assert len(open_data(config).test) == count
    shutil.rmtree(root / "train/zero")
    (root / "train/zero").symlink_to(other)
    message = _refusal(config)
    assert f"{root / 'val/zero'} is {root / 'train/zero'}: one folder under two names" in message
    shutil.rmtree(root / "train")
    (root / "train").symlink_to("val")
    assert "train/ and val/ are the same folder: test images" in _refusal(config)


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Rights are checked against a user who is not root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("closed", "told"),
    [
        ("val/two", "val/two: cannot be read: Permission denied"),
        ("val", "val: cannot be read: Permission denied"),
        ("", "copy/train: cannot be read: Permission denied"),
        ("val/two/10.png", "val/two/10.png: cannot be read: no permission"),
    ],
)
def test_what_may_not_be_read_is_named(
    config: ImageNetConfig, closed: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Folders above belong to root alone; a relative path does not pass through them.
    above = config.path.parent
    monkeypatch.chdir(above)
    for folder in (above, config.path):
        folder.chmod(0o755)
    config = config.model_copy(update={"path": Path(config.path.name)})
    path = config.path / closed
    assert path.exists()
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        with _as_nobody():
            message = _refusal(config)
    finally:
        path.chmod(mode)
    assert told in message
    assert len(message.splitlines()) == 1


def test_changed_textures_are_not_trained_on(tmp_path: Path) -> None:
    config = TexturesConfig(
        name="textures", cache=tmp_path, classes=3, train_per_class=4, test_per_class=2
    )
    open_data(config)
    root = folder_of(config)
    (root / "train/texture0001/00002.jpg").unlink()
    message = _refusal(config)
    assert "texture0001 (3 in train/, 2 in val/)" in message
    assert f"delete {root} to have the textures made again" in message
    for split in ("train", "val"):
        shutil.rmtree(root / split / "texture0001")
    assert "now 2 classes; delete" in _refusal(config)
    shutil.rmtree(root / "val")
    message = _refusal(config)
    assert "has no val/" in message
    assert f"delete {root}" in message
    shutil.rmtree(root)
    assert open_data(config).train.image(Example(0, None)).shape == (3, 64, 64)


def test_at_most_ten_are_named() -> None:
    assert some(range(3)) == "0, 1, 2"
    assert some(range(10)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert some(range(12)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"


def test_pictures_are_found_behind_links_but_not_in_circles(tmp_path: Path) -> None:
    root, other = tmp_path / "mine", tmp_path / "other"
    for folder in (root / "below", other):
        folder.mkdir(parents=True)
        (folder / "a.png").write_bytes(b"a")
    (root / "loop").symlink_to(".")
    (root / "below/up").symlink_to(root)
    # One that is no circle is followed as often as it is there.
    for name in ("first", "second"):
        (root / name).symlink_to(other)
    found = [str(path.relative_to(root)) for path in list_pictures(root)]
    assert found == ["below/a.png", "first/a.png", "second/a.png"]
