# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A folder that measures a RISC-V machine by itself: static programs, and a shell script."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from colonnade.common.files import copy_to, make_folder, write_text
from colonnade.common.paths import BENCH, PROBE, RUNNER, program
from colonnade.evaluation.rounds import NetworkRun
from colonnade.evaluation.throughput import write_random_images
from colonnade.validation.instructions import MICROBENCHMARKS
from colonnade.validation.measured import build_frequency, build_kernels, build_microbenchmarks
from colonnade.validation.model import TimingModel

SCRIPT = "measure.sh"
_SHAPES = Path("kernels/bench/resnet18.txt")


def write_programs(
    model: TimingModel, folder: Path, runs: Sequence[NetworkRun], schedules: Path, image_px: int
) -> None:
    """Write the programs, their inputs, and the script `measure.sh`, whose comment says how it is called.

    Args:
        model: compiles what is not built yet, in its own folder.
        folder: gets everything.
        runs: networks, by packages and implementations.
        schedules: those that tuning chose for them.
        image_px: width and height of the images that they see.

    Raises:
        ColonnadeError: a program or a package is not there, or the compiler refused one.
    """
    make_folder(folder / "packages")
    built = [program("riscv64", name) for name in (PROBE, BENCH, RUNNER)]
    built += [build_microbenchmarks(model), build_frequency(model), *build_kernels(model)]
    for source in (*built, _SHAPES, schedules):
        copy_to(source, folder / ("schedules.json" if source is schedules else source.name))
    names = []
    for index, run in enumerate(runs):
        # Two of one name in different folders stay apart.
        name = f"{index}-{run.package.name}"
        copy_to(run.package, folder / "packages" / name)
        names.append(f"{name} {run.implementation}\n")
    write_text(folder / "runs.txt", "".join(names))
    sequences = "".join(f"{each.unroll} {each.name}\n" for each in MICROBENCHMARKS)
    write_text(folder / "sequences.txt", sequences)
    write_random_images(folder / "images.safetensors", 1, image_px, seed=1)
    script = files("colonnade.board").joinpath(SCRIPT).read_text("utf-8")
    write_text(folder / SCRIPT, script)
