# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks drawn over all layer types, on emulated RISC-V against PyTorch in float64.

All of them go into one package side by side, so that a run of the emulator has every one.
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from colonnade.container import Container
from colonnade.models.fusion import fused
from colonnade.models.layers import LAYERS, Node
from colonnade.models.module import Network
from colonnade.targets.emulator import emulator
from tests.unit.models.graphs import images, random_network

from . import schedules
from .untrained import write_networks

SEEDS = range(60)
VECTOR_LENGTHS = (128, 256, 512, 1024)


def _is_in_nhwc(node: Node) -> bool:
    """Whether this XNNPACK has an operator for a node, by the words of the runner's refusals."""
    keys = node.model_dump()
    if keys["op"] in ("max_pool2d", "avg_pool2d"):
        strides = zip(keys["stride"], keys["kernel"], strict=True)
        fits = not keys["ceil_mode"] and keys["kernel"] != [1, 1]
        fits = fits and all(stride <= kernel for stride, kernel in strides)
        return fits and not (keys.get("count_include_pad") and any(keys["padding"]))
    if keys["op"] == "upsample2d":
        scale = keys["scale"] or [1.0]
        return keys["mode"] == "bilinear" and all(each.is_integer() for each in scale)
    if keys["op"] == "global_pool":
        return bool(keys["function"] == "avg")
    return bool(keys["op"] != "local_response_norm")


class Networks:
    """A package with some networks, its input, and what PyTorch makes of it."""

    def __init__(self, folder: Path, networks: dict[int, Network]) -> None:
        self.folder = folder
        write_networks(folder, {f"{seed}.": network for seed, network in networks.items()})
        inputs: dict[str, NDArray[np.float32]] = {}
        self.expected: dict[str, NDArray[np.float64]] = {}
        for seed, network in networks.items():
            tensors = [each.float() for each in images(seed, network.graph)]
            names = [each.name for each in network.graph.inputs]
            inputs |= {f"{seed}.{name}": x.numpy() for name, x in zip(names, tensors, strict=True)}
            with torch.inference_mode():
                outputs = network(*(each.double() for each in tensors))
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            # What is left out while training is over may have made an output.
            for name, output in zip(fused(network.graph).outputs, outputs, strict=True):
                self.expected[f"{seed}.{name}"] = output.numpy()
        save_file(inputs, folder / "input.safetensors")
        schedules.write(folder / "schedules.json", schedules.cover(folder))

    def check(self, command: list[str], toolchain: Container, root: Path, error: float) -> None:
        """Run it; the largest error of an output is at most `error` times the largest number in it."""
        where = self.folder.relative_to(root)
        files = {key: str(where / f"{key}.safetensors") for key in ("input", "output")}
        toolchain.run(
            [
                *command,
                *("--package", str(where), "--schedules", str(where / "schedules.json")),
                *("--input", files["input"], "--output", files["output"]),
                *("--report", str(where / "report.json")),
            ]
        )
        actual = load_file(self.folder / "output.safetensors")
        assert set(actual) == set(self.expected)
        for name, expected in self.expected.items():
            assert actual[name].shape == expected.shape
            largest = np.abs(expected).max()
            off = np.abs(actual[name] - expected).max() / max(largest, 1.0)
            assert off <= error, f"seed and output {name}: off by {off} of {largest}"


@pytest.fixture(scope="module")
def networks() -> dict[int, Network]:
    return {seed: random_network(seed) for seed in SEEDS}


@pytest.fixture(scope="module")
def all_networks(networks: dict[int, Network], scratch: Path) -> Networks:
    return Networks(scratch / "all", networks)


def _command(programs: Path, root: Path, vlen: int, implementation: str, dtype: str) -> list[str]:
    program = str(programs.relative_to(root) / "colonnade-run")
    return [*emulator(vlen), program, "--implementation", implementation, "--dtype", dtype]


def test_every_layer_type_is_drawn(networks: dict[int, Network]) -> None:
    drawn = Counter(node.op for network in networks.values() for node in fused(network.graph).nodes)
    assert set(drawn) == {layer.model_fields["op"].default for layer in LAYERS if layer.is_packaged}


@pytest.mark.parametrize("implementation", ["colnm_direct", "colnm_packed"])
@pytest.mark.parametrize("vlen", VECTOR_LENGTHS)
def test_networks_match_torch(
    toolchain: Container,
    riscv64_programs: Path,
    all_networks: Networks,
    root: Path,
    vlen: int,
    implementation: str,
) -> None:
    command = _command(riscv64_programs, root, vlen, implementation, "f32")
    all_networks.check(command, toolchain, root, 2.0**-13)


@pytest.mark.parametrize("vlen", VECTOR_LENGTHS)
def test_networks_of_half_precision_match_torch(
    toolchain: Container, riscv64_programs: Path, all_networks: Networks, root: Path, vlen: int
) -> None:
    command = _command(riscv64_programs, root, vlen, "colnm_direct", "f16")
    all_networks.check(command, toolchain, root, 2.0**-4)


def test_reference_implementation_matches_torch(
    toolchain: Container,
    riscv64_programs: Path,
    networks: dict[int, Network],
    scratch: Path,
    root: Path,
) -> None:
    known = {
        seed: network
        for seed, network in networks.items()
        if all(_is_in_nhwc(node) for node in fused(network.graph).nodes)
    }
    assert len(known) >= 10
    command = _command(riscv64_programs, root, 256, "xnnpack_nhwc_dense", "f32")
    Networks(scratch / "known", known).check(command, toolchain, root, 2.0**-13)
    report = json.loads((scratch / "known" / "report.json").read_text("utf-8"))
    assert report["implementation"] == "xnnpack_nhwc_dense"
