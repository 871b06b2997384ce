# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Column-wise convolutions on emulated RISC-V against PyTorch in float64, at every vector length.

All random convolutions go into one package as independent nodes, so that a vector length costs one run
of the emulator.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from colonnade.container import Container
from colonnade.package.archive import write_package
from colonnade.targets.emulator import emulator

from . import schedules

CASES = 200
VECTOR_LENGTHS = (128, 256, 512, 1024)


@dataclass(frozen=True)
class RandomConv:
    """One convolution with its masked weights; `columns` is [tiles, kept]."""

    seed: int
    node: dict[str, object]
    image: NDArray[np.float32]
    dense: NDArray[np.float32]
    bias: NDArray[np.float32]
    columns: NDArray[np.int32]
    values: NDArray[np.float32]

    def expected(self) -> NDArray[np.float64]:
        """The convolution in float64, NCHW."""
        cout, kh, kw, cin = self.dense.shape
        weight = torch.from_numpy(self.dense.astype(np.float64)).permute(0, 3, 1, 2)
        assert weight.shape == (cout, cin, kh, kw)
        top, left, bottom, right = self.node["padding"]  # type: ignore[misc]
        image = torch.from_numpy(self.image.astype(np.float64))
        out = torch.nn.functional.conv2d(
            torch.nn.functional.pad(image, (left, right, top, bottom)),
            weight,
            torch.from_numpy(self.bias.astype(np.float64)),
            stride=self.node["stride"],  # type: ignore[arg-type]
            dilation=self.node["dilation"],  # type: ignore[arg-type]
        )
        return (out.relu() if self.node["activation"] == "relu" else out).numpy()


def draw(seed: int) -> RandomConv:
    """Strides 1-3, dilations 1-2, paddings 0-3 each side, kernels 1-7, odd sizes, any tile."""
    rng = np.random.default_rng(seed)
    while True:
        kernel, padding = rng.integers(1, 8, 2), rng.integers(0, 4, 4)
        stride, dilation = rng.integers(1, 4, 2), rng.integers(1, 3, 2)
        size = rng.integers(1, 20, 2)
        if np.all(size + padding[:2] + padding[2:] >= dilation * (kernel - 1) + 1):
            break
    batch, cin, cout = (int(rng.integers(1, high)) for high in (4, 9, 41))
    tile = int(rng.integers(1, 32))
    k = int(kernel.prod()) * cin
    kept = int(rng.integers(1, k + 1))
    tiles = math.ceil(cout / tile)
    columns = np.stack([np.sort(rng.permutation(k)[:kept]) for _ in range(tiles)]).astype(np.int32)
    weight = rng.uniform(-1, 1, (cout, k)).astype(np.float32)
    dense, values = np.zeros_like(weight), []
    for t in range(tiles):
        rows = slice(t * tile, min((t + 1) * tile, cout))
        dense[rows, columns[t]] = weight[rows, columns[t]]
        values.append(weight[rows, columns[t]].T.ravel())
    name = f"conv{seed}"
    node: dict[str, object] = {
        "op": "conv2d",
        "name": name,
        "input": f"in{seed}",
        "output": f"out{seed}",
        "in_channels": cin,
        "out_channels": cout,
        "kernel": kernel.tolist(),
        "stride": stride.tolist(),
        "padding": padding.tolist(),
        "groups": 1,
        "dilation": dilation.tolist(),
        "residual": None,
        "activation": str(rng.choice(["relu", "none"])),
        "pattern": {"sparsity": 0.5, "m": "full"},
        "tile": tile,
    }
    return RandomConv(
        seed,
        node,
        rng.uniform(-1, 1, (batch, cin, *size)).astype(np.float32),
        dense.reshape(cout, *kernel, cin),
        rng.uniform(-1, 1, cout).astype(np.float32),
        columns,
        np.concatenate(values),
    )


@pytest.fixture(scope="module")
def convs() -> list[RandomConv]:
    return [draw(seed) for seed in range(CASES)]


@pytest.fixture(scope="module")
def package(convs: list[RandomConv], scratch: Path) -> Path:
    """A directory with the package and its input, inside the checkout so that containers see it."""
    graph = {
        "format": "colonnade-package",
        "version": 3,
        "inputs": [{"name": c.node["input"], "channels": c.node["in_channels"]} for c in convs],
        "outputs": [c.node["output"] for c in convs],
        "nodes": [c.node for c in convs],
    }
    tensors = {}
    for c in convs:
        name = c.node["name"]
        tensors |= {
            f"{name}.values": c.values,
            f"{name}.columns": c.columns,
            f"{name}.bias": c.bias,
        }
    write_package(scratch, graph, tensors)
    save_file({str(c.node["input"]): c.image for c in convs}, scratch / "input.safetensors")
    schedules.write(scratch / "schedules.json", schedules.cover(scratch))
    return scratch


def run(
    toolchain: Container, programs: Path, package: Path, root: Path, vlen: int, implementation: str
) -> dict[str, NDArray[np.float32]]:
    where = package.relative_to(root)
    command = [
        *emulator(vlen),
        str(programs.relative_to(root) / "colonnade-run"),
        *("--package", str(where)),
        *("--implementation", implementation),
        *("--schedules", str(where / "schedules.json")),
        *("--input", str(where / "input.safetensors")),
        *("--output", str(where / "output.safetensors")),
        *("--report", str(where / "report.json")),
    ]
    toolchain.run(command)
    assert json.loads((package / "report.json").read_text())["vlen"] == vlen
    return load_file(package / "output.safetensors")


@pytest.mark.parametrize("implementation", ["colnm_packed", "colnm_direct", "xnnpack_nhwc_dense"])
@pytest.mark.parametrize("vlen", VECTOR_LENGTHS)
def test_random_convolutions_match_torch(
    toolchain: Container,
    riscv64_programs: Path,
    package: Path,
    convs: list[RandomConv],
    root: Path,
    vlen: int,
    implementation: str,
) -> None:
    actual = run(toolchain, riscv64_programs, package, root, vlen, implementation)
    compared = 0
    for conv in convs:
        expected = conv.expected()
        out = actual[str(conv.node["output"])].reshape(expected.shape)
        terms = conv.columns.shape[1] + 2
        # Rounding of a float32 sum of `terms` products below 1.
        np.testing.assert_allclose(
            out,
            expected,
            rtol=0,
            atol=terms**2 * 2.0**-24,
            err_msg=f"seed {conv.seed}: {conv.node}",
        )
        compared += 1
    assert compared == CASES
