# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The engine of a release image: the workflow runs in the toolchain image already."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from colonnade.common.errors import ColonnadeError
from colonnade.container.engine import Container, Engine
from colonnade.container.image import EngineName, Image
from colonnade.container.local import LocalContainer
from colonnade.container.recipe import MOUNT_POINT

RECORD = Path("/opt/colonnade/image.json")
"""What a release image says of the toolchain image that it was made from."""


class InsideEngine(Engine):
    """Runs commands where the workflow runs, with the network that the container has."""

    name: ClassVar[EngineName] = "inside"
    packages: ClassVar[str | None] = None

    def problem(self) -> str | None:
        """Why this engine cannot be used here; None if it can."""
        return None if RECORD.exists() else "this is no container of a release image"

    def ensure(self, root: Path, recipe: str) -> tuple[str, str]:
        """Reference and digest of the toolchain image that the release image was made from.

        Raises:
            ColonnadeError: the recipe in the checkout is another one.
        """
        image = Image.load(RECORD)
        if image.recipe != recipe:
            raise ColonnadeError(
                f"{root / 'containers'}: not what this release image was made from; allowed here: the"
                " files as they came (a machine of your own builds the toolchain anew)"
            )
        return image.reference, image.digest

    def open(self, reference: str, digest: str, root: Path) -> Container:
        """Make commands runnable.

        Raises:
            ColonnadeError: the checkout is not where all of the toolchain's commands look for it.
        """
        if root.resolve() != Path(MOUNT_POINT):
            raise ColonnadeError(f"{root}: a release image runs the workflow in {MOUNT_POINT} only")
        return _Inside()


class _Inside(LocalContainer):
    engine = "inside"

    def _entering(self, command: Sequence[str], *, session: bool) -> list[str]:
        return ["/bin/sh", "-c", f'cd {MOUNT_POINT} && exec "$@"', "sh", *command]
