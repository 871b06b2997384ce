# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks of nightly runs: weights that no training and no CPU decides, schedules of the cost model.

So cycles change with kernels, schedules, exporter and timing model alone, and no edit of them trains.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from colonnade.common.datatypes import TOLERANCE, Dtype
from colonnade.common.files import atomic_path, file_bytes, make_folder, write_json
from colonnade.common.paths import GRAPH
from colonnade.config.nightly import MatrixConfig
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.data.pictures import UNCHANGED
from colonnade.evaluation.packages import Run, execute
from colonnade.evaluation.pictures import random_images
from colonnade.models.architecture import conv_shapes, image_convs
from colonnade.models.module import build
from colonnade.package.archive import WEIGHTS, read_package
from colonnade.package.description import SCHEDULES
from colonnade.package.export import export_package
from colonnade.package.untrained import fixed_weights
from colonnade.pruning.plan import prunable_convs, uniform_plan
from colonnade.targets.target import Target
from colonnade.training.checkpoint import CheckpointInfo, read_checkpoint, write_checkpoint
from colonnade.training.imported import NO_DATA
from colonnade.training.stages import mask_by_magnitude
from colonnade.tuning.bench import DENSE, Profiled
from colonnade.tuning.choice import schedule_key, write_schedules
from colonnade.tuning.search import rank_each
from colonnade.tuning.space import SCHEDULE, Candidate

EXPECTED = "expected.safetensors"
"""Beside the package: what PyTorch computes of its checkpoint in float64."""
_CLASSES, _SEED = 1000, 20240917


def make_network(
    target: Target,
    name: str,
    matrix: MatrixConfig,
    threads: int,
    profile: ProfileConfig,
    folder: Path,
) -> None:
    """Write the package of a network for a target and so many threads, with its schedules.

    Every convolution has the schedule, dense or pruned, that the cost model puts first.

    Raises:
        ColonnadeError: the target's time is measured, or the folder cannot be written.
    """
    target.need_model("nightly cycles")
    pattern = Pattern(m="full", sparsity=matrix.sparsity)
    with atomic_path(folder) as package, tempfile.TemporaryDirectory() as kept:
        dense, pruned = Path(kept) / "dense.safetensors", Path(kept) / "pruned.safetensors"
        info = CheckpointInfo(
            model=name,
            num_classes=_CLASSES,
            dataset=NO_DATA,
            image_px=matrix.image_px,
            split_seed=0,
            normalisation=UNCHANGED,
            seed=_SEED,
            epochs=0,
        )
        write_checkpoint(dense, info, fixed_weights(build(name, _CLASSES), _SEED).state_dict(), {})
        schedules = Path(kept) / SCHEDULES
        tiles = _schedule(target, name, matrix.image_px, pattern, threads, profile, schedules)
        mask_by_magnitude(dense, uniform_plan(pattern, tiles), pruned)
        export_package(pruned, package)
        shutil.copyfile(schedules, package / SCHEDULES)
        images = random_images(package, 1, matrix.image_px, _SEED)
        (entry,) = images
        model = read_checkpoint(pruned).model().double()
        with torch.inference_mode():
            made = model(torch.from_numpy(images[entry]).double())
        save_file({"output": made.numpy()}, package / EXPECTED)


def _schedule(
    target: Target,
    name: str,
    image_px: int,
    pattern: Pattern,
    threads: int,
    profile: ProfileConfig,
    output: Path,
) -> dict[str, int]:
    """Write the schedules, and return the tiles of the layers that are pruned."""
    reading = image_convs(name)
    prunable = set(prunable_convs(name, reading))
    timed = ThroughputConfig(image_px=image_px, batch=1, threads=threads, repetitions=1, warmup=0)
    convs: dict[str, Candidate] = {}
    tiles: dict[str, int] = {}
    stays: set[str] = set()
    for layer, conv in conv_shapes(name, image_px, 1):
        pruned = Profiled(pattern)
        keys = [schedule_key(conv, each.kept(conv)) for each in (DENSE, pruned)]
        if not {*convs, *stays} >= {*keys}:
            ranked = rank_each(target, conv, [DENSE, pruned], profile, timed)
            # The first space: f16 has no other.
            (dense, convs[keys[0]]), (cost, candidate) = (spaces[0][0] for spaces in ranked)
            if cost < dense:
                convs[keys[1]] = candidate
            else:
                stays.add(keys[1])
        if layer in prunable and keys[1] not in stays:
            tiles[layer] = convs[keys[1]].tile
    entries = {key: {part: getattr(each, part) for part in SCHEDULE} for key, each in convs.items()}
    write_schedules(target, entries, sorted(stays), output)
    return tiles


def run_case(
    target: Target, package: Path, image_px: int, threads: int, dtype: Dtype, output: Path
) -> None:
    """Run a package of `make_network` under the timing model, and write a `NightlyRun`.

    Raises:
        ColonnadeError: the runner failed.
    """
    graph = read_package(package).graph
    expected = load_file(package / EXPECTED)["output"]
    images = random_images(package, 1, image_px, _SEED)
    make_folder(output.parent)
    # Seen by the container.
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".nightly-") as scratch:
        outputs, report = execute(target, package, images, Run(dtype, threads), Path(scratch))
    (made,) = outputs.values()
    error = float(np.abs(made - expected).max() / np.abs(expected).max())
    same = bool((made.argmax(axis=1) == expected.argmax(axis=1)).all())
    found = {
        **{key: graph[key] for key in ("model", "checkpoint_sha256")},
        "target": target.name,
        "image_px": image_px,
        "package_bytes": sum(file_bytes(package / name) for name in (GRAPH, WEIGHTS)),
        "relative_error": error,
        "agrees": same and error <= TOLERANCE[dtype],
    }
    write_json(output, {**found, **report})
