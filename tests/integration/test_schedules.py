# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which schedule a convolution runs, and where it is said to come from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from colonnade.common.errors import ColonnadeError
from colonnade.config.model import ModelName
from colonnade.container import Container
from colonnade.models.architecture import conv_shapes
from colonnade.package.archive import write_package
from colonnade.pruning.plan import prunable_convs
from colonnade.targets.emulator import emulator
from colonnade.tuning.choice import schedule_key

from ..implementations import of_the_source
from . import schedules
from .pruned import HALF, export_pruned

CHANNELS = 8
IMAGE = (1, CHANNELS, 9, 7)
EMULATOR = emulator(256)
IMPLEMENTATIONS = {each.name: each for each in of_the_source()}
WITH_SCHEDULES = [name for name, each in IMPLEMENTATIONS.items() if each.needs_schedules]
WITHOUT_SCHEDULES = [name for name in IMPLEMENTATIONS if name not in WITH_SCHEDULES]


def conv(name: str, source: str, **other: Any) -> dict[str, Any]:
    """A dense 3x3 convolution of `CHANNELS` channels."""
    node = {"op": "conv2d", "name": name, "input": source, "output": f"{name}.out"}
    node |= {"in_channels": CHANNELS, "out_channels": CHANNELS, "kernel": [3, 3]}
    node |= {
        "stride": [1, 1],
        "padding": [1] * 4,
        "dilation": [1, 1],
        "groups": 1,
        "residual": None,
    }
    return node | {"activation": "relu", "pattern": None, "tile": None, **other}


