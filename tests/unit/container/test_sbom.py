# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The bill of materials of an image names all that its record and recipe do, as CycloneDX has it."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cyclonedx import schema, validation

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.container.image import Image
from colonnade.container.recipe import pinned_sources, recipe_hash
from colonnade.container.sbom import write_sbom

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = {"libc6": "2.41-12", "g++": "4:14.2.0-1", "libstdc++6": "14.2.0-19"}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the recipe of this one, and the record of an image of it."""
    shutil.copytree(ROOT / "containers", tmp_path / "containers")
    record = tmp_path / "results/toolchain/image.json"
    record.parent.mkdir(parents=True)
    Image(
        engine="rootfs",
        reference=".colonnade/rootfs/0123",
        digest="sha256:0123",
        recipe=recipe_hash(tmp_path),
        packages=PACKAGES,
        compilers={"gcc-14": "gcc-14 14.2.0"},
        qemu="qemu-riscv64 version 10.0.13",
    ).save(record)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(checkout: Path) -> dict[str, Any]:
    target = checkout / "sbom.json"
    write_sbom(checkout / "results/toolchain/image.json", checkout, "1.2.3", target)
    return dict(json.loads(target.read_text()))


def test_it_is_valid_cyclonedx(checkout: Path) -> None:
    validator = validation.make_schemabased_validator(
        schema.OutputFormat.JSON, schema.SchemaVersion.V1_6
    )
    document = written(checkout)
    assert validator.validate_str(json.dumps(document)) is None
    document["components"][0]["type"] = "parcel"
    assert validator.validate_str(json.dumps(document)) is not None


def test_every_package_and_every_source_is_named_once(checkout: Path) -> None:
    parts = written(checkout)["components"]
    packages = {each["name"]: each for each in parts if each["bom-ref"].startswith("deb:")}
    assert {name: each["version"] for name, each in packages.items()} == PACKAGES
    assert packages["g++"]["purl"] == "pkg:deb/debian/g%2B%2B@4%3A14.2.0-1?distro=trixie"
    sources = pinned_sources(ROOT)
    assert len(sources) > 5
    assert {"qemu", "xnnpack"} <= {each.name for each in sources}
    assert all(re.fullmatch("[0-9a-f]{64}", each.sha256) for each in sources)
    hashes = {each["name"]: each["hashes"][0]["content"] for each in parts if "hashes" in each}
    assert hashes == {each.name: each.sha256 for each in sources}
    assert len(parts) == len(PACKAGES) + len(sources)
    assert len({each["bom-ref"] for each in parts}) == len(parts)


def test_the_same_image_gives_the_same_bytes_and_another_one_another_number(
    checkout: Path,
) -> None:
    first = written(checkout)
    assert written(checkout) == first
    record = checkout / "results/toolchain/image.json"
    record.write_text(record.read_text().replace("sha256:0123", "sha256:4567"))
    assert written(checkout)["serialNumber"] != first["serialNumber"]


def test_an_image_of_another_recipe_is_refused(checkout: Path) -> None:
    with (checkout / "containers/versions.env").open("a") as stream:
        stream.write("# changed\n")
    with pytest.raises(ColonnadeError, match=r"image.json: recipe: [0-9a-f]{16}; that of contain"):
        written(checkout)
    assert not (checkout / "sbom.json").exists()


def test_the_command_writes_it(checkout: Path) -> None:
    run = CliRunner().invoke(cli, ["sbom", "out/sbom.json"])
    assert run.exit_code == 0, run.output
    found = json.loads((checkout / "out/sbom.json").read_text())
    assert found["metadata"]["component"]["version"] == "sha256:0123"


@pytest.mark.parametrize(
    ("text", "seen"),
    [('SOURCES="\nqemu trixie 1.0\n"\n', "qemu trixie 1.0"), ("SUITE=trixie\n", "no such list")],
)
def test_a_damaged_list_of_sources_is_named(checkout: Path, text: str, seen: str) -> None:
    (checkout / "containers/versions.env").write_text(text)
    with pytest.raises(ColonnadeError, match=rf"versions.env: SOURCES: '{seen}'; allowed: lines"):
        pinned_sources(checkout)
