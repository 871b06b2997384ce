# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What people do with a package: run it on a picture, time it, look into it, compare it with PyTorch."""

import json
import math
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from colonnade.cli.common import (
    FILE,
    MOST_PX,
    Triple,
    cli,
    named_target,
    normalised,
    scratch,
    some_checkout,
)
from colonnade.cli.lines import agreement_lines, description_lines, times_lines
from colonnade.common.datatypes import DTYPES, TOLERANCE, Dtype
from colonnade.common.errors import ColonnadeError
from colonnade.common.limits import PROGRAM_RUNS, PROGRAM_THREADS
from colonnade.common.progress import Progress, track

DTYPE = click.option("--dtype", type=click.Choice(DTYPES), default="f32", show_default=True)
THREADS = click.option(
    "--threads", type=click.IntRange(1, PROGRAM_THREADS), default=1, show_default=True
)
IMAGE_PX = click.option(
    "--image-px",
    type=click.IntRange(1, MOST_PX),
    help="Height and width; by default those with which the network was imported.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
TARGET = click.option(
    "--target",
    "target_name",
    default="host",
    show_default=True,
    help="This machine, or a target of config/targets.",
)


@cli.command()
@click.argument("package", type=FILE)
@click.option(
    "--image", "images", type=FILE, multiple=True, required=True, help="A picture; may repeat."
)
@click.option("--labels", type=FILE, help="Names of the classes, one a line.")
@click.option(
    "--top", type=click.IntRange(1), default=5, show_default=True, help="Classes to show."
)
@IMAGE_PX
@normalised
@DTYPE
@THREADS
@JSON
def run(
    package: Path,
    images: tuple[Path, ...],
    labels: Path | None,
    top: int,
    image_px: int | None,
    mean: Triple | None,
    std: Triple | None,
    dtype: Dtype,
    threads: int,
    as_json: bool,
) -> None:
    """Classify pictures by PACKAGE, on this machine.

    They are resized, cropped to the centre and normalised as the package states, or as the options say.
    """
    from colonnade.evaluation.pictures import (
        classes_of,
        preprocessing_of,
        read_labels,
        read_pictures,
    )
    from colonnade.runtime.net import load

    size, normalisation, channels = preprocessing_of(package, image_px, mean, std)
    names = None if labels is None else read_labels(labels)
    with load(package, dtype=dtype, threads=threads) as net:
        found = {
            str(path): classes_of(
                net, read_pictures([path], size, normalisation, channels), names, top, dtype
            )
            for path in track(images, "run", len(images), "picture")
        }
    if as_json:
        stated = {"image_px": size, **asdict(normalisation)}
        click.echo(_json({"preprocessing": stated, "images": found}))
        return
    for path, rows in found.items():
        click.echo(path)
        for row in rows:
            click.echo(f"  {row['probability']:7.2%}  {row['label']}")


@cli.command()
@click.argument("package", type=FILE)
@TARGET
@click.option("--batch", type=click.IntRange(1, 65536), default=1, show_default=True)
@IMAGE_PX
@DTYPE
@THREADS
@click.option("--repetitions", type=click.IntRange(1, PROGRAM_RUNS), default=20, show_default=True)
@click.option("--warmup", type=click.IntRange(0, PROGRAM_RUNS), default=3, show_default=True)
@JSON
def bench(
    package: Path,
    target_name: str,
    batch: int,
    image_px: int | None,
    dtype: str,
    threads: int,
    repetitions: int,
    warmup: int,
    as_json: bool,
) -> None:
    """Time PACKAGE on random images, as a whole and layer by layer.

    On this machine time is measured: the median and the spread of several runs. On an emulated target
    it is that of the timing model, which is exact.
    """
    from colonnade.config.reading import check_threads
    from colonnade.evaluation.packages import Run, execute, timing
    from colonnade.evaluation.pictures import random_images

    given = package.resolve()
    images = random_images(given, batch, image_px, seed=0)
    how = Run(dtype, threads, repetitions, warmup)
    with _on(target_name) as (target, folder):
        check_threads(threads, target.name, target.config)
        _, report = execute(target, given, images, how, folder)
        times = timing(report, target)
    times = {"package": str(package), "image_px": _size(images), **times}
    _print(times, as_json, times_lines(times))


@cli.command()
@click.argument("package", type=FILE)
@IMAGE_PX
@click.option("--html", type=FILE, help="Page to write, with a figure.")
@JSON
def inspect(package: Path, image_px: int | None, html: Path | None, as_json: bool) -> None:
    """Say what was pruned of PACKAGE, and how each layer runs."""
    from colonnade.common.files import check_distinct
    from colonnade.package.description import describe, package_files

    if html is not None:
        check_distinct(html, *package_files(package))
    found = describe(package, image_px).to_json()
    if html is not None:
        from colonnade.report.package import write_package_page

        write_package_page(found, str(package), html)
    _print(found, as_json, description_lines(found))


@cli.command()
@click.argument("package", type=FILE)
@click.option(
    "--checkpoint", type=FILE, help="What it was exported from; by default the file beside it."
)
@click.option("--image", "images", type=FILE, multiple=True, help="A picture; may repeat.")
@click.option(
    "--input", "files", type=FILE, multiple=True, help="safetensors with the inputs by name."
)
@click.option(
    "--random", type=click.IntRange(0), default=3, show_default=True, help="Random inputs."
)
@click.option("--batch", type=click.IntRange(1, 65536), default=2, show_default=True)
@TARGET
@IMAGE_PX
@normalised
@DTYPE
@JSON
def validate(
    package: Path,
    checkpoint: Path | None,
    images: tuple[Path, ...],
    files: tuple[Path, ...],
    random: int,
    batch: int,
    target_name: str,
    image_px: int | None,
    mean: Triple | None,
    std: Triple | None,
    dtype: Dtype,
    as_json: bool,
) -> None:
    """Compare PACKAGE with what PyTorch computes of its checkpoint, on random and on given inputs.

    Exit code 1 where they differ by more than the datatype explains.
    """
    from colonnade.evaluation.conformity import compare, find_checkpoint
    from colonnade.evaluation.packages import Run, execute
    from colonnade.evaluation.pictures import (
        preprocessing_of,
        random_images,
        read_inputs,
        read_pictures,
    )
    from colonnade.package.archive import read_package

    source = find_checkpoint(package, checkpoint)
    given, model = package.resolve(), source.model()
    inputs = {
        f"random {seed}": random_images(given, batch, image_px, seed) for seed in range(random)
    }
    (first, *others) = model.graph.inputs
    if images and others:
        raise ColonnadeError(f"{package}: has {len(others) + 1} inputs; allowed with --image: one")
    if images:
        made = preprocessing_of(package, image_px, mean, std)
        inputs |= {str(path): {first.name: read_pictures([path], *made)} for path in images}
    inputs |= {str(path): read_inputs(path, model.graph.inputs) for path in files}
    if not inputs:
        raise ColonnadeError("--random: 0; allowed without --image and --input: 1 or more")
    outputs = read_package(given).graph["outputs"]
    with (
        _on(target_name) as (target, folder),
        Progress("validate", len(inputs), "input") as progress,
    ):

        def on_target(arrays: Any) -> list[Any]:
            with tempfile.TemporaryDirectory(dir=folder) as own:
                made, _ = execute(target, given, arrays, Run(dtype, timed=False), Path(own))
            progress.add()
            return [made[name] for name in outputs]

        rows = compare(model, on_target, inputs)
    good = all(row.relative <= TOLERANCE[dtype] for row in rows)
    told = {
        **{"target": target.name, "dtype": dtype, "tolerance": TOLERANCE[dtype], "agrees": good},
        "outputs": [vars(row) | {"relative": row.relative} for row in rows],
    }
    _print(told, as_json, agreement_lines(told, str(package)))
    if not good:
        sys.exit(1)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that completes commands, options and files.

    For bash: `eval "$(colonnade completion bash)"`.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "colonnade", "_COLONNADE_COMPLETE").source())


def _print(value: Any, as_json: bool, lines: Iterable[str]) -> None:
    click.echo(_json(value) if as_json else "\n".join(lines))


def _json(value: Any) -> str:
    """JSON, which has no numbers that are not finite: these are null."""
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _size(images: Mapping[str, Any]) -> Any:
    """The size of images of several inputs, see `package.description.image_size`."""
    from colonnade.models.shapes import MapShape
    from colonnade.package.description import image_size

    return image_size({name: MapShape(*each.shape) for name, each in images.items()})


@contextmanager
def _on(name: str) -> Iterator[tuple[Any, Path]]:
    """A target, and an empty folder that it sees."""
    from colonnade.evaluation.packages import HOST, this_machine

    if name == HOST:
        with tempfile.TemporaryDirectory() as folder:
            yield this_machine(), Path(folder)
        return
    with some_checkout(), scratch("package") as folder:
        yield named_target(name), folder
