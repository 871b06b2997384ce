# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Lists a data set in ImageNet's folder layout, train/<class>/* and val/<class>/*, or just pictures.

With ImageNet's development kit, val/ may hold its images as they are published, without class folders.

What systems leave in folders (hidden files, Thumbs.db, ...) is skipped, and so are files beside the
class folders that are no images; both are counted and told. Whatever else is not an image of a class
is refused: all of it at once, a few by name.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from colonnade.common.errors import ColonnadeError, some
from colonnade.data.devkit import Devkit

IMAGE_SUFFIXES = frozenset({".jpeg", ".jpg", ".png", ".bmp", ".webp"})
ARCHIVE_SUFFIXES = frozenset({".tar", ".tgz", ".gz", ".zip"})
SPLITS = ("train", "val")
LAYOUT = "expected train/<class>/* and val/<class>/*, one folder of images per class"
# In lower case. Names that begin with a dot (.DS_Store, ._*, .AppleDouble) need no list.
SYSTEM_NAMES = frozenset(
    {
        "thumbs.db",
        "ehthumbs.db",
        "ehthumbs_vista.db",
        "desktop.ini",
        "icon\r",
        "__macosx",
        "@eadir",
        "lost+found",
        "$recycle.bin",
        "system volume information",
    }
)
# Where Kaggle's archive of ImageNet has train/ and val/.
KAGGLE = "ILSVRC/Data/CLS-LOC"

SYSTEM_FILES = "files and folders that systems leave"
NOT_IN_A_CLASS = "files beside the class folders, which are no images"
NO_PICTURES = "files that are no images"


@dataclass(frozen=True)
class FolderListing:
    """Classes in sorted order, and the image files of each in train/ and in val/, sorted."""

    classes: tuple[str, ...]
    train: list[list[Path]]
    val: list[list[Path]]


