# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Equal work takes equal modelled cycles, wherever its files lie."""

from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, write_json
from colonnade.config.schema import ThroughputConfig
from colonnade.config.target import load_target
from colonnade.container import Container
from colonnade.evaluation.throughput import run_network, write_random_images
from colonnade.targets.target import Target

from .test_batches import write_package

TIMED = ThroughputConfig(image_px=64, batch=1, threads=1, repetitions=1, warmup=0)
IMPLEMENTATIONS = ("xnnpack_nhwc_dense", "colnm_dense")


@pytest.fixture(scope="module")
def target(toolchain: Container, root: Path) -> Target:
    return Target("x60", load_target(root / "config/targets", "x60"), toolchain)


def _files(scratch: Path, root: Path, name: str) -> Path:
    folder = scratch.relative_to(root) / name
    folder.mkdir(parents=True)
    graph = write_package(folder / "package") / "graph.json"
    identity = {"model": "small", "checkpoint_sha256": "0" * 64}
    write_json(graph, {**identity, **read_json(graph, dict[str, Any])})
    write_random_images(folder / "images", 1, 64, 1)
    return folder


def _run(target: Target, folder: Path, implementation: str) -> dict[str, Any]:
    output = folder / f"{implementation}.json"
    package = folder / "package"
    schedules = package / "schedules.json"
    run_network(target, package, implementation, schedules, folder / "images", TIMED, output)
    return read_json(output, dict[str, Any])


@pytest.mark.usefixtures("riscv64_programs", "timing_model")
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_folders_of_any_name_take_the_same_cycles(
    target: Target, root: Path, scratch: Path, implementation: str
) -> None:
    names = [f"{implementation}-{'x' * length}" for length in (1, 35, 120)]
    reports = [
        _run(target, _files(scratch, root, name), implementation)["layers"] for name in names
    ]
    modelled = [
        [{key: layer[key] for key in ("name", "cycles", "counters")} for layer in layers]
        for layers in reports
    ]
    assert all(layer["cycles"] > 1000 for layer in modelled[0])
    assert modelled == modelled[:1] * len(names)


@pytest.mark.usefixtures("riscv64_programs", "timing_model")
def test_messages_name_files_as_they_were_given(target: Target, root: Path, scratch: Path) -> None:
    folder = _files(scratch, root, "damaged")
    (folder / "images").write_text("none")
    with pytest.raises(ColonnadeError) as caught:
        _run(target, folder, "colnm_dense")
    assert f"{folder}/images" in str(caught.value)
    assert "//" not in str(caught.value)