def write_chain(folder: Path, nodes: list[dict[str, Any]], dropped: int = 1) -> None:
    """Write a package of convolutions; those with a tile keep all columns but the first ones."""
    rng = np.random.default_rng(len(nodes))
    tensors: dict[str, Any] = {}
    for node in nodes:
        name, kernel = node["name"], node["kernel"]
        shape = (CHANNELS, *kernel, CHANNELS)
        tensors[f"{name}.bias"] = rng.uniform(-1, 1, CHANNELS).astype(np.float32)
        if node["tile"] is None:
            tensors[f"{name}.weight"] = rng.uniform(-1, 1, shape).astype(np.float32)
            continue
        columns = np.arange(dropped, CHANNELS * kernel[0] * kernel[1], dtype=np.int32)
        tiles = -(-CHANNELS // node["tile"])
        values = rng.uniform(-1, 1, CHANNELS * len(columns))
        tensors[f"{name}.columns"] = np.tile(columns, (tiles, 1))
        tensors[f"{name}.values"] = values.astype(np.float32)
    folder.mkdir()
    graph = {"format": "colonnade-package", "version": 3}
    graph |= {"inputs": [{"name": "image", "channels": CHANNELS}], "nodes": nodes}
    write_package(folder, {**graph, "outputs": [nodes[-1]["output"]]}, tensors)


@dataclass(frozen=True)
class Runner:
    """Runs packages on emulated RISC-V."""

    toolchain: Container
    program: Path
    scratch: Path
    root: Path

    def layers(
        self,
        package: Path,
        implementation: str,
        convs: Mapping[str, schedules.Schedule] | None,
        *options: str,
        image: tuple[int, ...] = IMAGE,
    ) -> dict[str, dict[str, Any]]:
        """The report's convolutions by name; `convs` is what the schedules file holds."""
        where = self.scratch.relative_to(self.root)
        pixels = np.random.default_rng(0).uniform(-1, 1, image).astype(np.float32)
        save_file({"image": pixels}, self.scratch / "image.safetensors")
        given = list(options)
        if convs is not None:
            file = schedules.write(self.scratch / "tuned.json", convs)
            given += ["--schedules", str(where / file.name)]
        self.toolchain.run(
            [
                *EMULATOR,
                str(self.program.relative_to(self.root)),
                *("--package", str(package.relative_to(self.root))),
                *("--implementation", implementation),
                *("--input", str(where / "image.safetensors")),
                *("--output", str(where / "logits.safetensors")),
                *("--report", str(where / "report.json")),
                *given,
            ]
        )
        report = json.loads((self.scratch / "report.json").read_text("utf-8"))
        return {each["name"]: each for each in report["layers"] if each["op"] == "conv2d"}


@pytest.fixture(scope="module")
def runner(toolchain: Container, riscv64_programs: Path, scratch: Path, root: Path) -> Runner:
    return Runner(toolchain, riscv64_programs / "colonnade-run", scratch, root)


@pytest.fixture(scope="module")
def single(scratch: Path) -> Path:
    """One dense convolution."""
    write_chain(scratch / "single", [conv("only", "image")])
    return scratch / "single"


@pytest.fixture(scope="module")
def tiled(scratch: Path) -> Path:
    """One convolution in tiles of 4, which keeps 71 of 72 columns."""
    pattern = {"sparsity": 0.01, "m": "full"}
    write_chain(scratch / "tiled", [conv("only", "image", pattern=pattern, tile=4)])
    return scratch / "tiled"


def at(size: str, kept: int = 72) -> str:
    """The key of a convolution of those packages, with images of a size such as h9w7."""
    return f"n1c{CHANNELS}{size}-o{CHANNELS}-k3x3-s1-p1-d1|k{kept}"


@pytest.mark.parametrize("implementation", WITH_SCHEDULES)
def test_an_implementation_does_not_start_without_its_schedules(
    runner: Runner, single: Path, implementation: str
) -> None:
    with pytest.raises(ColonnadeError, match=f"--schedules: missing; {implementation} runs"):
        runner.layers(single, implementation, None)


@pytest.mark.parametrize("implementation", WITHOUT_SCHEDULES)
def test_an_implementation_without_schedules_needs_none(
    runner: Runner, single: Path, implementation: str
) -> None:
    only = runner.layers(single, implementation, None)["only"]
    fixed = IMPLEMENTATIONS[implementation].fixed_schedule
    assert only.get("schedule") == fixed
    assert only.get("schedule_source") == (None if fixed is None else "fixed")


MISSES = [
    ("colnm_tuned", {}, at("h9w7"), ""),
    ("colnm_direct", {at("h9w7"): schedules.DIRECT}, at("h9w7") + "|direct", ""),
    ("colnm_packed", {at("h9w7") + "|direct": schedules.DIRECT}, at("h9w7") + "|packed", ""),
    ("colnm_unfused", {at("h9w7") + "|direct": schedules.DIRECT}, at("h9w7") + "|packed", ""),
    ("xnnpack_spmm", {at("h9w7"): schedules.PACKED}, at("h9w7") + "|packed", ""),
    ("rownm", {at("h9w7", 70): schedules.DIRECT}, at("h9w7"), "it has k70"),
    ("colnm_dense", {at("h8w8", 70): schedules.DIRECT}, at("h9w7"), "it has k70"),
    # The same but for padding, channels, or a residual.
    ("colnm_tuned", {"n1c8h9w7-o8-k3x3-s1-p0-d1|k72": schedules.DIRECT}, at("h9w7"), ""),
    ("colnm_tuned", {"n1c8h9w7-o9-k3x3-s1-p1-d1|k72": schedules.DIRECT}, at("h9w7"), ""),
    ("colnm_tuned", {"n1c8h9w7-o8-k3x3-s1-p1-d1-r|k72": schedules.DIRECT}, at("h9w7"), ""),
]


@pytest.mark.parametrize(("implementation", "convs", "missing", "other"), MISSES)
def test_a_miss_names_file_node_and_key(
    runner: Runner, single: Path, implementation: str, convs: Any, missing: str, other: str
) -> None:
    with pytest.raises(ColonnadeError) as refused:
        runner.layers(single, implementation, convs)
    (line,) = (line for line in str(refused.value).splitlines() if "tuned.json" in line)
    assert f"tuned.json: has no schedule for node 'only', {missing}, nor for" in line
    assert line.endswith(other)


def test_the_entry_of_the_very_shape_comes_first(runner: Runner, single: Path) -> None:
    convs = {
        at("h9w7"): {**schedules.DIRECT, "panels": 3},
        at("h7w9"): {**schedules.DIRECT, "panels": 4},
        at("h9w7", 71): {**schedules.DIRECT, "panels": 5},
    }
    only = runner.layers(single, "colnm_tuned", convs)["only"]
    assert (only["schedule"], only["schedule_source"]) == ("direct:14:2:3:1", "tuned")
    assert "schedule_key" not in only
    assert "schedule_adapted" not in only


@pytest.mark.parametrize(
    ("sizes", "nearest"),
    [
        (["h64w64"], "h64w64"),
        (["h64w64", "h8w8", "h1w1"], "h8w8"),
        # 60 and 66 positions are as far from 63; the order of keys decides.
        (["h6w11", "h6w10", "h64w64"], "h6w10"),
        # Both have as many positions.
        (["h7w9", "h21w3"], "h21w3"),
    ],
)
def test_the_same_weights_at_another_size_are_said_to_be_that(
    runner: Runner, single: Path, sizes: list[str], nearest: str
) -> None:
    convs = {
        at(size): {**schedules.DIRECT, "panels": 3 + index} for index, size in enumerate(sizes)
    }
    only = runner.layers(single, "colnm_tuned", convs)["only"]
    assert only["schedule"] == f"direct:14:2:{3 + sizes.index(nearest)}:1"
    assert (only["schedule_source"], only["schedule_key"]) == ("other size", at(nearest))


def test_another_batch_is_another_size(runner: Runner, single: Path) -> None:
    convs = {at("h9w7"): schedules.DIRECT}
    only = runner.layers(single, "colnm_tuned", convs, image=(3, *IMAGE[1:]))["only"]
    assert (only["schedule_source"], only["schedule_key"]) == ("other size", at("h9w7"))


def adapted(
    runner: Runner, package: Path, schedule: schedules.Schedule, *options: str, kept: int = 71
) -> tuple[str, list[str]]:
    only = runner.layers(package, "colnm_tuned", {at("h9w7", kept): schedule}, *options)["only"]
    assert only["schedule_source"] == "tuned"
    return only["schedule"], only.get("schedule_adapted", [])


def test_what_ran_otherwise_is_named(runner: Runner, tiled: Path, scratch: Path) -> None:
    wanted = {"algorithm": "direct", "tile": 4, "lmul": 4, "panels": 2, "kc_splits": 3}
    assert adapted(runner, tiled, wanted) == ("direct:4:4:2:3", [])
    assert adapted(runner, tiled, {**wanted, "tile": 5}) == ("direct:4:4:2:3", ["tile"])
    assert adapted(runner, tiled, {**wanted, "lmul": 8}) == ("direct:4:4:2:3", ["lmul"])
    in_f16 = adapted(runner, tiled, {**wanted, "lmul": 1}, "--dtype", "f16")
    assert in_f16 == ("direct:4:1:2:1", ["kc_splits"])
    two_strides = [conv("only", "image", stride=[1, 2])]
    write_chain(scratch / "two strides", two_strides)
    convs = {at("h9w7").replace("-s1-", "-s1x2-"): wanted}
    only = runner.layers(scratch / "two strides", "colnm_tuned", convs)["only"]
    assert (only["schedule"], only["schedule_adapted"]) == ("packed:4:4:2:3", ["algorithm"])


@pytest.mark.parametrize("algorithm", ["winograd2", "winograd4"])
def test_winograds_algorithm_runs_what_keeps_all_columns_in_f32(
    runner: Runner, single: Path, scratch: Path, algorithm: str
) -> None:
    wanted = {**schedules.DIRECT, "algorithm": algorithm}
    assert adapted(runner, single, wanted, kept=72) == (f"{algorithm}:14:2:4:1", [])
    by_winograd = load_file(scratch / "logits.safetensors")
    assert adapted(runner, single, schedules.DIRECT, kept=72) == ("direct:14:2:4:1", [])
    for name, plain in load_file(scratch / "logits.safetensors").items():
        assert 0 < np.abs(by_winograd[name] - plain).max() < 1e-4
    in_f16 = adapted(runner, single, wanted, "--dtype", "f16", kept=72)
    assert in_f16 == ("packed:14:2:4:1", ["algorithm"])
    # Rather one that was tuned.
    convs = {at("h9w7"): wanted}
    for tuned in ({**schedules.PACKED, "panels": 3}, {**schedules.DIRECT, "panels": 5}):
        convs |= {f"{at('h9w7')}|{tuned['algorithm']}": tuned}
        only = runner.layers(single, "colnm_tuned", convs, "--dtype", "f16")["only"]
        assert only["schedule"] == ":".join(map(str, tuned.values()))
        assert "schedule_adapted" not in only


def test_a_mask_that_keeps_all_columns_does_not_run_by_winograds_algorithm(
    runner: Runner, scratch: Path
) -> None:
    """The key is that of a dense convolution."""
    pattern = {"sparsity": 0.01, "m": "full"}
    node = conv("only", "image", pattern=pattern, tile=4)
    write_chain(scratch / "all", [node], dropped=0)
    ran = adapted(runner, scratch / "all", {**schedules.WINOGRAD[0], "tile": 4}, kept=72)
    assert ran == ("packed:4:2:4:1", ["algorithm"])


@pytest.mark.parametrize(
    ("key", "change", "said"),
    [
        (at("h9w7"), {"kc_splits": 2}, "kc_splits: 2; allowed with winograd4: 1"),
        (at("h9w7", 71), {}, "algorithm: winograd4; allowed for it: all columns of a 3x3 kernel"),
        (at("h9w7").replace("-s1-", "-s2-"), {}, "algorithm: winograd4; allowed for it: all col"),
        (at("h9w7").replace("-d1", "-d2"), {}, "algorithm: winograd4; allowed for it: all col"),
    ],
)
def test_schedules_that_winograds_algorithm_has_not_are_refused(
    runner: Runner, single: Path, key: str, change: dict[str, int], said: str
) -> None:
    with pytest.raises(ColonnadeError) as refused:
        runner.layers(single, "colnm_tuned", {key: {**schedules.WINOGRAD[0], **change}})
    assert f"tuned.json: convs: {key}: {said}" in str(refused.value)


def test_two_readers_of_other_strides_pack(runner: Runner, scratch: Path) -> None:
    nodes = [conv("first", "image", stride=[2, 2]), conv("second", "image")]
    write_chain(scratch / "two readers", nodes)
    convs = schedules.cover(scratch / "two readers")
    found = runner.layers(scratch / "two readers", "colnm_direct", convs)
    assert found["first"]["schedule"] == "packed:14:2:4:1"
    assert found["first"]["schedule_adapted"] == ["algorithm"]
    assert found["second"]["schedule"] == "direct:14:2:4:1"
    assert "schedule_adapted" not in found["second"]


MODEL: ModelName = "resnet18"
TUNED_PX, TOP1_PX = 224, 32


def tuned_at_224_px() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Layer, key and schedule of each convolution, no schedule twice among those of a network.

    Layers of one shape have one schedule. Tiles need at most 8 registers a row with any LMUL.
    """
    seen: dict[str, dict[str, Any]] = {}
    for layer, shape in conv_shapes(MODEL, TUNED_PX, 1):
        kept = shape.reduction if layer == "conv1" else HALF.keeps(shape.reduction)
        key, number = schedule_key(shape, kept), len(seen)
        seen.setdefault(
            key,
            {
                # Only a reader of its own may pack: the shortcut reads what the branch reads.
                "algorithm": "packed" if shape.residual else "direct",
                "tile": 5 + number % 2,
                "lmul": 1 << number % 3,
                "panels": 2 + number,
                "kc_splits": 1 + number % 3,
            },
        )
        yield layer, key, seen[key]


def test_top1_runs_the_tuned_code_of_every_layer(runner: Runner, scratch: Path) -> None:
    """Profiled for images of 224 pixels, run with some of 32, as the rule `evaluate` does."""
    expected = {layer: (key, schedule) for layer, key, schedule in tuned_at_224_px()}
    tiles = {name: expected[name][1]["tile"] for name in prunable_convs(MODEL, ["conv1"])}
    export_pruned(scratch / "pruned", MODEL, tiles, TOP1_PX)
    convs = dict(expected.values())
    image = (2, 3, TOP1_PX, TOP1_PX)
    found = runner.layers(scratch / "pruned", "colnm_tuned", convs, image=image)
    assert found.keys() == expected.keys()
    assert len({layer["schedule"] for layer in found.values()}) == len(convs) > 10
    for name, layer in found.items():
        key, schedule = expected[name]
        assert (layer["schedule_source"], layer["schedule_key"]) == ("other size", key)
        assert layer["schedule"] == ":".join(map(str, schedule.values())), name
        assert "schedule_adapted" not in layer
