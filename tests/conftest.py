# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Fixtures that the tests of every part share."""

from pathlib import Path

import pytest

from colonnade.container import Container, open_image, select_engine

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def toolchain() -> Container:
    """The toolchain container, built first where it does not exist yet."""
    image_file = ROOT / "results" / "toolchain" / "image.json"
    if not image_file.exists():
        select_engine("auto").build(ROOT).save(image_file)
    return open_image(image_file, ROOT)
