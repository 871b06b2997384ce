# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The commit of a checkout, or why it is not known."""

import os
import subprocess
from pathlib import Path

import pytest

from colonnade.results.provenance import revision

IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@b.c")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one commit, as the working directory."""
    folder = tmp_path / "checkout"
    (folder / "inner").mkdir(parents=True)
    for arguments in (("init", "-q"), (*IDENTITY, "commit", "-q", "--allow-empty", "-m", "First")):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    monkeypatch.chdir(folder)
    return folder


def test_commit_and_changes_are_recorded(checkout: Path) -> None:
    clean = revision()
    assert (len(clean["git_commit"]), clean["dirty"], clean["git_problem"]) == (40, False, None)
    (checkout / "file").touch()
    assert revision() == {**clean, "dirty": True}


def test_checkout_of_another_user_is_read(checkout: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    for path in (checkout, checkout / ".git"):
        os.chown(path, 65534, 65534)
    assert revision()["git_problem"] is None


def test_folder_of_another_checkout_has_no_commit(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout / "inner")
    assert revision()["git_commit"] is None
    assert str(checkout) in revision()["git_problem"]


def test_without_git_or_a_checkout_the_reason_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "not a git repository" in revision()["git_problem"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "No such file" in revision()["git_problem"]
