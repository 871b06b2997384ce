# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What every container engine can do: build the toolchain image, and run commands in it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import QEMU
from colonnade.container.image import EngineName, Image
from colonnade.container.mounts import mounts
from colonnade.container.recipe import recipe_hash
from colonnade.container.transcript import CompletedRun

# One line per fact, so that describing an image costs a single run.
_DESCRIBE = rf"""
set -e
first_line() {{
    text=$("$@")
    printf '%s\n' "$text" | head -n 1
}}
for compiler in clang-19 riscv64-linux-gnu-gcc-14 gcc-14; do
    version=$(first_line "$compiler" --version)
    echo "compiler $compiler $version"
done
version=$(first_line {QEMU} --version)
echo "qemu $version"
dpkg-query -W -f 'package ${{Package}} ${{Version}}\n'
"""


class Container(ABC):
    """A toolchain image with a checkout mounted at `/colonnade`, ready to run commands."""

    @abstractmethod
    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        stdin: bytes | None = None,
    ) -> CompletedRun:
        """Run one command in `/colonnade`; the files it writes there belong to the caller.

        It gets no terminal, no network and an empty `/tmp` of its own; nothing else is writable but
        the checkout and what symlinks in it lead to.

        Args:
            command: program and arguments; no shell is involved.
            env: variables in addition to PATH, HOME and LANG.
            log: file for everything it prints, written as it arrives.
            stdin: what it can read; None is an empty input.

        Raises:
            ColonnadeError: it failed (the message has the last lines it printed), or the image is
                no longer there.
        """

    @abstractmethod
    def attach(self, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
        """Run one command as `run` does, but on the caller's own input, output and terminal.

        Where the caller's input is a terminal, the command has it, with its signals.

        Returns:
            Its exit status: 127 where there is no such program, 128 + N if signal N ended it.

        Raises:
            ColonnadeError: the image is no longer there, or the engine cannot do this.
        """


class Engine(ABC):
    """One way to build the toolchain image and to enter it."""

    name: ClassVar[EngineName]
    packages: ClassVar[str | None]
    """The Debian packages that make this engine work, for messages; None where none can."""

    @abstractmethod
    def problem(self) -> str | None:
        """Why this engine cannot be used here, in a few words; None if it can."""

    def drawback(self) -> str | None:
        """Why `auto` takes another engine that works, if there is one; None: it takes this one."""
        return None

    @abstractmethod
    def ensure(self, root: Path, recipe: str) -> tuple[str, str]:
        """Build the image of `recipe` unless it is there; return its reference and digest."""

    @abstractmethod
    def open(self, reference: str, digest: str, root: Path) -> Container:
        """Make commands runnable in an image, with the checkout `root` mounted.

        Raises:
            ColonnadeError: there is no such image.
        """

    def build(self, root: Path) -> Image:
        """Build the image from `root/containers` unless it is there already, and describe it.

        Raises:
            ColonnadeError: the build failed (full disk, no network, ...); nothing half-made is left
                behind, and the next call starts over.
        """
        root = root.resolve()
        mounts(root)  # what cannot be mounted is refused before minutes are spent
        recipe = recipe_hash(root)
        reference, digest = self.ensure(root, recipe)
        facts = self.open(reference, digest, root).run(["sh", "-c", _DESCRIBE]).stdout.splitlines()

        def table(kind: str) -> dict[str, str]:
            rows = (line.split(" ", 2) for line in facts if line.startswith(kind + " "))
            return {name: value for _, name, value in rows}

        qemu = next(line.removeprefix("qemu ") for line in facts if line.startswith("qemu "))
        return Image(
            engine=self.name,
            reference=reference,
            digest=digest,
            recipe=recipe,
            packages=table("package"),
            compilers=table("compiler"),
            qemu=qemu,
        )


def image_missing(what: str) -> ColonnadeError:
    """The error of an image that is recorded but gone."""
    return ColonnadeError(
        f"toolchain image {what}: not there any more; delete results/toolchain/image.json and run"
        " again to rebuild it"
    )
