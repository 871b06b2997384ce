# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What of the root file system is the same, bit for bit, when it is built twice from the same archive."""

import os
import shutil
import tarfile
from pathlib import Path

import pytest

from colonnade.container import mmdebstrap
from colonnade.container.progress import BuildLog
from colonnade.container.recipe import recipe_hash
from colonnade.container.rootfs import RootfsEngine
from tests.installed import require

# `make engine-nightly` builds the compilers and the emulator too.
WHOLE_IMAGE = os.environ.get("COLONNADE_WHOLE_IMAGE") == "1"
# Who is not whoever runs this.
USER = 4242


@pytest.fixture
def checkouts(tmp_path: Path, root: Path) -> list[Path]:
    """Two checkouts, as far as the root file system is built from them: of another owner and umask."""
    found = [tmp_path / name for name in ("one", "another")]
    for folder in found:
        shutil.copytree(root / "containers", folder / "containers")
    for path in (found[1] / "containers").rglob("*"):
        path.chmod(path.stat().st_mode | 0o020)
        if os.geteuid() == 0:
            os.chown(path, USER, USER)
    return found


@pytest.mark.skipif(WHOLE_IMAGE, reason="part of the whole one")
def test_the_base_is_the_same_twice(checkouts: list[Path]) -> None:
    """All of a build but its steps; the second time of a checkout that is somebody else's."""
    require("mmdebstrap")
    digests = set()
    for folder in checkouts:
        nothing, extra = folder / "containers/steps/nothing.sh", folder / "extra.tar"
        nothing.write_text("")
        tarfile.open(extra, "w").close()
        with BuildLog("base system", folder / "log") as log:
            target = folder / "tree"
            digests.add(mmdebstrap.unpack_system(folder, nothing.name, extra, target, log))
        assert (target / "opt/colonnade/steps/nothing.sh").exists()
        assert (target / "usr/bin/apt-get").exists()
    assert len(digests) == 1


@pytest.mark.skipif(not WHOLE_IMAGE, reason="`make engine-nightly` runs it")
def test_the_whole_is_the_same_twice(checkouts: list[Path]) -> None:
    require("mmdebstrap")
    digests = {RootfsEngine().ensure(each, recipe_hash(each))[1] for each in checkouts}
    assert len(digests) == 1
