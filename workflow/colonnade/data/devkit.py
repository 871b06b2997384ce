# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Labels of ImageNet's validation images as they are published: in one folder, beside a development kit.

The kit (`ILSVRC2012_devkit_t12`) numbers the classes: `data/ILSVRC2012_validation_ground_truth.txt` has
the number of image n in line n, and `data/meta.mat` the WordNet id of every number, which is the name of
the class's folder of training images. Images are told by the number in their names, so that a part of
them can be taken too.
"""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from colonnade.common.errors import ColonnadeError

GROUND_TRUTH = Path("data/ILSVRC2012_validation_ground_truth.txt")
META = Path("data/meta.mat")
IMAGE_NAME = re.compile(r"ILSVRC2012_val_(\d{8})\.jpe?g", re.IGNORECASE)


class Devkit:
    """The labels of a kit in the folder `root`.

    Raises:
        ColonnadeError: a file is missing or damaged, or the two contradict each other.
    """

    def __init__(self, root: Path) -> None:
        self._wnids = _wnids(root / META)
        self._labels = _labels(root / GROUND_TRUTH)
        unknown = sorted(set(self._labels) - self._wnids.keys())
        if unknown:
            raise ColonnadeError(
                f"{root / GROUND_TRUTH}: class {unknown[0]}: {META} has no such class; allowed:"
                f" {min(self._wnids)} to {max(self._wnids)}"
            )

    def __len__(self) -> int:
        """How many images it has labels of."""
        return len(self._labels)

    @property
    def classes(self) -> list[str]:
        """WordNet ids of all classes, sorted."""
        return sorted(self._wnids.values())

    def class_of(self, image: str) -> str | None:
        """The WordNet id of an image by its file name; None of a name that the kit has no label for."""
        match = IMAGE_NAME.fullmatch(image)
        if match is None or not 1 <= int(match[1]) <= len(self._labels):
            return None
        return self._wnids[self._labels[int(match[1]) - 1]]


def _labels(path: Path) -> list[int]:
    try:
        lines = path.read_text("utf-8").strip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ColonnadeError(_missing(path, error)) from error
    for number, line in enumerate(lines, 1):
        if not re.fullmatch(r"\s*[0-9]+\s*", line):
            raise ColonnadeError(f"{path}: line {number}: {line[:40]!r}; expected a class's number")
    if not lines:
        raise ColonnadeError(f"{path}: is empty; expected the number of a class in every line")
    return [int(line) for line in lines]


def _wnids(path: Path) -> dict[int, str]:
    """WordNet ids of the classes that images have: those without others below them."""
    try:
        content = io.BytesIO(path.read_bytes())
    except OSError as error:
        raise ColonnadeError(_missing(path, error)) from error
    try:
        synsets = np.atleast_1d(loadmat(content, squeeze_me=True)["synsets"])
        found = {int(each["ILSVRC2012_ID"]): str(each["WNID"]) for each in synsets if _leaf(each)}
    # scipy raises whatever the damaged place in the file provokes.
    except Exception as error:
        raise ColonnadeError(f"{path}: damaged, or no table of classes: {error}") from error
    if not found:
        raise ColonnadeError(f"{path}: names no classes")
    return found


def _leaf(synset: Any) -> bool:
    return int(synset["num_children"]) == 0


def _missing(path: Path, error: OSError | UnicodeDecodeError) -> str:
    reason = getattr(error, "strerror", None) or "no text"
    return f"{path}: cannot be read: {reason}; data.devkit: expected the unpacked ILSVRC2012_devkit_t12"
