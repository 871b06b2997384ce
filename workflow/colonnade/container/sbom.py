# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What is in a toolchain image, as a CycloneDX bill of materials that scanners of vulnerabilities read.

Its parts are the Debian packages of the image's record, and the pinned sources that its recipe unpacks.
The same image and recipe give the same bytes: it has no date and no random number.
"""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import write_json
from colonnade.container.image import Image
from colonnade.container.recipe import debian_suite, pinned_sources, recipe_hash

# Of identifiers that follow from a recipe and an image's digest.
_NAMESPACE = uuid.UUID("6c1d0b5e-4f0a-5d5e-9c53-7a64a7b2f6d1")


def write_sbom(record: Path, root: Path, version: str, target: Path) -> None:
    """Write the bill of materials of the image that `record` describes.

    Args:
        record: `results/toolchain/image.json`.
        root: the checkout, of whose recipe the image was built.
        version: Colonnade's.
        target: the file to write, CycloneDX 1.6 in JSON.

    Raises:
        ColonnadeError: the image is of another recipe than the checkout's, or a file cannot be read.
    """
    image = Image.load(record)
    recipe = recipe_hash(root)
    if image.recipe != recipe:
        raise ColonnadeError(
            f"{record}: recipe: {image.recipe[:16]}; that of containers/ is {recipe[:16]}:"
            " `snakemake toolchain` builds its image"
        )
    suite = debian_suite(root)
    write_json(
        target,
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'{image.digest} {recipe}')}",
            "version": 1,
            "metadata": {
                "tools": {
                    "components": [{"type": "application", "name": "colonnade", "version": version}]
                },
                "component": {
                    "type": "container",
                    "bom-ref": "image",
                    "name": "colonnade-toolchain",
                    "version": image.digest,
                    "properties": [
                        {"name": "colonnade:engine", "value": image.engine},
                        {"name": "colonnade:recipe", "value": image.recipe},
                    ],
                },
            },
            "components": [*_packages(image, suite), *_sources(root)],
        },
    )


def _packages(image: Image, suite: str) -> Sequence[dict[str, Any]]:
    return [
        {
            "type": "library",
            "bom-ref": f"deb:{name}",
            "name": name,
            "version": version,
            "purl": f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}?distro={suite}",
        }
        for name, version in sorted(image.packages.items())
    ]


def _sources(root: Path) -> Sequence[dict[str, Any]]:
    return [
        {
            "type": "library",
            "bom-ref": f"source:{source.name}",
            "name": source.name,
            "version": source.version,
            "purl": f"pkg:deb/debian/{quote(source.name)}@{quote(source.version, safe='')}"
            f"?arch=source&distro={source.suite}",
            "hashes": [{"alg": "SHA-256", "content": source.sha256}],
        }
        for source in pinned_sources(root)
    ]
