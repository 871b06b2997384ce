# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The groups of commands, and what commands share."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import click

from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import IMAGE, TARGETS
from colonnade.config.target import load_target
from colonnade.container import Container, open_image
from colonnade.targets.target import Target
from colonnade.workflow.settings import Settings

Wanted = TypeVar("Wanted")

ROOT = Path()
FILE = click.Path(path_type=Path)


class _Sections(click.Group):
    """A group whose help lists its commands under headings."""

    headings: Mapping[str, Sequence[str]] = {
        "By hand": (
            *("optimize", "shell", "bench-conv", "fit-core", "to-torch", "to-onnx"),
            "config-reference",
        ),
        "Toolchain and programs": ("toolchain", "build"),
        "What the workflow runs": ("table", "step"),
    }

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, heading by heading."""
        for heading, names in self.headings.items():
            found = [(name, self.commands[name].get_short_help_str(80)) for name in names]
            with formatter.section(heading):
                formatter.write_dl(found)


@click.group(cls=_Sections)
def cli() -> None:
    """Column-wise N:M pruned convolutions on RISC-V.

    `snakemake` runs the workflow; these are commands to use beside it, and those that it is made of.
    """


@cli.group()
def table() -> None:
    """Collect a table of the results: `colonnade table NAME`.

    Commands take a settings file first, which says what was configured (the workflow leaves those of
    its jobs in results/settings), then the files they write, then what they read.
    """


@cli.group()
def step() -> None:
    """Run one step of the workflow, as its rules do.

    Steps that need configuration take a settings file first; the workflow leaves those of its jobs in
    results/settings.
    """


def paired(wanted: Iterable[Wanted], files: Sequence[Path]) -> list[tuple[Wanted, Path]]:
    """What was configured, each with its file.

    Raises:
        ColonnadeError: there is not one file for each.
    """
    listed = list(wanted)
    if len(listed) != len(files):
        raise ColonnadeError(
            f"{len(files)} files, {files[0]} the first; allowed with these settings: {len(listed)},"
            " in the order in which the workflow's rule names them"
        )
    return list(zip(listed, files, strict=True))


def container() -> Container:
    """The toolchain container, with the checkout in it."""
    return open_image(IMAGE, ROOT)


def target_of(settings: Settings) -> Target:
    """The target that a job was given."""
    return Target(settings.config.target, settings.target, container())


def named_target(name: str) -> Target:
    """A target of config/targets.

    Raises:
        ColonnadeError: there is none of that name.
    """
    return Target(name, load_target(TARGETS, name), container())


def needed_band(band: Path | None) -> Path:
    """The band, for commands that cannot do without.

    Raises:
        ColonnadeError: the target has none.
    """
    if band is None:
        raise ColonnadeError(
            "this target has no band of core variants: only an emulated one whose core is in"
            " kernels/timing/bands has"
        )
    return band
