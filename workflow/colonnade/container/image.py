# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The record of one toolchain image: what it is, where it is, and what is in it."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from colonnade.common.files import read_record, write_json

EngineName = Literal["inside", "docker", "podman", "rootfs"]


class Image(BaseModel):
    """A built toolchain image, as recorded in `results/toolchain/image.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: EngineName
    reference: str
    """The image's tag, or the rootfs's folder relative to the repository."""
    digest: str
    """`sha256:...` of the engine's image, or of the archive the rootfs was unpacked from."""
    recipe: str
    """Hash of the files in `containers/` that the image is made from."""
    packages: dict[str, str]
    """Version of every Debian package in the image."""
    compilers: dict[str, str]
    """First line of each compiler's `--version`."""
    qemu: str

    def save(self, path: Path) -> None:
        """Write the record as JSON."""
        write_json(path, self.model_dump(mode="json"))

    @classmethod
    def load(cls, path: Path) -> "Image":
        """Read a record back.

        Raises:
            ColonnadeError: the file is missing, or is not such a record.
        """
        return read_record(path, cls)
