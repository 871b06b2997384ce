# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The toolchain and the programs; by hand, a shell in it and the bench of single convolutions."""

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import click

from colonnade.cli.common import (
    FILE,
    ROOT,
    checkout,
    cli,
    container,
    named_target,
    scratch,
)
from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import BENCH, BUILD, IMAGE, ONEDNN_SOURCE
from colonnade.common.progress import Progress, followed, ninja_steps
from colonnade.container import select_engine
from colonnade.container.sources import unpack_onednn
from colonnade.targets.target import Target

_PASSED_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}
# Folders of parts that are built in another part's.
_FOLDERS = {"baselines": "riscv64"}
# The bench's option whose value is a file.
_FILE_OPTION = "--shapes"


@cli.command()
@click.option("--engine", default="auto", show_default=True)
@click.argument("output", type=FILE)
def toolchain(engine: str, output: Path) -> None:
    """Build the toolchain container and record it in OUTPUT."""
    select_engine(engine, lambda line: click.echo(line, err=True)).build(ROOT).save(output)


@cli.command("release-image")
@click.option("--engine", default="docker", show_default=True, help="docker or podman.")
@click.argument("tag")
def release_image(engine: str, tag: str) -> None:
    """Build the image TAG (NAME:VERSION): the toolchain with the workflow in it, of the commit here.

    A container of it runs every stage on small inputs: docs/containers.md.
    """
    from colonnade.container.release import build_release
    from colonnade.container.sdk import SdkEngine
    from colonnade.results.provenance import revision

    builder = select_engine(engine)
    if not isinstance(builder, SdkEngine):
        raise ColonnadeError(f"--engine {engine}: makes no images; allowed: docker, podman")
    found = revision()
    if found["dirty"] is not False:
        raise ColonnadeError(
            f"{ROOT.resolve()}: {found['git_problem'] or 'changes that are not committed'}; a release"
            " image has the files of a commit"
        )
    click.echo(build_release(builder, ROOT, tag, version("colonnade"), found["git_commit"]))


@cli.command()
@click.argument("output", type=FILE)
def sbom(output: Path) -> None:
    """Write the bill of materials of the toolchain image to OUTPUT, as CycloneDX: all that is in it."""
    from colonnade.container.sbom import write_sbom

    write_sbom(IMAGE, ROOT, version("colonnade"), output)


@cli.command()
@click.argument("part", type=click.Choice(["riscv64", "aarch64", "host", "timing", "baselines"]))
@click.option(
    "--onednn", type=FILE, help="An archive of oneDNN's sources: the baselines are built with it."
)
@click.option("--log", type=FILE, required=True)
def build(part: str, onednn: Path | None, log: Path) -> None:
    """Compile a PART of kernels/ in the container."""
    log.parent.mkdir(parents=True, exist_ok=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    command = ["sh", "kernels/build.sh", part, str(BUILD / _FOLDERS.get(part, part))]
    if onednn is not None:
        if part != "baselines":
            raise ColonnadeError(
                f"--onednn {onednn}: for another part than {part}; allowed: baselines"
            )
        unpack_onednn(onednn, ONEDNN_SOURCE)
        command.append(str(ONEDNN_SOURCE))
    with Progress(f"build {part}", 0, "step") as progress, followed(log, ninja_steps(progress)):
        container().run(command, log=log)


@cli.command(context_settings=_PASSED_ON)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def shell(command: tuple[str, ...]) -> None:
    """Enter the toolchain container: a shell, or `colonnade shell -- COMMAND ...`.

    The checkout is /colonnade there, and the working directory is the same folder of it. What the
    command reads, prints and returns is yours.
    """
    with checkout() as here:
        toolchain = container()
        enter = ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(here)]
        status = toolchain.attach([*enter, *(command or ["bash"])], env=_terminal())
    sys.exit(status)


@cli.command("bench-conv", context_settings={**_PASSED_ON, "allow_interspersed_args": True})
@click.option("--target", "name", default="x60", show_default=True)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def bench_conv(name: str, options: tuple[str, ...]) -> None:
    """Run colonnade-bench with its own OPTIONS on a target of config/targets.

    Time of an emulated target is that of its timing model, at the clock of its core. Results are JSON
    lines. `colonnade bench-conv -- --help` lists the options.
    """
    given = list(options)
    with checkout() as here, scratch("bench-conv") as folder:
        target = named_target(name)
        target.check_built(BENCH)
        if target.config.board is not None:
            _on_board(target, _visible(given, here, folder))
            return
        command, env = target.command(BENCH, timing=folder / "regions.jsonl")
        with _with_time(target):
            status = container().attach([*command, *_visible(given, here, folder)], env=env)
    sys.exit(status)


def _on_board(target: Target, options: Sequence[str]) -> None:
    """Run the bench on a board, with the files that it reads."""
    files = [Path(value) for name, value in pairwise(options) if name == _FILE_OPTION]
    click.echo(target.run(BENCH, options, timing=None, reads=files), nl=False)


@contextmanager
def _with_time(target: Target) -> Iterator[None]:
    """Give each result on our output its `ms` by the target's clock, which the bench does not know."""
    if target.evidence != "modelled":
        yield
        return
    source, sink = os.pipe()
    output = os.dup(1)
    passing = threading.Thread(target=_pass_on, args=(source, output, target))
    passing.start()
    os.dup2(sink, 1)
    os.close(sink)
    try:
        yield
    finally:
        # Nobody writes into the pipe any more, so the thread comes to its end.
        os.dup2(output, 1)
        passing.join()
        os.close(output)


def _pass_on(source: int, output: int, target: Target) -> None:
    # Whoever reads may go away first: then the bench finds its pipe closed as well.
    with suppress(BrokenPipeError), os.fdopen(source, encoding="utf-8") as lines:
        for line in lines:
            os.write(output, timed(line, target.milliseconds).encode())


def timed(line: str, milliseconds: Callable[[int], float]) -> str:
    """A line of the bench, its `ms` filled in from its `cycles` if it is a result that has these."""
    try:
        result = json.loads(line)
    except ValueError:
        return line
    if not isinstance(result, dict) or result.get("cycles") is None:
        return line
    result["ms"] = milliseconds(result["cycles"])
    return json.dumps(result, separators=(",", ":")) + line[len(line.rstrip()) :]


def _terminal() -> dict[str, str]:
    return {"TERM": os.environ["TERM"]} if "TERM" in os.environ else {}


def _visible(options: Sequence[str], here: Path, scratch: Path) -> list[str]:
    """The options, files named as they are called in the container; those elsewhere are copied.

    Raises:
        ColonnadeError: there is no such file.
    """
    named: list[str] = []
    for option in options:
        # CLI11 takes `--shapes FILE` and `--shapes=FILE`.
        name, given, value = option.partition("=")
        named += [name, value] if name == _FILE_OPTION and given else [option]
    for index, option in enumerate(named[:-1], 1):
        if option == _FILE_OPTION:
            path = here / named[index]
            if not path.is_file():
                raise ColonnadeError(f"{option}: {named[index]}: no such file")
            copy = scratch / path.name
            shutil.copyfile(path, copy)
            named[index] = str(copy)
    return named
