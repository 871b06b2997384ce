# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How many columns a pattern keeps: one number in the mask, the bench, the package and the runner."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from colonnade.common.files import sha256_file
from colonnade.config.pruning import Pattern
from colonnade.container import Container
from colonnade.package.archive import compress, read_package
from colonnade.pruning.mask import make_mask
from colonnade.targets.emulator import emulator
from tests.unit.package.unpacked import mask_of

from . import schedules

EMULATOR = emulator(256, half_precision=False)
GROUPS = [Pattern(n=n, m=m) for m in range(2, 65) for n in range(1, m)]
# Primes, and sizes of convolutions that few groups divide.
REDUCTIONS = (1, 61, 67, 127, 147, 576, 1153)
DECIMALS = (
    *(f"0.{digits}" for digits in ("1", "2", "3", "4", "5", "6", "7", "8", "9", "75", "875")),
    *(f"0.{digits}" for digits in ("333333", "666667", "9995", "001", "123456789", "999999999")),
)


def conv(k: int) -> str:
    """A convolution of `k` columns and one multiplication with each of them."""
    return f"n1c{k}h1w1-o1-k1x1-s1-p0-d1"


@pytest.fixture(scope="module")
def kept(toolchain: Container, riscv64_programs: Path, root: Path) -> Any:
    """Columns that the bench keeps: by (K, option) in the order of the option's values."""
    program = str(riscv64_programs.relative_to(root) / "colonnade-bench")

    def kept(option: str, values: list[str]) -> dict[int, list[int]]:
        convs = ",".join(map(conv, REDUCTIONS))
        arguments = ["--conv", convs, "--tile", "1", "--dry-run", option, ",".join(values)]
        lines = toolchain.run([*EMULATOR, program, *arguments]).stdout.splitlines()
        found: dict[int, list[int]] = {k: [] for k in REDUCTIONS}
        for line in map(json.loads, lines):
            assert line["useful_macs"] == line["kept"]
            assert line["cycles"] is line["ms"] is None
            found[line["macs"]].append(line["kept"])
        return found

    return kept


def test_bench_and_mask_keep_as_many_of_every_group(kept: Any) -> None:
    found = kept("--keep", [f"{pattern.n}:{pattern.m}" for pattern in GROUPS])
    rng = np.random.default_rng(0)
    for k in REDUCTIONS:
        weight = rng.standard_normal((1, k))
        assert found[k] == [make_mask(weight, pattern, 1).kept for pattern in GROUPS], k
    # What rounded decimals got wrong.
    assert Pattern(n=2, m=3).keeps(576) == found[576][GROUPS.index(Pattern(n=2, m=3))] == 384


def test_bench_and_mask_keep_as_many_of_all_columns(kept: Any) -> None:
    found = kept("--sparsity", list(DECIMALS))
    for k in REDUCTIONS:
        patterns = [Pattern(m="full", sparsity=float(text)) for text in DECIMALS]
        assert found[k] == [pattern.keeps(k) for pattern in patterns], k
        whole = kept("--keep", [":".join(map(str, pattern.group(k))) for pattern in patterns])
        assert whole[k] == found[k]


def write_package(folder: Path, patterns: list[Pattern], channels: int) -> None:
    """A chain of pointwise convolutions, one for each pattern, and an image of one pixel."""
    rng = np.random.default_rng(channels)
    nodes: list[dict[str, Any]] = []
    tensors = {}
    for number, pattern in enumerate(patterns):
        name = f"conv{number}"
        weight = rng.uniform(-1, 1, (channels, channels)).astype(np.float32)
        mask = make_mask(weight, pattern, 8)
        tensors[f"{name}.values"] = compress(weight, mask)
        tensors[f"{name}.columns"] = mask.columns.astype(np.int32)
        tensors[f"{name}.bias"] = np.zeros(channels, dtype=np.float32)
        node = {
            **{"op": "conv2d", "name": name, "output": f"{name}.out"},
            **{"input": f"conv{number - 1}.out" if number else "image"},
            **{"in_channels": channels, "out_channels": channels, "groups": 1, "kernel": [1, 1]},
            **{"stride": [1, 1], "padding": [0] * 4, "dilation": [1, 1], "residual": None},
            **{"activation": "none", "pattern": pattern.to_json(), "tile": mask.tile},
        }
        nodes.append(node)
    folder.mkdir()
    save_file(tensors, folder / "weights.safetensors")
    graph = {
        **{"format": "colonnade-package", "version": 3, "model": "chain", "dtype": "f32"},
        **{"checkpoint_sha256": "0" * 64},
        "weights_sha256": sha256_file(folder / "weights.safetensors"),
        "inputs": [{"name": "image", "channels": channels}],
        "outputs": [nodes[-1]["output"]],
        "nodes": nodes,
    }
    (folder / "graph.json").write_text(json.dumps(graph))
    image = rng.uniform(-1, 1, (1, channels, 1, 1)).astype(np.float32)
    save_file({"image": image}, folder / "input.safetensors")


@pytest.mark.parametrize("channels", [61, 147])
def test_package_and_runner_keep_as_many(
    toolchain: Container, riscv64_programs: Path, root: Path, scratch: Path, channels: int
) -> None:
    """And a schedule is found by that number."""
    patterns = [*GROUPS[::23], Pattern(n=2, m=3), Pattern(m="full", sparsity=0.9995)]
    folder = scratch / f"chain-{channels}"
    write_package(folder, patterns, channels)
    package = read_package(folder)
    expected = [pattern.keeps(channels) for pattern in patterns]
    masks = [mask_of(package, f"conv{number}") for number in range(len(patterns))]
    assert [mask.kept for mask in masks if mask is not None] == expected
    shape = f"n1c{channels}h1w1-o{channels}-k1x1-s1-p0-d1"
    # As many panels as columns: what ran tells which key was found.
    convs = {
        f"{shape}|k{count}": {**schedules.DIRECT, "tile": 8, "panels": count} for count in expected
    }
    schedules.write(folder / "schedules.json", convs)
    where = folder.relative_to(root)
    toolchain.run(
        [
            *(*EMULATOR, str(riscv64_programs.relative_to(root) / "colonnade-run")),
            *("--package", str(where), "--implementation", "colnm_tuned"),
            *("--schedules", str(where / "schedules.json")),
            *("--input", str(where / "input.safetensors")),
            *("--output", str(where / "output.safetensors")),
            *("--report", str(where / "report.json")),
        ]
    )
    report = json.loads((folder / "report.json").read_text())
    layers = [layer for layer in report["layers"] if layer["op"] == "conv2d"]
    assert [layer["useful_macs"] for layer in layers] == [channels * count for count in expected]
    assert {layer["schedule_source"] for layer in layers} == {"tuned"}
    assert [layer["schedule"] for layer in layers] == [
        f"direct:8:2:{count}:1" for count in expected
    ]
