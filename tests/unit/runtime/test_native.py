# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Programs of this machine are those of an installed package, or else those of a checkout."""

from pathlib import Path

import pytest

from colonnade.common import paths
from colonnade.common.errors import ColonnadeError
from colonnade.runtime import native


def test_an_installed_program_comes_before_a_built_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed, checkout = tmp_path / "installed", tmp_path / "checkout"
    monkeypatch.setattr(native, "INSTALLED", installed)
    monkeypatch.setattr(paths, "OWN_CHECKOUT", checkout)
    built = checkout / "results/build/host/colonnade-run"
    with pytest.raises(ColonnadeError) as told:
        native.native("colonnade-run")
    assert str(told.value).startswith(f"{built}: not built yet; `snakemake kernels_host` ")
    # A folder of that name is no program.
    (installed / "colonnade-run").mkdir(parents=True)
    built.parent.mkdir(parents=True)
    built.touch()
    assert native.native("colonnade-run") == built
    (installed / "colonnade-run").rmdir()
    (installed / "colonnade-run").touch()
    assert native.native("colonnade-run") == installed / "colonnade-run"