class _Findings:
    """What is wrong and what is skipped, gathered by reason so that each is told once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._problems: list[str] = []
        self._refused: dict[str, list[str]] = {}
        self._skipped: dict[str, list[str]] = {}

    def problem(self, message: str) -> None:
        self._problems.append(message)

    def refuse(self, path: str | Path, reason: str) -> None:
        self._refused.setdefault(reason, []).append(str(path))

    def skip(self, path: str | Path, reason: str) -> None:
        self._skipped.setdefault(reason, []).append(os.path.relpath(path, self._root))

    def finish(self) -> None:
        """Raise what is wrong; else say on stderr what was skipped."""
        refused = [f"{some(paths)}: {reason}" for reason, paths in self._refused.items()]
        if self._problems or refused:
            raise ColonnadeError("\n".join([*self._problems, *refused]))
        for reason, paths in self._skipped.items():
            message = f"{self._root}: skipped {len(paths)} {reason}: {some(paths)}"
            print(message, file=sys.stderr)


def list_folder(root: Path, devkit: Path | None = None) -> FolderListing:
    """List the images of the folder `root`; what is skipped is told on stderr.

    `devkit` is the folder of ImageNet's development kit, whose labels a flat val/ needs.

    Raises:
        ColonnadeError: the layout is another one, classes differ between train/ and val/, a class
            is empty, or there are files that are no images or cannot be read.
    """
    try:
        return _list(root, None if devkit is None else Devkit(devkit))
    except OSError as error:
        raise ColonnadeError(
            f"{error.filename or root}: cannot be read: {error.strerror}"
        ) from error


def list_pictures(root: Path) -> list[Path]:
    """The image files in the folder `root` and in those below it, sorted; others are told on stderr.

    Links are followed, but not in circles.

    Raises:
        ColonnadeError: there is no such folder, one cannot be read, or there is no image.
    """
    if not root.is_dir():
        raise ColonnadeError(f"{root}: no such folder; needed: one with pictures")
    findings = _Findings(root)
    pictures = list(_pictures(root, findings, frozenset()))
    findings.finish()
    if not pictures:
        allowed = ", ".join(sorted(IMAGE_SUFFIXES))
        raise ColonnadeError(f"{root}: holds no pictures; needed: at least one of {allowed}")
    return pictures


def _pictures(
    folder: Path, findings: _Findings, above: frozenset[tuple[int, int]]
) -> Iterator[Path]:
    try:
        status = folder.stat()
    except OSError as error:
        findings.refuse(folder, f"cannot be read: {error.strerror}")
        return
    own = (status.st_dev, status.st_ino)
    if own in above:
        return
    for entry in _entries(folder, findings) or []:
        path = Path(entry.path)
        if entry.is_dir():
            yield from _pictures(path, findings, above | {own})
        elif path.suffix.lower() not in IMAGE_SUFFIXES:
            findings.skip(path, NO_PICTURES)
        elif (reason := _fault(entry)) is not None:
            findings.refuse(path, reason)
        else:
            yield path


def _list(root: Path, devkit: Devkit | None) -> FolderListing:
    if not root.is_dir():
        raise ColonnadeError(f"{root}: no such folder; {LAYOUT}")
    missing = [f"{split}/" for split in SPLITS if not (root / split).is_dir()]
    if missing:
        raise ColonnadeError(_no_splits(root, missing))
    if (root / "train").samefile(root / "val"):
        raise ColonnadeError(
            f"{root}: train/ and val/ are the same folder: test images would be trained on"
        )
    findings = _Findings(root)
    train = _classes(root / "train", findings)
    if devkit is not None and _is_flat(root / "val"):
        test = _labelled(root, list(train), devkit, findings)
        images = [list(_images(folder, findings)) for folder in train.values()]
        findings.finish()
        return FolderListing(tuple(train), images, test)
    val = _classes(root / "val", findings)
    if train and val:
        _compare(root, train, val, findings)
    # Class folders come sorted; where the splits differ in them, that is a finding.
    train_images, val_images = (
        [list(_images(folder, findings)) for folder in split.values()] for split in (train, val)
    )
    findings.finish()
    return FolderListing(tuple(train), train_images, val_images)


def _no_splits(root: Path, missing: list[str]) -> str:
    """What to say of a folder without train/ or val/."""
    folders = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    shown = f"it holds the folders {some(folders)}" if folders else "it holds no folders"
    message = f"{root}: has no {' and no '.join(missing)}; {LAYOUT}; {shown}"
    for name in (*folders, KAGGLE):
        if all((root / name / split).is_dir() for split in SPLITS):
            return f"{message}; set path to {root / name}, which has both"
    return message


def _entries(folder: Path, findings: _Findings) -> list[os.DirEntry[str]] | None:
    """What is in a folder, by name, without what systems leave; None if it cannot be read."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        findings.refuse(folder, f"cannot be read: {error.strerror}")
        return None
    kept = []
    for entry in entries:
        if entry.name.startswith(".") or entry.name.lower() in SYSTEM_NAMES:
            findings.skip(entry.path, SYSTEM_FILES)
        else:
            kept.append(entry)
    return kept


def _classes(folder: Path, findings: _Findings) -> dict[str, Path]:
    """Paths of the class folders of a split, by name."""
    classes: dict[str, Path] = {}
    images: list[Path] = []
    others: list[Path] = []
    entries = _entries(folder, findings)
    if entries is None:
        return classes
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir():
            classes[entry.name] = path
        elif not path.exists():
            findings.refuse(path, "links that lead nowhere")
        else:
            (images if path.suffix.lower() in IMAGE_SUFFIXES else others).append(path)
    if not classes:
        findings.problem(_no_classes(folder, images, others))
        return classes
    if len(classes) == 1:
        findings.problem(f"{folder}: holds one class, {some(classes)}; at least 2 are needed")
    for path in images:
        findings.refuse(path, "images beside the class folders; each belongs into one of them")
    for path in others:
        findings.skip(path, NOT_IN_A_CLASS)
    return classes


def _is_flat(split: Path) -> bool:
    """Whether a split holds images and no class folders."""
    with os.scandir(split) as scan:
        entries = [each for each in scan if not each.name.startswith(".")]
    return bool(entries) and not any(each.is_dir() for each in entries)


