# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What commands share: files by their settings, the checkout, its container, and named targets."""

import importlib.metadata
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from colonnade.cli import common
from colonnade.cli.common import (
    checkout,
    cli,
    container,
    named_target,
    needed_band,
    paired,
    scratch,
    some_checkout,
    target_of,
)
from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import BUILD, IMAGE
from colonnade.targets.target import Target


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two targets, and the working directory inside it."""
    root = tmp_path / "checkout"
    (root / "config/targets").mkdir(parents=True)
    (root / "config/targets/here.yaml").write_text("kind: host\n")
    core = {"vlen": 256, "clock_mhz": 1600, "cores": {"count": 8}}
    (root / "core.json").write_text(json.dumps(core))
    (root / "config/targets/x.yaml").write_text("kind: emulated\ncore: core.json\n")
    (root / "containers").mkdir()
    (root / "containers/versions.env").touch()
    (root / "Snakefile").touch()
    (root / "deep/er").mkdir(parents=True)
    monkeypatch.chdir(root)
    return root


def test_each_that_was_configured_has_its_file() -> None:
    files = [Path("one"), Path("two")]
    assert paired(iter("ab"), files) == [("a", Path("one")), ("b", Path("two"))]
    with pytest.raises(ColonnadeError) as caught:
        paired("abc", files)
    assert str(caught.value) == (
        "2 files, one the first; allowed with these settings: 3, in the order in which the"
        " workflow's rule names them"
    )


def test_a_command_works_in_the_checkout_and_comes_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for inside in (Path("deep/er"), Path("deep"), Path()):
        monkeypatch.chdir(folder / inside)
        with checkout() as here:
            assert Path.cwd() == folder
            assert here == inside
        assert Path.cwd() == folder / inside
        with pytest.raises(ZeroDivisionError), checkout():
            _ = 1 / 0
        assert Path.cwd() == folder / inside


@pytest.mark.parametrize("missing", ["Snakefile", "containers/versions.env"])
def test_outside_of_a_checkout_that_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    (folder / missing).unlink()
    monkeypatch.chdir("deep")
    monkeypatch.setattr(common, "OWN_CHECKOUT", folder)
    for way in (checkout, some_checkout):
        with pytest.raises(ColonnadeError) as caught, way():
            pass
        told = f"{folder / 'deep'}: not in a checkout of Colonnade; change to one"
        assert str(caught.value) == told


def test_outside_of_a_checkout_that_of_the_command_serves_or_is_named(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    monkeypatch.chdir(outside)
    monkeypatch.setattr(common, "OWN_CHECKOUT", folder)
    with pytest.raises(ColonnadeError, match=f"change to one, such as {folder}$"), checkout():
        pass
    with some_checkout():
        assert Path.cwd() == folder
    assert Path.cwd() == outside
    # The one that is worked in goes before.
    other = tmp_path_factory.mktemp("other")
    (other / "containers").mkdir()
    for name in ("containers/versions.env", "Snakefile"):
        (other / name).touch()
    monkeypatch.chdir(other / "containers")
    with some_checkout():
        assert Path.cwd() == other
    assert Path.cwd() == other / "containers"


def test_an_empty_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (["optimize", "net.onnx", ""], ["inspect", ""]):
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 2
        assert "'' is no path." in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert result.output == f"colonnade {importlib.metadata.version('colonnade')}\n"


def test_a_scratch_folder_lies_in_the_checkout_until_the_end(folder: Path) -> None:
    with scratch("package") as made:
        assert made.parent == BUILD
        assert made.name.startswith(".package-")
        assert made.is_dir()
        (made / "file").touch()
        with scratch("package") as other:
            assert other != made
    assert list((folder / BUILD).iterdir()) == []


def test_a_toolchain_that_is_not_built_is_told(folder: Path) -> None:
    with pytest.raises(ColonnadeError) as caught:
        container()
    assert (
        str(caught.value)
        == f"{IMAGE}: the toolchain is not built yet; `snakemake toolchain` does it"
    )


class Toolchain:
    """An opened container, which notes what ran."""

    def __init__(self) -> None:
        self.ran: list[tuple[Any, ...]] = []

    def run(self, command: Any, *, env: Any, log: Any) -> SimpleNamespace:
        self.ran.append((command, env, log))
        return SimpleNamespace(stdout="printed")


@pytest.fixture
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What was opened of a toolchain that is built: image, checkout, and the container each time."""
    found: list[Any] = []

    def open_image(*arguments: Path) -> Toolchain:
        made = Toolchain()
        found.append((*arguments, made))
        return made

    (folder / IMAGE).parent.mkdir(parents=True)
    (folder / IMAGE).touch()
    monkeypatch.setattr(common, "open_image", open_image)
    with click.Context(click.Command("any")):
        yield found


def test_a_targets_container_is_opened_once_where_something_runs(opened: list[Any]) -> None:
    target = named_target("here")
    assert opened == []
    assert (target.name, target.config.kind) == ("here", "host")
    log = Path("log")
    for _ in range(2):
        assert target.run("colonnade-bench", ["a", Path("b")], timing=None, log=log) == "printed"
    ((image, root, toolchain),) = opened
    assert (image, root) == (IMAGE, Path())
    assert toolchain.ran == [(["results/build/host/colonnade-bench", "a", "b"], {}, log)] * 2


@pytest.mark.usefixtures("opened")
def test_the_kind_may_stand_before_a_targets_name() -> None:
    assert named_target("host:here").name == "here"
    found = named_target("emulated:x")
    assert (found.name, found.vlen, found.config.clock_ghz) == ("x", 256, 1.6)
    for name, own in (("board:x", "x"), ("host:x", "x"), ("other:x", "x")):
        with pytest.raises(ColonnadeError) as caught:
            named_target(name)
        assert str(caught.value) == f"target: {name!r}; {own} is of kind emulated"
    with pytest.raises(ColonnadeError, match=r"target: 'pdp11'; allowed: here, x \(files of "):
        named_target("emulated:pdp11")


def test_a_target_is_disconnected_at_the_commands_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(Target, "close", lambda target: closed.append(target.name))
    with click.Context(click.Command("any")):
        first = named_target("here")
        settings: Any = SimpleNamespace(config=SimpleNamespace(target="mine"), target=first.config)
        second = target_of(settings)
        assert (second.name, second.config) == ("mine", first.config)
        assert closed == []
    assert sorted(closed) == ["here", "mine"]


def test_a_band_is_needed_by_some_commands() -> None:
    assert needed_band(Path("band.json")) == Path("band.json")
    with pytest.raises(ColonnadeError, match="this target has no band of core variants: only an"):
        needed_band(None)
