# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

import re
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container.image import Image
from colonnade.container.recipe import debian_suite, recipe_files, recipe_hash

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    steps = tmp_path / "containers" / "steps"
    steps.mkdir(parents=True)
    (tmp_path / "containers" / "Dockerfile").write_text("FROM debian\n")
    (tmp_path / "containers" / "versions.env").write_text("SUITE=trixie\n")
    (steps / "one.sh").write_text("echo 1\n")
    return tmp_path


def test_hash_follows_content_and_name_of_every_recipe_file(recipe: Path) -> None:
    seen = {recipe_hash(recipe)}
    for path in recipe_files(recipe):
        path.write_text(path.read_text() + "\n")
        seen.add(recipe_hash(recipe))
    (recipe / "containers/steps/one.sh").rename(recipe / "containers/steps/two.sh")
    seen.add(recipe_hash(recipe))
    assert len(seen) == 5


def test_hash_ignores_everything_else(recipe: Path) -> None:
    before = recipe_hash(recipe)
    (recipe / "containers/host-setup.sh").write_text("echo\n")
    assert recipe_hash(recipe) == before


def test_a_missing_recipe_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match=r"containers/Dockerfile: not found"):
        recipe_hash(tmp_path)


def test_suite_is_read_and_its_absence_reported(recipe: Path) -> None:
    assert debian_suite(recipe) == "trixie"
    (recipe / "containers/versions.env").write_text("")
    with pytest.raises(ColonnadeError, match=r"versions.env: SUITE"):
        debian_suite(recipe)


def test_every_package_is_pinned_and_every_source_has_a_checksum() -> None:
    text = (ROOT / "containers/versions.env").read_text()
    lists = dict(re.findall(r'^([A-Z_]+)="\n(.*?)^"$', text, re.MULTILINE | re.DOTALL))
    packages = f"{lists['TOOLCHAIN_PACKAGES']}{lists['QEMU_BUILD_PACKAGES']}".splitlines()
    assert len(packages) > 20
    assert [line for line in packages if not re.fullmatch(r"[a-z0-9.+-]+=[0-9][^ ]*\*", line)] == []
    sources = lists["SOURCES"].splitlines()
    assert len(sources) == 7
    assert [line for line in sources if not re.fullmatch(r"\w+ \w+ \S+ [0-9a-f]{64}", line)] == []


def test_image_and_rootfs_start_from_the_same_debian() -> None:
    dockerfile = (ROOT / "containers/Dockerfile").read_text()
    bases = set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))
    assert bases == {f"debian:{debian_suite(ROOT)}-slim"}


def _image() -> Image:
    return Image(
        engine="rootfs",
        reference=".colonnade/rootfs/0",
        digest="sha256:0",
        recipe="0",
        packages={"cmake": "3.31"},
        compilers={"gcc-14": "gcc 14"},
        qemu="10.0",
    )


def test_image_record_round_trips(tmp_path: Path) -> None:
    _image().save(tmp_path / "image.json")
    assert Image.load(tmp_path / "image.json") == _image()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a valid JSON file"),
        ("{}", "engine: Field required"),
        (_image().model_dump_json().replace("rootfs", "lxc", 1), "engine: 'lxc'; allowed: "),
        (_image().model_dump_json().replace("{", '{"extra": 1,', 1), "extra: 1; Extra inputs"),
    ],
)
def test_a_broken_record_names_file_and_key(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "image.json").write_text(content)
    with pytest.raises(ColonnadeError, match=re.escape("image.json: ") + ".*" + message):
        Image.load(tmp_path / "image.json")
