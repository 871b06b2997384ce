# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Arm's programs under emulation, on a CPU with FEAT_FP16 and on one without; and NEON's machine code."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from colonnade.common.paths import PACKAGE
from colonnade.config.pruning import Pattern
from colonnade.container import Container
from colonnade.package.optimize import optimize
from colonnade.targets.emulator import emulator_aarch64
from colonnade.training.checkpoint import read_checkpoint
from tests.unit.package.test_optimize import write_small

from . import schedules
from .googletest import passed
from .machine_code import disassembly, innermost_loops

PIXELS = 33


# Without FEAT_FP16, f16 is converted when it is loaded, and added up in f32; nothing else differs.
# Convolutions of seeds from 301 on are in f16.
OF_F16 = ("*F16*", "*/seed3??", "*/seed4??", "*RandomDepthwise*", "*RandomElements*")


@pytest.mark.parametrize(
    ("half_precision", "chosen", "least"),
    [(True, ["*"], 528), (False, OF_F16, 360)],
    ids=["fp16", "without-fp16"],
)
def test_kernels_and_operators_match_float64(
    toolchain: Container,
    aarch64_programs: Path,
    root: Path,
    half_precision: bool,
    chosen: Sequence[str],
    least: int,
) -> None:
    """The same random matrix as RISC-V's."""
    program = str(aarch64_programs.relative_to(root) / "colonnade-tests")
    command = emulator_aarch64(half_precision=half_precision)
    log = toolchain.run([*command, program, f"--gtest_filter={':'.join(chosen)}"]).stdout
    assert passed(log) >= least


@pytest.fixture(scope="module")
def expected(scratch: Path) -> NDArray[np.float32]:
    """What PyTorch computes of a network, of which the folder has the pruned package and the input."""
    source = write_small(scratch / "small.pt2", PIXELS, seed=8)
    optimize(source, scratch / "small", Pattern(m="full", sparsity=0.5), 4)
    image = torch.randn(2, 3, PIXELS, PIXELS, generator=torch.Generator().manual_seed(1))
    module = read_checkpoint(scratch / "small/pruned.safetensors").model()
    (given,) = module.graph.inputs
    save_file({given.name: image.numpy()}, scratch / "images.safetensors")
    schedules.write(scratch / "schedules.json", schedules.cover(scratch / "small" / PACKAGE))
    with torch.no_grad():
        return np.asarray(module(image))


@pytest.mark.parametrize("half_precision", [True, False], ids=["fp16", "without-fp16"])
@pytest.mark.parametrize(
    ("implementation", "dtype"),
    [
        ("xnnpack_nhwc_dense", "f32"),
        *itertools.product(["colnm_direct", "colnm_packed"], ["f32", "f16"]),
    ],
)
def test_a_pruned_network_computes_what_pytorch_does(
    toolchain: Container,
    aarch64_programs: Path,
    root: Path,
    scratch: Path,
    expected: NDArray[np.float32],
    implementation: str,
    dtype: str,
    half_precision: bool,
) -> None:
    where = scratch.relative_to(root)
    toolchain.run(
        [
            *emulator_aarch64(half_precision=half_precision),
            str(aarch64_programs.relative_to(root) / "colonnade-run"),
            *("--package", str(where / "small" / PACKAGE)),
            *("--schedules", str(where / "schedules.json")),
            *("--input", str(where / "images.safetensors")),
            *("--output", str(where / "logits.safetensors")),
            *("--report", str(where / "report.json")),
            *("--implementation", implementation, "--dtype", dtype),
        ]
    )
    (logits,) = load_file(scratch / "logits.safetensors").values()
    if dtype == "f32":
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
    else:
        assert 0 < np.abs(logits - expected).max() <= 2e-2 * np.abs(expected).max()


def test_no_loop_of_a_gemm_kernel_spills(
    toolchain: Container, aarch64_programs: Path, root: Path
) -> None:
    """A block of a tile, its weights and panel vectors fit the registers."""
    tables = (aarch64_programs / "generated/colnm-kernels.h").read_text("utf-8")
    listed = set(re.findall(r"void (xnn_\w+_colnm_gemm_\w+__neon\w*)\(", tables))
    assert len(listed) == (31 + 15 + 7 + 3) + 2 * (30 + 14 + 6)
    kernels = disassembly(toolchain, root, aarch64_programs / "colonnade-tests", listed)
    assert set(kernels) == listed
    for name, code in kernels.items():
        loops = [body for body in innermost_loops(code) if any("fmla" in each for each in body)]
        assert loops, name
        spilled = [each for body in loops for each in body if "[sp" in each]
        assert not spilled, f"{name}: {spilled[0]}"


@pytest.mark.parametrize(
    "source",
    [
        *("f32-elementwise-neon", "f16-elementwise-neon", "f16-elementwise-neonfp16"),
        *("x32-im2col-neon", "x16-im2col-neon", "f32-f16-im2col-neon"),
        *("f32-cnhw-pool-neon", "f16-cnhw-pool-neon"),
        *("f32-dwconv-neon", "f16-dwconv-neon", "f16-dwconv-neonfp16"),
    ],
)
def test_every_function_has_loops_of_vectors(
    toolchain: Container, aarch64_programs: Path, root: Path, source: str
) -> None:
    """What templates leave to the compiler too."""
    (file,) = aarch64_programs.rglob(f"{source}.c.o")
    functions = disassembly(toolchain, root, file)
    assert functions
    vector = re.compile(r"\bv\d+\.\d+[bhsd]\b|\bq\d+\b")
    for name, code in functions.items():
        assert any(vector.search(each) for body in innermost_loops(code) for each in body), name
