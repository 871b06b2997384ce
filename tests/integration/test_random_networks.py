# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks drawn over all layer types, on emulated RISC-V against PyTorch in float64.

All of them go into one package side by side, so that a run of the emulator has every one; on this
machine each has a package of its own. `make networks-nightly` draws more.
"""

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import colonnade
from colonnade.container import Container
from colonnade.models.builder import Builder
from colonnade.models.fusion import fused
from colonnade.models.graph import Input
from colonnade.models.layers import LAYERS, Node, Slice, Unary
from colonnade.models.module import Network
from colonnade.targets.emulator import emulator
from tests.unit.models.graphs import images, random_network

from ..conftest import RecordRow
from .side_by_side import Array, SideBySide, difference
from .untrained import write_networks

WHOLE = os.environ.get("COLONNADE_WHOLE_NETWORKS") == "1"
HOST_SEEDS = [range(n, n + 100) for n in range(0, 500, 100)] if WHOLE else [range(40)]
SEEDS = range(100 if WHOLE else 60)
VECTOR_LENGTHS = (128, 256, 512, 1024)
TITLE = "random networks: largest error of an output against PyTorch float64, of its largest number"


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
    if keys["op"] == "unary":
        return keys["function"] not in ("gelu_tanh", "mish", "softplus", "erf")
    if keys["op"] == "pad":
        return "mode" not in keys
    if keys["op"] == "slice":
        return bool(keys["step"] == [1, 1, 1])
    if keys["op"] == "global_pool":
        return bool(keys["function"] == "avg")
    return bool(keys["op"] not in ("local_response_norm", "group_norm"))


def _together(outputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _expected(seed: int, network: Network) -> list[Array]:
    """What PyTorch makes of its images in float64, once they are rounded to float32."""
    rounded = (each.float().double() for each in images(seed, network.graph))
    with torch.inference_mode():
        return [each.numpy() for each in _together(network(*rounded))]


def _largest_error(
    made: dict[str, list[Array]], expected: dict[str, list[Array]], error: float
) -> float:
    """The largest error of all outputs, as `difference` has it; none is above `error`."""
    off = {
        f"seed {seed}, output {index}": difference(own, good)
        for seed, outputs in expected.items()
        for index, (own, good) in enumerate(zip(made[seed], outputs, strict=True))
    }
    assert len(off) >= len(expected) > 0
    wrong = {name: each for name, each in off.items() if not each <= error}
    assert not wrong
    return max(off.values())


@dataclass(frozen=True)
class Networks:
    """A package with some networks, and what PyTorch makes of them."""

    package: SideBySide
    expected: dict[str, list[Array]]

    @staticmethod
    def of(folder: Path, networks: dict[int, Network]) -> "Networks":
        named = {str(seed): network for seed, network in networks.items()}
        inputs = {
            str(seed): [each.numpy() for each in images(seed, network.graph)]
            for seed, network in networks.items()
        }
        expected = {str(seed): _expected(seed, network) for seed, network in networks.items()}
        return Networks(SideBySide(folder, named, inputs), expected)

    def check(self, command: list[str], toolchain: Container, root: Path, error: float) -> float:
        """Run it under the emulator; no output is off by more than `error`, and the most is returned."""
        return _largest_error(self.package.emulated(command, toolchain, root), self.expected, error)


@pytest.fixture(scope="module")
def networks() -> dict[int, Network]:
    return {seed: random_network(seed) for seed in SEEDS}


@pytest.fixture(scope="module")
def all_networks(networks: dict[int, Network], scratch: Path) -> Networks:
    return Networks.of(scratch / "all", networks)


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
    record_row: RecordRow,
) -> None:
    command = _command(riscv64_programs, root, vlen, implementation, "f32")
    off = all_networks.check(command, toolchain, root, 2.0**-13)
    record_row(TITLE, f"seeds 0 to {SEEDS[-1]}, VLEN {vlen}, {implementation}, f32: {off:.1e}")


@pytest.mark.parametrize("seeds", HOST_SEEDS, ids=lambda each: f"seeds {each[0]} to {each[-1]}")
@pytest.mark.usefixtures("host_programs")
def test_networks_in_this_process_match_torch(
    scratch: Path, seeds: range, record_row: RecordRow
) -> None:
    made, expected = {}, {}
    for seed in seeds:
        network, name = random_network(seed), str(seed)
        write_networks(scratch / name, {"": network})
        expected[name] = _expected(seed, network)
        given = [each.float().numpy() for each in images(seed, network.graph)]
        with colonnade.load(scratch / name) as net:
            outputs = net(*given)
        made[name] = list(outputs) if isinstance(outputs, tuple) else [outputs]
    off = _largest_error(made, expected, 1e-4)
    record_row(TITLE, f"seeds {seeds[0]} to {seeds[-1]}, this machine, f32: {off:.1e}")


@pytest.mark.parametrize("vlen", VECTOR_LENGTHS)
def test_networks_of_half_precision_match_torch(
    toolchain: Container,
    riscv64_programs: Path,
    all_networks: Networks,
    root: Path,
    vlen: int,
    record_row: RecordRow,
) -> None:
    command = _command(riscv64_programs, root, vlen, "colnm_direct", "f16")
    off = all_networks.check(command, toolchain, root, 2.0**-4)
    record_row(TITLE, f"seeds 0 to {SEEDS[-1]}, VLEN {vlen}, colnm_direct, f16: {off:.1e}")


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
    Networks.of(scratch / "known", known).check(command, toolchain, root, 2.0**-13)
    report = json.loads((scratch / "known" / "report.json").read_text("utf-8"))
    assert report["implementation"] == "xnnpack_nhwc_dense"


def _arena_of_a_slice(
    folder: Path, toolchain: Container, programs: Path, root: Path, **bounds: list[int | None]
) -> int:
    """The memory that a network takes which is a part of its images, and a function of that."""
    net = Builder(Input(name="image", channels=8))
    keys = {"begin": [4, 0, 0], "end": [None] * 3, "step": [1] * 3} | bounds
    net.node(Slice(name="part", input="image", output="part", **keys))
    net.node(Unary(name="made", input="part", output="made", function="relu"))
    network = Network(net.graph("made"))
    image = np.random.default_rng(5).normal(size=(1, 8, 96, 95))
    package = SideBySide(folder, {"0": network}, {"0": [image]})
    made = package.emulated(_command(programs, root, 256, "colnm_direct", "f32"), toolchain, root)
    part = image[:, slice(*(each[0] for each in keys.values()))]
    rows = slice(*(each[1] for each in keys.values()))
    assert difference(made["0"][0], np.maximum(part[:, :, rows], 0)) < 1e-6
    return int(json.loads((folder / "report.json").read_text("utf-8"))["peak_arena_bytes"])


def test_channels_that_follow_each_other_are_no_copy(
    toolchain: Container, riscv64_programs: Path, scratch: Path, root: Path
) -> None:
    shared = (toolchain, riscv64_programs, root)
    kept = _arena_of_a_slice(scratch / "channels", *shared)
    copied = _arena_of_a_slice(scratch / "rows", *shared, end=[None, 95, None])
    # Four planes of 95 rows.
    assert copied - kept > 0.9 * 4 * 95 * 95 * 4
