# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A whole network in f16 on emulated RISC-V against the same one in f32."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from colonnade.config.model import ModelName
from colonnade.container import Container
from colonnade.models.architecture import conv_shapes
from colonnade.pruning.plan import prunable_convs
from colonnade.targets.emulator import emulator
from colonnade.tuning.choice import schedule_key

from . import schedules
from .pruned import HALF, export_pruned

MODEL: ModelName = "resnet18"
IMAGE_PX = 32
BATCH = 2


@pytest.fixture(scope="module")
def pruned(scratch: Path) -> Path:
    """A package of an untrained network, half of its columns removed, and its input."""
    tiles = dict.fromkeys(prunable_convs(MODEL, ["conv1"]), 14)
    export_pruned(scratch / "pruned", MODEL, tiles, IMAGE_PX)
    image = np.random.default_rng(0).standard_normal((BATCH, 3, IMAGE_PX, IMAGE_PX))
    save_file({"image": image.astype(np.float32)}, scratch / "images.safetensors")
    convs = schedules.cover(scratch / "pruned")
    schedules.write(scratch / "schedules.json", convs)
    return scratch / "pruned"


def run(
    toolchain: Container,
    programs: Path,
    pruned: Path,
    root: Path,
    cpu: list[str],
    *arguments: str,
    schedule_file: str = "schedules.json",
) -> tuple[NDArray[np.float32], dict[str, str]]:
    """Logits, and the arithmetic of each convolution."""
    where = pruned.parent.relative_to(root)
    toolchain.run(
        [
            *cpu,
            str(programs.relative_to(root) / "colonnade-run"),
            *("--package", str(where / pruned.name)),
            *("--schedules", str(where / schedule_file)),
            *("--input", str(where / "images.safetensors")),
            *("--output", str(where / "logits.safetensors")),
            *("--report", str(where / "report.json")),
            *arguments,
        ]
    )
    (logits,) = load_file(pruned.parent / "logits.safetensors").values()
    report = json.loads((pruned.parent / "report.json").read_text("utf-8"))
    return logits, {e["name"]: e["arithmetic"] for e in report["layers"] if "arithmetic" in e}


@pytest.mark.parametrize(
    ("vlen", "implementation"),
    [
        (128, "colnm_direct"),
        (256, "colnm_direct"),
        (256, "colnm_packed"),
        (512, "colnm_direct"),
    ],
)
def test_logits_in_f16_are_those_in_f32_but_for_rounding(
    toolchain: Container,
    riscv64_programs: Path,
    pruned: Path,
    root: Path,
    vlen: int,
    implementation: str,
) -> None:
    def logits(dtype: str) -> tuple[NDArray[np.float32], dict[str, str]]:
        arguments = ("--implementation", implementation, "--dtype", dtype)
        return run(toolchain, riscv64_programs, pruned, root, emulator(vlen), *arguments)

    (exact, _), (half, arithmetics) = logits("f32"), logits("f16")
    assert set(arithmetics.values()) == {"f16", "f16_f32acc"}
    assert not np.array_equal(half, exact)
    # Weights, sums and activations of each layer are rounded to 11 bits: three errors of 2^-11 a layer,
    # were all of them as large as they can be and in one direction.
    error = np.linalg.norm(half - exact) / np.linalg.norm(exact)
    assert error <= 3 * len(arithmetics) * 2.0**-11


def test_schedules_in_parts_are_those_of_f32_alone(
    toolchain: Container, riscv64_programs: Path, pruned: Path, root: Path
) -> None:
    schedule = {"algorithm": "direct", "tile": 14, "lmul": 2, "panels": 4}
    kept = {
        conv: conv.reduction if name == "conv1" else HALF.keeps(conv.reduction)
        for name, conv in conv_shapes(MODEL, IMAGE_PX, BATCH)
    }

    def logits(dtype: str, kc_splits: int) -> NDArray[np.float32]:
        convs = {
            schedule_key(conv, count): {**schedule, "kc_splits": kc_splits}
            for conv, count in kept.items()
        }
        name = schedules.write(pruned.parent / f"schedules-{kc_splits}.json", convs).name
        arguments = ("--implementation", "colnm_tuned", "--dtype", dtype)
        programs, cpu = riscv64_programs, emulator(256)
        return run(toolchain, programs, pruned, root, cpu, *arguments, schedule_file=name)[0]

    whole, in_parts = logits("f32", 1), logits("f32", 3)
    assert not np.array_equal(whole, in_parts)
    np.testing.assert_allclose(in_parts, whole, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(logits("f16", 1), logits("f16", 3))


def test_a_cpu_without_vectors_of_f16_gets_the_same_network(
    toolchain: Container, riscv64_programs: Path, pruned: Path, root: Path
) -> None:
    def logits(cpu: list[str]) -> NDArray[np.float32]:
        arguments = ("--implementation", "colnm_direct", "--dtype", "f16")
        return run(toolchain, riscv64_programs, pruned, root, cpu, *arguments)[0]

    with_vectors = logits(emulator(256))
    in_c = logits(emulator(256, half_precision=False))
    error = np.linalg.norm(in_c - with_vectors) / np.linalg.norm(with_vectors)
    assert 0 < error <= 20 * 2.0**-11
