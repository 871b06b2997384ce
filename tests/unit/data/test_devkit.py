# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""ImageNet as it is published: a flat folder of validation images, with labels in the devkit's files."""

import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from colonnade.common.errors import ColonnadeError
from colonnade.config.data import ImageNetConfig
from colonnade.data.devkit import GROUND_TRUTH, META, Devkit
from colonnade.data.imagenet import FolderSplit
from colonnade.data.opening import open_data
from colonnade.workflow import inputs


def write_devkit(root: Path, numbers: dict[int, str], labels: list[int]) -> Path:
    """A kit as it is published: classes are numbered in another order than their names have.

    `meta.mat` has synsets above the classes too, which no image has.
    """
    (root / "data").mkdir(parents=True)
    above = {max(numbers) + 1: "n00000001"}
    synsets = np.array(
        [
            (number, wnid, "words", int(number in above))
            for number, wnid in {**numbers, **above}.items()
        ],
        dtype=[(name, object) for name in ("ILSVRC2012_ID", "WNID", "words", "num_children")],
    )
    savemat(root / META, {"synsets": synsets[:, None]})
    (root / GROUND_TRUTH).write_text("".join(f"{label}\n" for label in labels))
    return root


@pytest.fixture
def published(folder_data: ImageNetConfig, tmp_path: Path) -> tuple[ImageNetConfig, dict[str, str]]:
    """The folder of digits with a flat val/ and a devkit; and the class of every image by its name."""
    root = tmp_path / "images"
    shutil.copytree(folder_data.path, root)
    classes = sorted(each.name for each in (root / "train").iterdir())
    numbers = dict(enumerate(random.Random(3).sample(classes, len(classes)), 1))
    files = sorted((root / "val").rglob("*.*"))
    random.Random(4).shuffle(files)
    own = {wnid: number for number, wnid in numbers.items()}
    expected, labels = {}, []
    for index, file in enumerate(files, 1):
        name = f"ILSVRC2012_val_{index:08}.JPEG"
        expected[name] = file.parent.name
        labels.append(own[file.parent.name])
        file.rename(root / "val" / name)
    for wnid in classes:
        (root / "val" / wnid).rmdir()
    devkit = write_devkit(tmp_path / "ILSVRC2012_devkit_t12", numbers, labels)
    return folder_data.model_copy(update={"path": root, "devkit": devkit}), expected


def _found(config: ImageNetConfig) -> dict[str, str]:
    images = open_data(config)
    assert isinstance(images.test, FolderSplit)
    pairs = zip(images.test.files, images.test.labels.tolist(), strict=True)
    return {file.name: images.classes[label] for file, label in pairs}


def _refusal(config: ImageNetConfig) -> str:
    with pytest.raises(ColonnadeError) as refused:
        open_data(config)
    return str(refused.value)


def test_a_flat_folder_has_the_labels_of_the_devkit(
    published: tuple[ImageNetConfig, dict[str, str]], folder_data: ImageNetConfig
) -> None:
    config, expected = published
    assert len(set(expected.values())) >= 2
    assert _found(config) == expected
    # Training and validation images are those of the class folders.
    ours, theirs = open_data(config), open_data(folder_data)
    assert ours.classes == theirs.classes
    assert ours.train.labels.tolist() == theirs.train.labels.tolist()


def test_class_folders_need_no_devkit_and_are_read_beside_one(
    published: tuple[ImageNetConfig, dict[str, str]], folder_data: ImageNetConfig
) -> None:
    both = folder_data.model_copy(update={"devkit": published[0].devkit})
    assert _found(both) == _found(folder_data)


def test_a_part_of_the_images_is_taken_and_told(
    published: tuple[ImageNetConfig, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    config, expected = published
    first = next(iter(expected))
    (config.path / "val" / first).unlink()
    assert _found(config) == {name: wnid for name, wnid in expected.items() if name != first}
    said = capsys.readouterr().err
    assert f"val: {len(expected) - 1} of the devkit's {len(expected)} images are there" in said


def test_all_that_has_no_label_is_refused_at_once(
    published: tuple[ImageNetConfig, dict[str, str]],
) -> None:
    config, expected = published
    val = config.path / "val"
    first, second, *_ = expected
    last = f"ILSVRC2012_val_{len(expected) + 1:08}.JPEG"
    shutil.copy(val / first, val / "cat.jpg")
    shutil.copy(val / first, val / last)
    shutil.copy(val / first, val / "ILSVRC2012_val_00000000.JPEG")
    (val / second).write_bytes(b"")
    message = _refusal(config)
    for name in ("cat.jpg", last, "ILSVRC2012_val_00000000.JPEG"):
        assert str(val / name) in message
    assert "images that data.devkit has no label for" in message
    assert f"{val / second}: empty files" in message


def test_other_classes_than_the_devkits_are_named(
    published: tuple[ImageNetConfig, dict[str, str]],
) -> None:
    config, expected = published
    wnid = sorted(set(expected.values()))[0]
    (config.path / "train" / wnid).rename(config.path / "train/n99999999")
    message = _refusal(config)
    assert "train/ and data.devkit have different classes" in message
    assert "only in train/: n99999999" in message
    assert f"only in the devkit: {wnid}" in message


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (
            GROUND_TRUTH,
            None,
            "cannot be read: No such file or directory; data.devkit: expected the",
        ),
        (GROUND_TRUTH, b"", "is empty; expected the number of a class in every line"),
        (GROUND_TRUTH, b"1\n2\nn01440764\n", "line 3: 'n01440764'; expected a class's number"),
        (GROUND_TRUTH, b"1\n77\n", "class 77: data/meta.mat has no such class; allowed: 1 to 2"),
        (GROUND_TRUTH, b"\xff\xfe", "cannot be read: no text"),
        (META, None, "cannot be read: No such file or directory; data.devkit: expected the"),
        (META, b"", "damaged, or no table of classes"),
        (META, b"MATLAB 5.0 MAT-file" + bytes(200), "damaged, or no table of classes"),
    ],
)
def test_damaged_kits_are_refused_by_name(
    tmp_path: Path, file: Path, content: bytes | None, said: str
) -> None:
    root = write_devkit(tmp_path / "kit", {1: "n02", 2: "n01"}, [1, 2, 2])
    assert Devkit(root).classes == ["n01", "n02"]
    assert Devkit(root).class_of("ILSVRC2012_val_00000001.JPEG") == "n02"
    (root / file).unlink()
    if content is not None:
        (root / file).write_bytes(content)
    with pytest.raises(
        ColonnadeError, match=re.escape(f"{root / file}: ") + ".*" + re.escape(said)
    ):
        Devkit(root)


def test_jobs_depend_on_the_labels(published: tuple[ImageNetConfig, dict[str, str]]) -> None:
    config, _ = published
    assert inputs.images(config) == [str(config.path), str(config.devkit)]
