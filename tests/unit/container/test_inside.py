# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The engine of a release image, with this machine's programs in the place of the toolchain's."""

from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import Container, inside
from colonnade.container.image import Image
from colonnade.container.inside import InsideEngine


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    """This machine as a release image, whose checkout is the test's folder."""
    image = Image(
        engine="docker", reference="r:1", digest="sha256:0", recipe="made of", packages={},
        compilers={}, qemu="",
    )  # fmt: skip
    image.save(tmp_path / "image.json")
    monkeypatch.setattr(inside, "RECORD", tmp_path / "image.json")
    monkeypatch.setattr(inside, "MOUNT_POINT", str(tmp_path))
    return image


@pytest.fixture
def opened(image: Image, tmp_path: Path) -> Container:
    """Commands run in the test's folder."""
    return InsideEngine().open(image.reference, image.digest, tmp_path)


def test_a_machine_is_no_release_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "RECORD", tmp_path / "image.json")
    assert InsideEngine().problem() == "this is no container of a release image"


def test_the_image_is_the_one_that_it_was_made_from(image: Image, tmp_path: Path) -> None:
    engine = InsideEngine()
    assert engine.problem() is None
    assert engine.ensure(tmp_path, "made of") == ("r:1", "sha256:0")
    with pytest.raises(ColonnadeError, match=r"containers: not what this release image was made"):
        engine.ensure(tmp_path, "of something else")


def test_another_checkout_is_refused(image: Image, tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match=r"elsewhere: a release image runs the workflow in"):
        InsideEngine().open(image.reference, image.digest, tmp_path / "elsewhere")


def test_commands_run_in_the_checkout(
    opened: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_CALLER", "hidden")
    monkeypatch.chdir("/")
    script = "pwd; cat; echo $OF_THE_CALLER$GIVEN; echo aside >&2"
    done = opened.run(
        ["sh", "-c", script], env={"GIVEN": "seen"}, log=tmp_path / "log", stdin=b"read\n"
    )
    assert done.stdout == f"{tmp_path}\nread\nseen\n"
    assert done.stderr == "aside\n"
    assert sorted((tmp_path / "log").read_text().splitlines())[-2:] == ["read", "seen"]


def test_a_failure_is_told(opened: Container) -> None:
    with pytest.raises(ColonnadeError, match=r"inside: sh.*exit status 3(?s:.*)why"):
        opened.run(["sh", "-c", "echo why >&2; exit 3"])
    assert opened.attach(["sh", "-c", "exit 4"]) == 4
    assert opened.attach(["no-such-program"]) == 127
