# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The commit of a checkout, or why it is not known; the configuration, and what of it is no default."""

import os
import shutil
import tarfile
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_json
from colonnade.common.paths import DEFAULT_CONFIG
from colonnade.config.schema import Config
from colonnade.config.sources import merge, parse_command_line, read_yaml
from colonnade.results import provenance
from colonnade.results.provenance import changes, revision, write_provenance
from colonnade.results.records import Provenance

from ..conftest import git

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one commit, as the working directory."""
    folder = tmp_path / "checkout"
    (folder / "inner").mkdir(parents=True)
    git("init", "-q", folder=folder)
    git("commit", "-q", "--allow-empty", "-m", "First", folder=folder)
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


def test_an_archive_knows_its_commit(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "workflow/colonnade/results/commit.txt"
    for name in (source, ".gitattributes"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, checkout / name)
    git("add", ".", folder=checkout)
    git("commit", "-q", "-m", "Second", folder=checkout)
    commit = git("rev-parse", "HEAD", folder=checkout)
    git("archive", "--format=tar", f"--output={tmp_path / 'made.tar'}", "HEAD", folder=checkout)
    with tarfile.open(tmp_path / "made.tar") as archive:
        archived = archive.extractfile(source)
        assert archived is not None
        (tmp_path / "commit.txt").write_bytes(archived.read())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(provenance, "_ARCHIVED", tmp_path / "commit.txt")
    found = revision()
    assert (found["git_commit"], found["dirty"]) == (commit, None)
    assert "not a git repository" in found["git_problem"]


def configured(*arguments: str) -> Config:
    """The default configuration with what a command line sets."""
    sources = [read_yaml(DEFAULT_CONFIG), parse_command_line(arguments)]
    return Config.model_validate(merge(Config, sources))


def test_a_run_of_one_epoch_is_told_from_one_of_twelve(tmp_path: Path) -> None:
    facts = {"engine": "rootfs", "reference": "r", "digest": "d", "qemu": "q"}
    write_json(tmp_path / "image.json", {**facts, "compilers": {}, "packages": {}})
    config = configured("training.dense.epochs=1", "seed=7", "results=results/short")
    target = tmp_path / "provenance.json"
    write_provenance(config, DEFAULT_CONFIG, tmp_path / "image.json", target)
    found = read_json(target, Provenance)
    assert found["config"]["training"]["dense"]["epochs"] == 1
    # Nothing is left out but where results go, and the hash is that of what stands there.
    assert found["config"].keys() == Config.model_fields.keys() - {"results"}
    assert Config.model_validate(found["config"]).digest() == found["config_sha256"]
    assert sorted(found["config_changes"], key=lambda each: each["key"]) == [
        {"key": "seed", "value": 7, "default": 20240917},
        {"key": "training.dense.epochs", "value": 1, "default": 12},
    ]


def test_the_default_differs_in_nothing_and_another_variant_in_its_keys() -> None:
    assert changes(configured(), DEFAULT_CONFIG) == []
    found = {
        each["key"]: each for each in changes(configured("data.name=textures"), DEFAULT_CONFIG)
    }
    assert found["data.name"] == {"key": "data.name", "value": "textures", "default": "digits"}
    assert found["data.classes"]["default"] is None
    assert found["data.augment"] == {"key": "data.augment", "value": None, "default": True}
    patterns = changes(configured("pruning.patterns=[{n: 1, m: 4}]"), DEFAULT_CONFIG)
    assert [each["key"] for each in patterns] == ["pruning.patterns"]


def test_a_default_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "default.yaml").write_text("seed: 1\n")
    with pytest.raises(ColonnadeError, match=r"default\.yaml: target: is missing"):
        changes(configured(), tmp_path / "default.yaml")
