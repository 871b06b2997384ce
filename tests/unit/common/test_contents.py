# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Files that a configuration only names: what they hold is part of the settings of their jobs."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from colonnade.common import contents
from colonnade.common.contents import file_digest, folder_digest
from colonnade.common.errors import ColonnadeError
from colonnade.workflow import inputs
from colonnade.workflow.job_settings import JUDGING
from colonnade.workflow.workflow import Workflow


def overwrite(path: Path, content: bytes) -> None:
    """Change a file, but neither its size nor its time."""
    before = path.stat()
    assert len(content) == before.st_size
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "images"
    for name in ("train/a/1.png", "train/b/1.png", "val/a/1.png"):
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        (images / name).write_bytes(b"one")
    return images


def test_small_folders_are_told_by_their_contents(folder: Path) -> None:
    first = folder_digest(folder)
    os.utime(folder / "train/a/1.png", ns=(1, 1))
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "train/a/._1.png").write_bytes(b"x")
    assert folder_digest(folder) == first
    overwrite(folder / "val/a/1.png", b"two")
    second = folder_digest(folder)
    (folder / "train/b/1.png").rename(folder / "train/b/2.png")
    assert len({first, second, folder_digest(folder)}) == 3


def test_names_are_bytes_of_any_kind(folder: Path) -> None:
    first = folder_digest(folder)
    (folder / "train/a" / os.fsdecode(b"gru\xdf.png")).write_bytes(b"one")
    assert folder_digest(folder) != first


def test_large_folders_are_told_by_sizes_and_times(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "HASHED_FILES", 2)
    first = folder_digest(folder)
    overwrite(folder / "val/a/1.png", b"two")
    assert folder_digest(folder) == first
    os.utime(folder / "val/a/1.png", ns=(1, 1))
    second = folder_digest(folder)
    (folder / "val/a/1.png").write_bytes(b"three")
    os.utime(folder / "val/a/1.png", ns=(1, 1))
    monkeypatch.undo()
    monkeypatch.setattr(contents, "HASHED_BYTES", 5)
    assert len({first, second, folder_digest(folder)}) == 3


def test_links_are_followed_but_not_in_circles(folder: Path, tmp_path: Path) -> None:
    (folder / "train/a/round").symlink_to(folder)
    (folder / "train/c").symlink_to(folder / "train/b")
    first = folder_digest(folder)
    overwrite(folder / "train/b/1.png", b"two")
    assert folder_digest(folder) != first
    (folder / "train/c").unlink()
    (folder / "train/c").symlink_to(tmp_path / "gone")
    with pytest.raises(ColonnadeError, match="images: cannot be read"):
        folder_digest(folder)


def plan(**changed: Any) -> Workflow:
    values = yaml.safe_load(Path("config/default.yaml").read_text())
    return Workflow.from_config({**values, **changed}, [])


@pytest.mark.usefixtures("clone")
def test_other_weights_or_images_are_other_settings(folder: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"first")
    model = {"name": "resnet18", "weights": str(weights)}
    data = {"name": "imagenet", "path": str(folder), "image_px": 32}
    training = ("seed", "model", "data", "training", "-training.finetune")
    timing = ("target", "throughput")

    def paths() -> tuple[tuple[str, ...], str]:
        found = plan(model=model, data=data, study={"data": data})
        assert inputs.weights(found.config.model) == [str(weights)]
        assert inputs.images(found.config.data) == [str(folder)]
        assert inputs.images(found.config.study.data) == [str(folder)]
        settings = found.settings
        read = (settings.of(*training), settings.of(*JUDGING), settings.of_run("dense"))
        return read, settings.of(*timing)

    first, time = paths()
    assert paths() == (first, time)
    overwrite(weights, b"other")
    second, same = paths()
    assert [a == b for a, b in zip(first, second, strict=True)] == [False, True, True]
    overwrite(folder / "train/a/1.png", b"two")
    third, still = paths()
    assert not set(second) & set(third)
    assert time == same == still


@pytest.mark.usefixtures("clone")
def test_missing_files_are_all_named_when_the_workflow_is_read(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    data = {"name": "imagenet", "path": gone, "image_px": 32}
    with pytest.raises(ColonnadeError) as refused:
        plan(model={"name": "resnet18", "weights": gone}, data=data, study={"data": data})
    assert str(refused.value).splitlines() == [
        f"--config: model.weights: {gone!r}; no such file",
        f"--config: data.path: {gone!r}; no such folder",
        f"--config: study.data.path: {gone!r}; no such folder",
    ]


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match="gone: cannot be read"):
        file_digest(tmp_path / "gone")
