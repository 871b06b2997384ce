# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The paper's networks, dense and pruned, in our layout and in the paper's mixed one.

The paper stays in NHWC up to a first stage, and converts there. A mixed run is no run of its own: it is
the sum of XNNPACK's layers before that stage and of ours from there on. The conversion between them is
not counted, so it is the fastest that such a network could be.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import make_folder, read_json, write_json
from colonnade.common.paths import RUNNER
from colonnade.common.progress import Progress
from colonnade.common.reference import REFERENCE
from colonnade.config.model import ModelName
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ThroughputConfig
from colonnade.evaluation.tables import write_throughput
from colonnade.evaluation.throughput import run_network, write_random_images
from colonnade.models.conv_shape import ConvShape
from colonnade.package.untrained import Variant, write_variants
from colonnade.results.records import PaperRun, Run
from colonnade.targets.target import Target

# How the names of the nodes begin at which the paper converts: of residual networks Layer 1, of
# MobileNet-V2 Block 1, of DenseNet DenseBlock 2. It has no VGG.
CONVERTED_AT = {
    **dict.fromkeys(("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"), "layer1."),
    "mobilenet_v2": "features.1.",
    "densenet121": "features.denseblock2.",
}


def run_paper_network(
    target: Target,
    name: ModelName,
    patterns: Sequence[Pattern],
    timed: ThroughputConfig,
    layers: Sequence[tuple[str, ConvShape]],
    schedules: Path,
    seed: int,
    output: Path,
) -> None:
    """Run a network by XNNPACK and by ours, dense and pruned by each pattern, and write a list of runs.

    Args:
        target: a modelled one.
        name: of the network, whose weights are random.
        patterns: by which it is pruned.
        timed: on what.
        layers: the convolutions that are pruned.
        schedules: what tuning chose for it.
        seed: of weights and images.
        output: the JSON file.

    Raises:
        ColonnadeError: a run failed, or a file cannot be written.
    """
    target.check_built(RUNNER)
    make_folder(output.parent)
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        scratch = Path(folder)
        dense, *pruned = write_variants(
            scratch / "networks", name, patterns, layers, schedules, seed
        )
        images = scratch / "images.safetensors"
        write_random_images(images, timed.batch, timed.image_px, seed)
        wanted = [(REFERENCE, dense), ("colnm_dense", dense)]
        wanted += [("colnm_tuned", variant) for variant in pruned]
        found: list[PaperRun] = []
        with Progress(f"figures {name}", len(wanted), "run") as progress:
            for implementation, variant in wanted:
                found.append(_run(target, variant, implementation, schedules, images, timed))
                progress.add(1)
        write_json(output, [*found, *_mixed(name, found)])


def _run(
    target: Target,
    variant: Variant,
    implementation: str,
    schedules: Path,
    images: Path,
    timed: ThroughputConfig,
) -> PaperRun:
    report = images.with_name(f"{variant.label}-{implementation}.json")
    run_network(target, variant.package, implementation, schedules, images, timed, report)
    return {"sparsity": variant.sparsity, "run": read_json(report, Run)}


def _mixed(name: ModelName, runs: Sequence[PaperRun]) -> Iterator[PaperRun]:
    """Each of our runs behind XNNPACK's layers, of networks that the paper has."""
    if name not in CONVERTED_AT:
        return
    reference, *ours = runs
    before, _ = _split(reference["run"], CONVERTED_AT[name])
    for each in ours:
        run = each["run"]
        _, behind = _split(run, CONVERTED_AT[name])
        layers = [*before, *behind]
        total = {
            "cycles": sum(layer["cycles"] or 0 for layer in layers),
            "seconds": sum(layer["seconds"] for layer in layers),
        }
        implementation = f"mixed_{run['implementation']}"
        mixed = {**run, "implementation": implementation, "layers": layers, "total": total}
        yield {"sparsity": each["sparsity"], "run": mixed}  # type: ignore[typeddict-item]


def _split(run: Run, prefix: str) -> tuple[list[Any], list[Any]]:
    """Layers of a run before the first one whose name begins so, and the others."""
    for index, layer in enumerate(run["layers"]):
        if layer["name"].startswith(prefix):
            return run["layers"][:index], run["layers"][index:]
    raise ColonnadeError(
        f"{run['implementation']} of {run['model']}: has no layer {prefix}*, at which the paper converts"
    )


def paper_table(
    target: Target, timed: ThroughputConfig, files: Sequence[Path], table: Path
) -> None:
    """Write `throughput.csv` of the runs of all networks.

    Raises:
        ColonnadeError: a file is missing or damaged.
    """
    runs = []
    for path in files:
        for each in read_json(path, list[PaperRun]):
            sparsity = each["sparsity"]
            pattern = {"n": 1 - sparsity, "m": "full"} if sparsity else {"n": None, "m": None}
            runs.append((target, each["run"], {**pattern, "sparsity": sparsity}))
    write_throughput(timed, runs, table)
