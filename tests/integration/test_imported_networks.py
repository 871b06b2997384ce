# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The whole networks that the `onnx` package ships, dense and pruned, against onnxruntime.

`make networks-nightly` runs all nine; `make test` those of little work.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from safetensors.numpy import load_file, save_file

import colonnade
from colonnade.common.paths import PACKAGE
from colonnade.config.pruning import Pattern
from colonnade.container import Container
from colonnade.package.export import export_package
from colonnade.package.optimize import CHECKPOINT, DENSE, optimize
from colonnade.package.to_onnx import write_onnx
from colonnade.targets.emulator import emulator
from tests.unit.models.importing.computing import Array

from ..conftest import RecordRow
from . import schedules
from .test_whole_networks import (
    CONVOLUTIONS,
    FOLDER,
    shipped_image,
    with_random_weights,
)

# Of `make networks-nightly`.
WHOLE = os.environ.get("COLONNADE_WHOLE_NETWORKS") == "1"
NAMES = tuple(CONVOLUTIONS) if WHOLE else ("light_shufflenet",)
HALF = Pattern(m="full", sparsity=0.5)
TILE = 8
VLEN = 256
SMALL_PX = 64
TITLE = "networks of the onnx package: largest difference from onnxruntime, of its largest output"


@dataclass(frozen=True)
class Variant:
    """A package, an image and what onnxruntime makes of it with the same weights."""

    package: Path
    image: Array
    expected: Array


def _computed(model: bytes | Path, image: Array) -> Array:
    session = onnxruntime.InferenceSession(model)
    (given,) = session.get_inputs()
    (made,) = session.run(None, {given.name: image})
    # The outputs differ from each other.
    assert np.ptp(made) > 1e-3 * np.abs(made).max()
    return np.asarray(made)


def _variants(source: Path, folder: Path, image: Array, image_px: int | None) -> dict[str, Variant]:
    """The network of an ONNX file dense, and pruned by half, grouped convolutions too."""
    made = optimize(source, folder, HALF, TILE, image_px, grouped=True)
    assert len(made.pruned) == CONVOLUTIONS[source.stem] - 1
    assert 0.4 < made.sparsity < 0.55
    export_package(folder / DENSE, folder / "dense")
    # What other tools make of the pruned network.
    write_onnx(folder / CHECKPOINT, folder / "pruned.onnx")
    return {
        "dense": Variant(folder / "dense", image, _computed(source, image)),
        "pruned": Variant(folder / PACKAGE, image, _computed(folder / "pruned.onnx", image)),
    }


def _difference(actual: Array, expected: Array) -> float:
    assert actual.size == expected.size
    off = np.abs(actual.reshape(expected.shape) - expected).max()
    return float(off / np.abs(expected).max())


def emulated(
    variant: Variant, dtype: str, toolchain: Container, programs: Path, root: Path
) -> Array:
    """What the runner computes on emulated RISC-V."""
    package = variant.package.relative_to(root)
    files = {
        each: f"{package}.{each}" for each in ("in.safetensors", "out.safetensors", "report.json")
    }
    table = schedules.write(
        variant.package.with_suffix(".schedules.json"), schedules.cover(variant.package)
    )
    (given,) = colonnade_inputs(variant.package)
    save_file({given: variant.image}, root / files["in.safetensors"])
    program = str(programs.relative_to(root) / "colonnade-run")
    toolchain.run(
        [
            *(*emulator(VLEN), program, "--implementation", "colnm_direct", "--dtype", dtype),
            *("--package", str(package), "--schedules", str(table.relative_to(root))),
            *("--report", files["report.json"]),
            *("--input", files["in.safetensors"], "--output", files["out.safetensors"]),
        ]
    )
    (actual,) = load_file(root / files["out.safetensors"]).values()
    return np.asarray(actual)


def colonnade_inputs(package: Path) -> list[str]:
    """Names of a package's inputs."""
    with colonnade.load(package) as net:
        return list(net.inputs)


@pytest.fixture(scope="module", params=NAMES)
def drawn(
    request: pytest.FixtureRequest, scratch: Path, host_programs: Path
) -> Iterator[tuple[str, dict[str, Variant]]]:
    """One of the networks with random weights: its own are all equal."""
    name: str = request.param
    folder = scratch / name
    folder.mkdir()
    shipped = onnx.load(FOLDER / f"{name}.onnx")
    _, image = shipped_image(shipped)
    onnx.save(with_random_weights(shipped, seed=4), folder / f"{name}.onnx")
    yield name, _variants(folder / f"{name}.onnx", folder / "made", image, None)
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", ["dense", "pruned"])
def test_this_machine_computes_what_onnxruntime_does(
    drawn: tuple[str, dict[str, Variant]], kind: str, record_row: RecordRow
) -> None:
    name, variants = drawn
    variant = variants[kind]
    with colonnade.load(variant.package) as net:
        off = _difference(net(variant.image), variant.expected)
    record_row(TITLE, f"{name:20} {kind:7} host        {off:.1e}")
    assert off <= 1e-4


@pytest.mark.parametrize("kind", ["dense", "pruned"])
def test_emulated_riscv_computes_what_onnxruntime_does(
    toolchain: Container,
    riscv64_programs: Path,
    root: Path,
    drawn: tuple[str, dict[str, Variant]],
    kind: str,
    record_row: RecordRow,
) -> None:
    name, variants = drawn
    actual = emulated(variants[kind], "f32", toolchain, riscv64_programs, root)
    off = _difference(actual, variants[kind].expected)
    record_row(TITLE, f"{name:20} {kind:7} VLEN {VLEN:<6} {off:.1e}")
    assert off <= 1e-4


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("host_programs")
def test_the_files_own_weights_give_the_output_beside_them(
    scratch: Path, name: str, record_row: RecordRow
) -> None:
    folder = scratch / f"{name}-own"
    source = FOLDER / f"{name}.onnx"
    optimize(source, folder, HALF, TILE, grouped=True)
    export_package(folder / DENSE, folder / "dense")
    _, image = shipped_image(onnx.load(source))
    expected = numpy_helper.to_array(onnx.load_tensor(str(FOLDER / f"{name}_output_0.pb")))
    with colonnade.load(folder / "dense") as net:
        off = _difference(net(image), expected)
    shutil.rmtree(folder)
    record_row(TITLE, f"{name:20} as shipped, its output file  {off:.1e}")
    assert off <= 1e-4


@pytest.mark.parametrize("dtype", ["f32", "f16"])
@pytest.mark.usefixtures("host_programs")
def test_small_images_are_taken_in_either_datatype(
    toolchain: Container, riscv64_programs: Path, scratch: Path, root: Path, dtype: str
) -> None:
    folder = scratch / dtype
    folder.mkdir()
    model = with_random_weights(onnx.load(FOLDER / "light_squeezenet.onnx"), seed=4)
    onnx.save(model, folder / "light_squeezenet.onnx")
    image = np.random.default_rng(5).uniform(0, 1, (1, 3, SMALL_PX, SMALL_PX)).astype(np.float32)
    source = folder / "light_squeezenet.onnx"
    made = optimize(source, folder / "made", HALF, TILE, SMALL_PX)
    assert len(made.pruned) == 25
    write_onnx(folder / "made" / CHECKPOINT, folder / "pruned.onnx")
    variant = Variant(folder / "made" / PACKAGE, image, _computed(folder / "pruned.onnx", image))
    off = _difference(emulated(variant, dtype, toolchain, riscv64_programs, root), variant.expected)
    assert off <= {"f32": 1e-4, "f16": 2e-2}[dtype], off
