# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The runner a batch at a time: the same results as all at once, in memory that does not grow."""

import hashlib
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from colonnade.common.errors import ColonnadeError
from colonnade.container import Container
from colonnade.targets.emulator import emulator

from . import schedules

IMPLEMENTATIONS = ("xnnpack_nhwc_dense", "colnm_dense")
CHANNELS, CLASSES, IMAGES = 5, 4, 13
MIB = 1 << 20


def write_package(folder: Path, inputs: tuple[str, ...] = ("image",)) -> Path:
    """For each input a strided convolution, pooling and a classifier."""
    rng = np.random.default_rng(3)
    nodes: list[dict[str, Any]] = []
    tensors = {}
    for name in inputs:
        pair = {"padding": [1] * 4, "dilation": [1, 1], "groups": 1}
        nodes += [
            {
                **{"op": "conv2d", "name": f"{name}.conv", "input": name, "output": f"{name}.a"},
                **{"in_channels": 3, "out_channels": CHANNELS, "kernel": [3, 3], "stride": [2, 2]},
                **{**pair, "residual": None, "activation": "relu", "pattern": None, "tile": None},
            },
            {
                **{"op": "global_pool", "name": f"{name}.pool", "function": "avg"},
                **{"input": f"{name}.a", "output": f"{name}.b"},
            },
            {
                **{"op": "fully_connected", "name": f"{name}.fc", "input": f"{name}.b"},
                **{"output": f"{name}.out", "in_features": CHANNELS, "out_features": CLASSES},
            },
        ]
        shapes = {
            "conv.weight": (CHANNELS, 3, 3, 3),
            "conv.bias": (CHANNELS,),
            "fc.weight": (CLASSES, CHANNELS),
            "fc.bias": (CLASSES,),
        }
        for tensor, shape in shapes.items():
            tensors[f"{name}.{tensor}"] = rng.uniform(-1, 1, shape).astype(np.float32)
    folder.mkdir(exist_ok=True)
    weights = folder / "weights.safetensors"
    save_file(tensors, weights)
    graph = {
        "format": "colonnade-package",
        "version": 3,
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "inputs": [{"name": name, "channels": 3} for name in inputs],
        "outputs": [f"{name}.out" for name in inputs],
        "nodes": nodes,
    }
    (folder / "graph.json").write_text(json.dumps(graph))
    convs = schedules.cover(folder)
    schedules.write(folder / "schedules.json", convs)
    return folder


@dataclass
class Empty:
    """So many black images, in a file that takes no space on the disk."""

    count: int
    image_px: int

    def write(self, path: Path) -> None:
        shape = [self.count, 3, self.image_px, self.image_px]
        size = 4 * math.prod(shape)
        entry = {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}
        header = json.dumps({"image": entry}).encode()
        header += b" " * (-len(header) % 8)
        path.write_bytes(len(header).to_bytes(8, "little") + header)
        os.truncate(path, 8 + len(header) + size)


class Runner:
    """Runs a package on emulated RISC-V."""

    def __init__(self, toolchain: Container, programs: Path, package: Path, root: Path) -> None:
        self._toolchain, self._program = toolchain, programs / "colonnade-run"
        self._package, self._root = package, root
        self.report: dict[str, Any] = {}
        self.said = ""

    def run(
        self, images: dict[str, NDArray[np.float32]] | Empty, implementation: str, *arguments: str
    ) -> dict[str, NDArray[np.float32]]:
        """The results; `report` is the run's, and `said` what it printed on stderr."""
        paths = {
            name: str((self._package / f"{name}").relative_to(self._root))
            for name in ("input", "output", "report")
        }
        if isinstance(images, Empty):
            images.write(self._root / paths["input"])
        else:
            save_file(images, self._root / paths["input"])
        command = [
            *emulator(256),
            str(self._program.relative_to(self._root)),
            *("--package", str(self._package.relative_to(self._root))),
            *("--implementation", implementation),
            *("--schedules", str(self._package.relative_to(self._root) / "schedules.json")),
            *(text for name, path in paths.items() for text in (f"--{name}", path)),
            *arguments,
        ]
        try:
            self.said = self._toolchain.run(command).stderr
            self.report = json.loads((self._root / paths["report"]).read_text())
            return load_file(self._root / paths["output"])
        finally:
            for path in paths.values():
                (self._root / path).unlink(missing_ok=True)
            # Of a run that was refused nothing half-written stays.
            names = {file.name for file in self._package.iterdir()}
            assert names == {"graph.json", "weights.safetensors", "schedules.json"}


