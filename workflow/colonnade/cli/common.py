# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The groups of commands, and what commands share."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import click

from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import BUILD, IMAGE, OWN_CHECKOUT, TARGETS
from colonnade.config.target import load_target
from colonnade.container import CompletedRun, Container, open_image
from colonnade.targets.target import Target
from colonnade.workflow.settings import Settings

Wanted = TypeVar("Wanted")

ROOT = Path()


class _File(click.Path):
    """A path; an empty one would be the working directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("'' is no path.", param, ctx)
        return super().convert(value, param, ctx)


FILE = _File(path_type=Path)
Triple = tuple[float, float, float]
# A picture that is resized to this takes 300 MB.
MOST_PX = 8192

# Of pixels in 0 to 1, whatever they are scaled to; those of bytes are larger.
_LEAST_DEVIATION, _LARGEST = 1e-6, 10.0


def _within(least: float, most: float) -> Any:
    """Check three numbers of an option; nan is none."""

    def check(_context: click.Context, option: click.Parameter, given: Triple | None) -> Any:
        if given is not None and not all(least <= each <= most for each in given):
            said = " ".join(map(str, given))
            raise ColonnadeError(
                f"--{option.name}: {said}; allowed: numbers from {least:g} to {most:g}, as pixels are"
                " in 0 to 1"
            )
        return given

    return check


def normalised(command: Any) -> Any:
    """Give a command the options that say how pixels of pictures are normalised: `mean` and `std`."""
    mean = click.option(
        "--mean",
        type=float,
        nargs=3,
        metavar="R G B",
        callback=_within(-_LARGEST, _LARGEST),
        help="Of each channel, of pixels in 0 to 1; of most of torchvision's networks 0.485 0.456 0.406."
        " Of grey pictures three times the same.",
    )
    std = click.option(
        "--std",
        type=float,
        nargs=3,
        metavar="R G B",
        callback=_within(_LEAST_DEVIATION, _LARGEST),
        help="What they are divided by; of these networks 0.229 0.224 0.225.",
    )
    return mean(std(command))


class _Sections(click.Group):
    """A group whose help lists its commands under headings."""

    headings: Mapping[str, Sequence[str]] = {
        "By hand": (
            *("optimize", "run", "bench", "inspect", "validate", "to-torch", "to-onnx"),
            *("shell", "bench-conv", "fit-core", "verify", "baseline", "regression"),
            *("grid", "board", "config-reference", "completion"),
        ),
        "Toolchain and programs": ("toolchain", "build", "sbom", "release-image"),
        "What the workflow runs": ("table", "step"),
    }

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, heading by heading."""
        for heading, names in self.headings.items():
            found = [(name, self.commands[name].get_short_help_str(80)) for name in names]
            with formatter.section(heading):
                formatter.write_dl(found)


@click.group(cls=_Sections)
@click.version_option(package_name="colonnade", message="%(package)s %(version)s")
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


def paired(
    wanted: Iterable[Wanted], files: Sequence[Path], names: Sequence[str] | None = None
) -> list[tuple[Wanted, Path]]:
    """What was configured, each with its file.

    `names` are the ends of the files' paths, where these say what a file is of.

    Raises:
        ColonnadeError: there is not one file for each, or a file has another's name.
    """
    listed = list(wanted)
    if len(listed) != len(files):
        raise ColonnadeError(
            f"{len(files)} files, {files[0]} the first; allowed with these settings: {len(listed)},"
            " in the order in which the workflow's rule names them"
        )
    for file, name in [] if names is None else zip(files, names, strict=True):
        if not f"/{file.as_posix()}".endswith(f"/{name}"):
            raise ColonnadeError(f"{file}: allowed with these settings in its place: {name}")
    return list(zip(listed, files, strict=True))


def container() -> Container:
    """The toolchain container, with the checkout in it.

    Raises:
        ColonnadeError: it is not built.
    """
    if not IMAGE.is_file():
        raise ColonnadeError(
            f"{IMAGE}: the toolchain is not built yet; `snakemake toolchain` does it"
        )
    return open_image(IMAGE, ROOT)


class _Opened:
    """The toolchain container, opened where something first runs in it: tables need none."""

    @cached_property
    def _container(self) -> Container:
        return container()

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> CompletedRun:
        return self._container.run(command, env=env, log=log)


def is_checkout(folder: Path) -> bool:
    """Whether a folder is the top of a checkout."""
    return (folder / "containers/versions.env").is_file() and (folder / "Snakefile").is_file()


def _enclosing(here: Path) -> Path | None:
    return next(filter(is_checkout, (here, *here.parents)), None)


@contextmanager
def checkout() -> Iterator[Path]:
    """Work in the checkout that the working directory is in; yields where it was, relative to it.

    Raises:
        ColonnadeError: it is in none.
    """
    here = Path.cwd()
    folder = _enclosing(here)
    if folder is None:
        such = f", such as {OWN_CHECKOUT}" if is_checkout(OWN_CHECKOUT) else ""
        raise ColonnadeError(f"{here}: not in a checkout of Colonnade; change to one{such}")
    with chdir(folder):
        yield here.relative_to(folder)


@contextmanager
def some_checkout() -> Iterator[None]:
    """Work in the checkout that the working directory is in, or else in that of this command.

    Raises:
        ColonnadeError: it is in none, and the command was installed without one.
    """
    is_elsewhere = _enclosing(Path.cwd()) is None and is_checkout(OWN_CHECKOUT)
    with chdir(OWN_CHECKOUT) if is_elsewhere else nullcontext(), checkout():
        yield


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A folder of the checkout, which the container sees, removed at the end."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=BUILD) as folder:
        yield Path(folder)


def named_target(name: str) -> Target:
    """A target of config/targets, in the checkout that is worked in; a board is disconnected at the end.

    The kind may stand before its name, as in `emulated:x60`.

    Raises:
        ColonnadeError: there is no such target, or it is of another kind.
    """
    kind, _, own = name.rpartition(":")
    config = load_target(TARGETS, own)
    if kind not in ("", config.kind):
        raise ColonnadeError(f"target: {name!r}; {own} is of kind {config.kind}")
    return _closing(Target(own, config, _Opened()))


def target_of(settings: Settings, core: Path | None = None) -> Target:
    """The target that a job was given; a board is disconnected at the command's end.

    With `core` it has that core of its band, whose VLEN and clock are the same.
    """
    config = settings.target
    if core is not None:
        config = config.model_copy(update={"core": core})
    return _closing(Target(settings.config.target, config, _Opened()))


def _closing(target: Target) -> Target:
    click.get_current_context().call_on_close(target.close)
    return target


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
