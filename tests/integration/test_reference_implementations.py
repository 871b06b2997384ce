# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The implementations that only serve comparison, on a small residual network on emulated RISC-V.

Its rows have columns of their own, so that every implementation runs the same package. There are two
images: XNNPACK's sparse operator wants them one after the other, ours the channels.
"""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from torch.nn.functional import conv2d, max_pool2d

from colonnade.common.errors import ColonnadeError
from colonnade.container import Container
from colonnade.package.archive import write_package
from colonnade.targets.emulator import emulator

from . import schedules

IMPLEMENTATIONS = ("rownm", "xnnpack_spmm", "colnm_unfused", "colnm_packed", "xnnpack_nhwc_dense")
CHANNELS = 12
IMAGE = (2, CHANNELS, 11, 9)
CONVS = {"expand": (1, "relu"), "spatial": (3, "relu"), "project": (1, "none"), "last": (1, "relu")}


def conv_node(name: str, source: str, tile: int, residual: str | None = None) -> dict[str, object]:
    kernel, activation = CONVS[name]
    return {
        "op": "conv2d",
        "name": name,
        "input": source,
        "output": f"{name}.out",
        "in_channels": CHANNELS,
        "out_channels": CHANNELS,
        "kernel": [kernel, kernel],
        "stride": [1, 1],
        "padding": [kernel // 2] * 4,
        "groups": 1,
        "dilation": [1, 1],
        "residual": residual,
        "activation": activation,
        "pattern": {"sparsity": 0.5, "m": "full"},
        "tile": tile,
    }


def add_node(name: str, first: str, second: str) -> dict[str, object]:
    inputs = [first, second]
    node = {"op": "binary", "function": "add", "name": name, "inputs": inputs, "output": name}
    return {**node, "activation": "relu"}


def write_test_package(folder: Path, tile: int) -> dict[str, NDArray[np.float64]]:
    """Write package and input; returns the dense weights and biases by tensor name."""
    rng = np.random.default_rng(tile)
    pool = {"kernel": [3, 3], "stride": [2, 2], "padding": [1] * 4, "dilation": [1, 1]}
    pool |= {"ceil_mode": False}
    nodes = [
        conv_node("expand", "image", tile),
        conv_node("spatial", "expand.out", tile, residual="image"),
        conv_node("project", "spatial.out", tile, residual="spatial.out"),
        add_node("sum", "project.out", "spatial.out"),
        {"op": "max_pool2d", "name": "pool", "input": "sum", "output": "pooled", **pool},
        conv_node("last", "pooled", tile),
    ]
    tensors, dense = {}, {}
    for name, (kernel, _) in CONVS.items():
        k = kernel * kernel * CHANNELS
        tiles = math.ceil(CHANNELS / tile)
        columns = np.stack([np.sort(rng.permutation(k)[: k // 2]) for _ in range(tiles)])
        values = rng.uniform(-1, 1, (tiles, k // 2, tile)).astype(np.float32)
        weight = np.zeros((CHANNELS, k))
        for t in range(tiles):
            weight[t * tile : (t + 1) * tile, columns[t]] = values[t].T
        bias = rng.uniform(-1, 1, CHANNELS).astype(np.float32)
        tensors[f"{name}.columns"] = columns.astype(np.int32)
        tensors[f"{name}.values"] = values.ravel()
        tensors[f"{name}.bias"] = bias
        dense[f"{name}.weight"] = weight.reshape(CHANNELS, kernel, kernel, CHANNELS)
        dense[f"{name}.bias"] = bias.astype(np.float64)
    graph = {
        "format": "colonnade-package",
        "version": 3,
        "inputs": [{"name": "image", "channels": CHANNELS}],
        "outputs": ["last.out"],
        "nodes": nodes,
    }
    folder.mkdir()
    write_package(folder, graph, tensors)
    image = rng.uniform(-1, 1, IMAGE).astype(np.float32)
    save_file({"image": image}, folder / "input.safetensors")
    schedules.write(folder / "schedules.json", schedules.cover(folder))
    return dense | {"image": image.astype(np.float64)}


def expected(tensors: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The network in float64."""

    def conv(name: str, x: torch.Tensor, residual: float | torch.Tensor = 0.0) -> torch.Tensor:
        weight = torch.from_numpy(tensors[f"{name}.weight"]).permute(0, 3, 1, 2)
        kernel, activation = CONVS[name]
        out = conv2d(x, weight, torch.from_numpy(tensors[f"{name}.bias"]), padding=kernel // 2)
        return (out + residual).relu() if activation == "relu" else out + residual

    image = torch.from_numpy(tensors["image"])
    around = conv("spatial", conv("expand", image), image)
    total = (conv("project", around, around) + around).relu()
    return np.asarray(conv("last", max_pool2d(total, 3, 2, 1)))


@pytest.fixture(scope="module")
def run(toolchain: Container, riscv64_programs: Path, root: Path) -> Any:
    program = riscv64_programs.relative_to(root) / "colonnade-run"

    def run(package: Path, implementation: str, vlen: int = 256) -> NDArray[np.float32]:
        where = package.relative_to(root)
        toolchain.run(
            [
                *(*emulator(vlen, half_precision=False), str(program)),
                *("--package", str(where), "--implementation", implementation),
                *("--schedules", str(where / "schedules.json")),
                *("--input", str(where / "input.safetensors")),
                *("--output", str(where / "output.safetensors")),
                *("--report", str(where / "report.json")),
            ]
        )
        return load_file(package / "output.safetensors")["last.out"]

    return run


@pytest.mark.parametrize("vlen", [128, 256, 1024])
def test_all_agree_with_float64(run: Any, scratch: Path, vlen: int) -> None:
    package = scratch / f"rows-{vlen}"
    reference = expected(write_test_package(package, tile=1))
    for implementation in IMPLEMENTATIONS:
        actual = run(package, implementation, vlen)
        np.testing.assert_allclose(actual, reference, rtol=1e-5, atol=1e-4, err_msg=implementation)


def test_rownm_refuses_rows_that_share_columns(run: Any, scratch: Path) -> None:
    package = scratch / "tiles"
    write_test_package(package, tile=2)
    with pytest.raises(ColonnadeError, match="node 'expand' has tile 2; rownm runs packages"):
        run(package, "rownm")


@pytest.mark.parametrize(
    ("node", "key", "value", "message"),
    [
        ("expand", "out_channels", 0, "node 'expand': out_channels: 0; allowed: a whole number"),
        (
            "spatial",
            "stride",
            [1, 0],
            "node 'spatial': stride: [1,0]; allowed: two whole numbers from 1",
        ),
        ("pool", "kernel", [0, 3], "node 'pool': kernel: [0,3]; allowed: two whole numbers from 1"),
        ("sum", "inputs", ["image"], "node 'sum': inputs: [\"image\"]; allowed: a list of 2 to 2"),
        ("last", "input", "nowhere", "node 'last': input 'nowhere' does not exist"),
    ],
)
def test_impossible_nodes_are_refused(
    run: Any, scratch: Path, node: str, key: str, value: Any, message: str
) -> None:
    package = scratch / f"wrong-{node}"
    write_test_package(package, tile=1)
    path = package / "graph.json"
    graph = json.loads(path.read_text())
    (wrong,) = (each for each in graph["nodes"] if each["name"] == node)
    wrong[key] = value
    path.write_text(json.dumps(graph))
    with pytest.raises(ColonnadeError, match=re.escape(message)):
        run(package, "colnm_direct")


def test_unpipelined_refuses_pruned_packages(run: Any, scratch: Path) -> None:
    package = scratch / "pruned"
    write_test_package(package, tile=1)
    with pytest.raises(ColonnadeError, match="is pruned; colnm_unpipelined runs dense packages"):
        run(package, "colnm_unpipelined")