def images(count: int, image_px: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, 3, image_px, image_px), dtype=np.float32)


@pytest.fixture(scope="module")
def runner(toolchain: Container, riscv64_programs: Path, scratch: Path, root: Path) -> Runner:
    return Runner(toolchain, riscv64_programs, write_package(scratch / "single"), root)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_results_do_not_depend_on_the_batch(runner: Runner, implementation: str) -> None:
    given = {"image": images(IMAGES, 17)}
    whole = runner.run(given, implementation)["image.out"]
    assert whole.shape == (IMAGES, CLASSES)
    assert (runner.report["images"], runner.report["batch"]) == (IMAGES, IMAGES)
    # The last batch has fewer images than it has room for, but of 13 and 1.
    for most, size in ((1, 1), (2, 2), (5, 5), (8, 7), (13, 13), (100, 13)):
        found = runner.run(given, implementation, "--batch", str(most))["image.out"]
        assert runner.report["batch"] == size
        np.testing.assert_array_equal(found, whole)
        assert runner.said.splitlines()[-1] == f"images: {IMAGES}/{IMAGES}"


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_memory_does_not_grow_with_the_images(runner: Runner, implementation: str) -> None:
    peaks = {}
    for count in (16, 256):
        runner.run({"image": images(count, 224)}, implementation, "--batch", "8")
        peaks[count] = runner.report["peak_memory_bytes"], runner.report["peak_arena_bytes"]
    assert peaks[16][1] == peaks[256][1]
    # 240 images more are 138 MiB more of input.
    assert abs(peaks[256][0] - peaks[16][0]) < 4 * MIB
    assert peaks[16][0] > 4 * MIB


def test_every_input_comes_in_batches(
    toolchain: Container, riscv64_programs: Path, scratch: Path, root: Path
) -> None:
    package = write_package(scratch / "double", ("left", "right"))
    runner = Runner(toolchain, riscv64_programs, package, root)
    given = {"left": images(5, 8, 1), "right": images(5, 12, 2)}
    whole = runner.run(given, "colnm_dense")
    found = runner.run(given, "colnm_dense", "--batch", "2")
    for name in ("left.out", "right.out"):
        np.testing.assert_array_equal(found[name], whole[name])
    uneven = {"left": given["left"], "right": given["right"][:4]}
    # All at once they may differ.
    assert len(runner.run(uneven, "colnm_dense")["right.out"]) == 4
    with pytest.raises(
        ColonnadeError, match="'right' has 4 images, 'left' 5; allowed with --batch"
    ):
        runner.run(uneven, "colnm_dense", "--batch", "2")


def test_more_than_all_images_are_one_batch(runner: Runner) -> None:
    given = {"image": images(2, 32)}
    runner.run(given, "colnm_dense", "--batch", str(2**64 - 1))
    assert (runner.report["images"], runner.report["batch"]) == (2, 2)


def test_what_cannot_run_is_refused(runner: Runner) -> None:
    given = {"image": images(2, 8)}
    for arguments in (["--batch", "0"], ["--batch", "2", "--repetitions", "2"]):
        with pytest.raises(ColonnadeError, match="--batch"):
            runner.run(given, "colnm_dense", *arguments)
    # 7 GiB of images, and as much again where they lie in planes.
    with pytest.raises(
        ColonnadeError, match=r"a batch of 600 images.*allowed: fewer, with --batch"
    ):
        runner.run(Empty(600, 1024), "colnm_dense")
    with pytest.raises(ColonnadeError, match=r"expected F32 \[batch, 3, height, width\]"):
        runner.run({"image": np.zeros((2, 4, 8, 8), np.float32)}, "colnm_dense")
    with pytest.raises(ColonnadeError, match="input tensor 'image' is missing"):
        runner.run({"picture": given["image"]}, "colnm_dense")