def _labelled(
    root: Path, classes: list[str], devkit: Devkit, findings: _Findings
) -> list[list[Path]]:
    """The images of a flat val/ by class, in the order of `classes`; what has no label is refused."""
    folder = root / "val"
    found: dict[str, list[Path]] = {name: [] for name in classes}
    if classes and classes != devkit.classes:
        own = {"train/": set(classes), "the devkit": set(devkit.classes)}
        only = [
            f"only in {one}: {some(sorted(own[one] - own[other]))}"
            for one, other in (("train/", "the devkit"), ("the devkit", "train/"))
            if own[one] - own[other]
        ]
        findings.problem(
            f"{root}: train/ and data.devkit have different classes: {'; '.join(only)}"
        )
    for entry in _entries(folder, findings) or []:
        wnid = devkit.class_of(entry.name)
        if (reason := _fault(entry)) is not None:
            findings.refuse(entry.path, reason)
        elif wnid is None:
            findings.refuse(entry.path, "images that data.devkit has no label for")
        else:
            found.setdefault(wnid, []).append(Path(entry.path))
    count = sum(map(len, found.values()))
    if count < len(devkit):
        print(f"{folder}: {count} of the devkit's {len(devkit)} images are there", file=sys.stderr)
    return [found[name] for name in classes]


def _no_classes(folder: Path, images: list[Path], others: list[Path]) -> str:
    """What to say of a split without class folders."""
    archives = [path.name for path in others if path.suffix.lower() in ARCHIVE_SUFFIXES]
    if images:
        return (
            f"{folder}: holds {len(images)} images and no class folders; {LAYOUT}; move every image"
            " into the folder of its class (ImageNet's validation images, which come without: name"
            " the unpacked ILSVRC2012_devkit_t12 as data.devkit, or let valprep.sh of the GitHub"
            " repository soumith/imagenetloader.torch move them)"
        )
    if archives:
        return (
            f"{folder}: holds {len(archives)} archives ({some(archives)}) and no class folders;"
            f" {LAYOUT}; unpack each into a folder of its name"
        )
    return f"{folder}: holds no class folders; {LAYOUT}"


def _compare(root: Path, train: dict[str, Path], val: dict[str, Path], findings: _Findings) -> None:
    """Both splits have the same classes, and no two classes are one folder under two names."""
    only = {"train/": sorted(train.keys() - val.keys()), "val/": sorted(val.keys() - train.keys())}
    told = [f"only in {split}: {some(names)}" for split, names in only.items() if names]
    if told:
        message = "; ".join(told)
        findings.problem(f"{root}: train/ and val/ hold different classes: {message}")
    seen: dict[tuple[int, int], Path] = {}
    for path in (*train.values(), *val.values()):
        status = path.stat()
        first = seen.setdefault((status.st_dev, status.st_ino), path)
        if first != path:
            findings.refuse(f"{path} is {first}", "one folder under two names")


def _images(folder: Path, findings: _Findings) -> Iterator[Path]:
    """The image files of one class; what else there is, is refused."""
    entries = _entries(folder, findings)
    if entries == []:
        findings.refuse(folder, "classes that hold no images")
    for entry in entries or []:
        if (reason := _fault(entry)) is not None:
            findings.refuse(entry.path, reason)
        else:
            yield Path(entry.path)


def _fault(entry: os.DirEntry[str]) -> str | None:
    """Why an entry of a class folder is no image, as far as that is seen without decoding it."""
    try:
        if entry.is_dir():
            return "folders within a class; its images belong into the class folder itself"
        if Path(entry.name).suffix.lower() not in IMAGE_SUFFIXES:
            return f"not image files; allowed are {', '.join(sorted(IMAGE_SUFFIXES))}"
        size = entry.stat().st_size
    except FileNotFoundError:
        return "links that lead nowhere"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not entry.is_file():
        return "not regular files"
    if size == 0:
        return "empty files"
    if not os.access(entry.path, os.R_OK, effective_ids=True):
        return "cannot be read: no permission"
    return None
