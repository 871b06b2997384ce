# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What of the root file system is the same, bit for bit, when it is built twice from the same archive."""

import os
import shutil
from pathlib import Path

import pytest

from colonnade.common.files import sha256_file
from colonnade.container import mmdebstrap
from colonnade.container.progress import BuildLog
from colonnade.container.recipe import recipe_hash
from colonnade.container.rootfs import RootfsEngine
from tests.installed import require

# `make engine-nightly` builds the compilers and the emulator too.
WHOLE_IMAGE = os.environ.get("COLONNADE_WHOLE_IMAGE") == "1"


@pytest.fixture
def checkouts(tmp_path: Path, root: Path) -> list[Path]:
    """Two checkouts, as far as the root file system is built from them."""
    found = [tmp_path / name for name in ("one", "another")]
    for folder in found:
        shutil.copytree(root / "containers", folder / "containers")
    return found


@pytest.mark.skipif(WHOLE_IMAGE, reason="part of the whole one")
def test_the_base_is_the_same_twice(checkouts: list[Path]) -> None:
    require("mmdebstrap")
    digests = set()
    for folder in checkouts:
        with BuildLog("base system", folder / "log") as log:
            mmdebstrap.base_archive(folder, folder / "base.tar", log)
        assert (folder / "base.tar").stat().st_size > 50e6
        digests.add(sha256_file(folder / "base.tar"))
    assert len(digests) == 1


@pytest.mark.skipif(not WHOLE_IMAGE, reason="`make engine-nightly` runs it")
def test_the_whole_is_the_same_twice(checkouts: list[Path]) -> None:
    require("mmdebstrap")
    digests = {RootfsEngine().ensure(each, recipe_hash(each))[1] for each in checkouts}
    assert len(digests) == 1
