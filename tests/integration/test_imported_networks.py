# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A network that the `onnx` package ships, pruned and executed on emulated RISC-V."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from safetensors.numpy import load_file, save_file

from colonnade.config.pruning import Pattern
from colonnade.container import Container
from colonnade.package.optimize import PACKAGE, optimize
from colonnade.package.to_onnx import write_onnx
from colonnade.targets.emulator import emulator
from tests.unit.models.importing.test_whole_networks import FOLDER, with_random_weights

from . import schedules

IMAGE_PX = 64


@pytest.mark.parametrize("dtype", ["f32", "f16"])
def test_a_pruned_squeezenet_computes_what_onnxruntime_does(
    toolchain: Container, riscv64_programs: Path, scratch: Path, root: Path, dtype: str
) -> None:
    folder = scratch / dtype
    folder.mkdir()
    model = with_random_weights(onnx.load(FOLDER / "light_squeezenet.onnx"), seed=4)
    onnx.save(model, folder / "net.onnx")
    made = optimize(
        folder / "net.onnx", folder / "made", Pattern(m="full", sparsity=0.5), 8, IMAGE_PX
    )
    assert len(made.pruned) == 25
    # What other tools make of the pruned network.
    write_onnx(folder / "made/pruned.safetensors", folder / "pruned.onnx")
    session = onnxruntime.InferenceSession(folder / "pruned.onnx")
    name = session.get_inputs()[0].name
    image = np.random.default_rng(5).uniform(0, 1, (1, 3, IMAGE_PX, IMAGE_PX)).astype(np.float32)
    (expected,) = session.run(None, {name: image})
    assert np.ptp(expected) > 1e-3 * np.abs(expected).max()
    package = folder / "made" / PACKAGE
    schedules.write(folder / "schedules.json", schedules.cover(package))
    save_file({name: image}, folder / "input.safetensors")
    where = folder.relative_to(root)
    program = str(riscv64_programs.relative_to(root) / "colonnade-run")
    files = {each: f"{where / each}.safetensors" for each in ("input", "output")}
    toolchain.run(
        [
            *(*emulator(256), program, "--implementation", "colnm_direct", "--dtype", dtype),
            *("--package", str(package.relative_to(root))),
            *("--schedules", str(where / "schedules.json"), "--report", str(where / "report.json")),
            *("--input", files["input"], "--output", files["output"]),
        ]
    )
    (actual,) = load_file(folder / "output.safetensors").values()
    scale = np.abs(expected).max()
    off = np.abs(actual.reshape(expected.shape) - expected).max() / scale
    assert off <= {"f32": 1e-4, "f16": 2e-2}[dtype], off
