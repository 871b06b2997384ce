# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Packages: what is exported of each pattern, exact to the bit, and refused when damaged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.config.data import ImageNetConfig
from colonnade.config.pruning import Pattern, Recipe
from colonnade.config.training import TrainingConfig
from colonnade.models.fusion import fused
from colonnade.package.archive import read_package
from colonnade.package.export import export_package
from colonnade.pruning.plan import LayerPlan
from colonnade.training.checkpoint import read_checkpoint
from colonnade.training.stages import prune_and_finetune

from .unpacked import dense_weight, mask_of

PLAN = {
    "layer1.0.conv1": LayerPlan(pattern=Pattern(n=1, m=4), tile=8),
    "layer1.0.conv2": LayerPlan(pattern=Pattern(method="row-wise", n=2, m=4), tile=1),
    "layer1.1.conv1": LayerPlan(
        pattern=Pattern(method="unstructured", m="full", sparsity=0.5), tile=1
    ),
    "layer1.1.conv2": LayerPlan(pattern=Pattern(method="filters", m="full", sparsity=0.5), tile=1),
    "layer2.0.conv1": LayerPlan(pattern=Pattern(m="full", sparsity=0.875), tile=14),
}


@pytest.fixture(scope="module")
def mixed_checkpoint(
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Every method in one network, its channels permuted."""
    path = tmp_path_factory.mktemp("mixed") / "mixed.safetensors"
    phase = tiny_training.finetune.model_copy(update={"epochs": 1})
    training = tiny_training.model_copy(update={"finetune": phase})
    recipe = Recipe(permute=True)
    metrics = path.with_suffix(".csv")
    prune_and_finetune(dense_checkpoint, PLAN, recipe, folder_data, training, 1, path, metrics)
    return path


def test_packages_hold_exactly_the_folded_weights(mixed_checkpoint: Path, tmp_path: Path) -> None:
    export_package(mixed_checkpoint, tmp_path / "package")
    package = read_package(tmp_path / "package")
    model = read_checkpoint(mixed_checkpoint).model()
    convs = fused(model.graph).convs
    assert len(convs) == 20
    for conv in convs:
        weight, bias = conv.folded(model)
        assert np.array_equal(dense_weight(package, conv.name), weight.astype(np.float32))
        assert np.array_equal(package.tensors[f"{conv.name}.bias"], bias.astype(np.float32))


def test_patterns_and_tiles_are_told_per_node(mixed_checkpoint: Path, tmp_path: Path) -> None:
    export_package(mixed_checkpoint, tmp_path / "package")
    package = read_package(tmp_path / "package")
    described = {name: (package.node(name)["pattern"], package.node(name)["tile"]) for name in PLAN}
    assert described == {
        "layer1.0.conv1": ({"n": 1, "m": 4}, 8),
        "layer1.0.conv2": ({"n": 2, "m": 4}, 1),
        # No tile packs these: dense, with zeros.
        "layer1.1.conv1": (None, None),
        "layer1.1.conv2": (None, None),
        "layer2.0.conv1": ({"sparsity": 0.875, "m": "full"}, 14),
    }
    zeros = {name: float((dense_weight(package, name) == 0).mean()) for name in PLAN}
    assert zeros["layer1.1.conv1"] == pytest.approx(0.5, abs=1e-3)
    assert zeros["layer1.1.conv2"] == 0.5
    masks = read_checkpoint(mixed_checkpoint).masks
    for name in ("layer1.0.conv1", "layer1.0.conv2", "layer2.0.conv1"):
        mask = mask_of(package, name)
        assert mask is not None
        assert np.array_equal(mask.keep, masks[name].keep)


def _edited(checkpoint: Path, folder: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    """A package whose graph.json is another one."""
    export_package(checkpoint, folder)
    graph = json.loads((folder / "graph.json").read_text())
    edit(graph)
    (folder / "graph.json").write_text(json.dumps(graph))
    return folder


def test_residuals_are_told_per_node(mixed_checkpoint: Path, tmp_path: Path) -> None:
    export_package(mixed_checkpoint, tmp_path / "package")
    nodes = read_package(tmp_path / "package").graph["nodes"]
    assert not [node for node in nodes if node["op"] == "add"]
    residuals = {node["name"]: node["residual"] for node in nodes if node["op"] == "conv2d"}
    assert residuals["layer1.0.conv1"] is None
    assert residuals["layer1.0.conv2"] == "maxpool"
    assert residuals["layer2.0.conv2"] == "layer2.0.downsample.1"
    assert sum(each is not None for each in residuals.values()) == 8
    made = [node["output"] for node in nodes]
    for index, node in enumerate(nodes):
        assert node.get("residual") in {None, *made[:index]}


def _conv2(graph: dict[str, Any]) -> dict[str, Any]:
    (node,) = (each for each in graph["nodes"] if each["name"] == "layer2.0.conv2")
    found: dict[str, Any] = node
    return found


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda graph: graph.update(version=1), "of version 1; expected .* of version 3"),
        (lambda graph: _conv2(graph).pop("residual"), "node 'layer2.0.conv2': residual: Field req"),
        (lambda graph: _conv2(graph).update(residual=3), "node 'layer2.0.conv2': residual: 3"),
        (lambda graph: _conv2(graph).update(residual="x"), "input 'x' does not exist"),
        (
            lambda graph: _conv2(graph).update(residual="maxpool"),
            r"residual: 'maxpool' is a map \[N, 64, H, W\]; needed: a map \[N, 128, H, W\]",
        ),
        (lambda graph: _conv2(graph).update(op="relu"), "node 'layer2.0.conv2': op: "),
    ],
)
def test_graphs_that_do_not_fit_are_refused(
    mixed_checkpoint: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], object], words: str
) -> None:
    folder = _edited(mixed_checkpoint, tmp_path / "package", edit)
    with pytest.raises(ColonnadeError, match=rf"graph\.json: .*{words}"):
        read_package(folder)


@pytest.mark.parametrize("damage", ["truncated", "graph", "missing"])
def test_damaged_packages_are_refused(mixed_checkpoint: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "package"
    export_package(mixed_checkpoint, folder)
    weights, graph = folder / "weights.safetensors", folder / "graph.json"
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-4])
    elif damage == "missing":
        weights.unlink()
    else:
        values = json.loads(graph.read_text())
        values["nodes"][3]["tile"] = 5
        graph.write_text(json.dumps(values))
    with pytest.raises(ColonnadeError, match=r"damaged|no such file"):
        read_package(folder)


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_damaged_checkpoints_export_nothing(
    mixed_checkpoint: Path, tmp_path: Path, kept: int
) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(mixed_checkpoint.read_bytes()[:kept])
    with pytest.raises(ColonnadeError, match=r"broken\.safetensors: damaged checkpoint"):
        export_package(path, tmp_path / "package")
    assert not (tmp_path / "package").exists()
