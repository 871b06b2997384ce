# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What a package is: every layer's weights, multiplications, schedule and time."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from colonnade.common.datatypes import F32_BYTES
from colonnade.common.errors import ColonnadeError, some
from colonnade.common.files import file_bytes, read_json
from colonnade.common.paths import GRAPH
from colonnade.models.graph import infer_shapes
from colonnade.models.layers import FullyConnected, Node
from colonnade.models.shapes import MapShape, Px, TensorShape, px_of, shown_px
from colonnade.package.archive import WEIGHTS, Package, read_package
from colonnade.package.graph import (
    Graph,
    Groups,
    PackedConv2d,
    Preprocessing,
    Share,
    check_graph,
)
from colonnade.results.records import PackagedSchedules
from colonnade.results.tables import LAYERS, read_table
from colonnade.tuning.space import Candidate

SCHEDULES, TUNED = "schedules.json", "layers.csv"
"""Beside the network's own files, where it was tuned: what the runner reads, and what tuning ran."""
FILES = (GRAPH, WEIGHTS, SCHEDULES, TUNED)


def package_files(package: Path) -> list[Path]:
    """Where a package has its files, or would have them."""
    return [package / name for name in FILES]


def check_package(folder: Path) -> None:
    """Make sure that a folder may become a package: nothing else in it would be lost.

    Raises:
        ColonnadeError: it holds something else, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise ColonnadeError(f"{folder}: a file; allowed: a folder of a package, or nothing")
    others = sorted({each.name for each in folder.iterdir()} - {*FILES}) if folder.exists() else []
    if others:
        raise ColonnadeError(
            f"{folder}: holds {some(others)}, which no package has and which would be lost; move it, or"
            " name another folder"
        )


@dataclass(frozen=True)
class Layer:
    """A convolution or fully connected layer. `ms` is what tuning found for it alone, None if it did not.

    `weights` and `macs` are of the dense layer, `weights_kept` and `macs_kept` what is left of them, for
    one image.
    """

    name: str
    op: str
    pattern: str | None
    tile: int | None
    weights: int
    weights_kept: int
    macs: int
    macs_kept: int
    schedule: str | None
    ms: float | None


@dataclass(frozen=True)
class Description:
    """A package's layers; `evidence` and `target` are of their times, null where it was not tuned."""

    model: str | None
    image_px: Px
    preprocessing: Preprocessing | None
    bytes: int
    bytes_dense: int
    target: str | None
    evidence: str | None
    layers: list[Layer]

    def total(self, key: str) -> int:
        """Sum of a number over all layers."""
        return sum(getattr(layer, key) for layer in self.layers)

    def to_json(self) -> dict[str, Any]:
        """As `colonnade inspect --json` prints it."""
        keys = ("weights", "weights_kept", "macs", "macs_kept")
        stated = None if self.preprocessing is None else self.preprocessing.model_dump()
        return {
            **vars(self),
            "preprocessing": stated,
            "layers": [vars(layer) for layer in self.layers],
            "total": {key: self.total(key) for key in keys},
        }


def graph_of(package: Package) -> Graph:
    """The nodes of a package that was read."""
    return check_graph(package.graph)


def input_shapes(package: Package, batch: int, image_px: int | None) -> dict[str, MapShape]:
    """Shapes of all inputs for square images of `image_px` pixels a side.

    Without these they have the size with which the network was imported, or for which it was tuned, else
    that of the pictures that it states, else `DEFAULT_PX`.

    Raises:
        ColonnadeError: another size than the only one that it takes.
    """
    preprocessing = graph_of(package).preprocessing
    stated = None if preprocessing is None else preprocessing.image_px
    try:
        return {
            each.name: each.sized(batch, image_px or (stated if each.size is None else None))
            for each in package.inputs
        }
    except ValueError as error:
        raise ColonnadeError(f"{package.path / GRAPH}: {error}") from error


def image_size(shapes: Mapping[str, MapShape]) -> Px:
    """The size of images among inputs: of the first that is no plane of one element."""
    sizes = [(shape.h or 1, shape.w or 1) for shape in shapes.values()]
    return px_of(*next((each for each in sizes if each != (1, 1)), (1, 1)))


def describe(path: Path, image_px: int | None = None) -> Description:
    """Read a package and what tuning left beside it.

    Raises:
        ColonnadeError: a damaged package, schedules or table, or images that it does not fit.
    """
    package = read_package(path)
    graph = graph_of(package)
    inputs = input_shapes(package, 1, image_px)
    size = image_size(inputs)
    try:
        shapes = infer_shapes(graph.nodes, inputs)
    except ValueError as error:
        raise ColonnadeError(
            f"{path / GRAPH}: images of {shown_px(size)} pixels: {error}; --image-px gives another size"
        ) from error
    tuned = _Tuned(path)
    layers = [
        _layer(package, node, shapes, tuned)
        for node in graph.nodes
        if isinstance(node, PackedConv2d | FullyConnected)
    ]
    dropped = sum(layer.weights - layer.weights_kept for layer in layers)
    columns = sum(
        tensor.nbytes for name, tensor in package.tensors.items() if name.endswith(".columns")
    )
    stored = file_bytes(path / WEIGHTS) + file_bytes(path / GRAPH)
    return Description(
        model=graph.model,
        image_px=size,
        preprocessing=graph.preprocessing,
        bytes=stored,
        bytes_dense=stored - columns + F32_BYTES * dropped,
        target=tuned.target,
        evidence=tuned.evidence,
        layers=layers,
    )


class _Tuned:
    """The schedules of a package, and the times of those that tuning chose."""

    def __init__(self, path: Path) -> None:
        self.target: str | None = None
        self.evidence: str | None = None
        self._schedules: Mapping[str, Any] = {}
        self._ms: dict[tuple[str, int], float] = {}
        if not (path / SCHEDULES).is_file():
            return
        document = read_json(path / SCHEDULES, PackagedSchedules)
        self.target, self._schedules = document["target"], document["convs"]
        if (path / TUNED).is_file():
            rows = read_table(path / TUNED, LAYERS).rows(named=True)
            self.evidence = rows[0]["evidence"] if rows else None
            self._ms = {(row["conv"], row["kept"]): row["ms"] for row in rows if row["chosen"]}

    def of(self, conv: str, kept: int) -> tuple[str | None, float | None]:
        """Schedule and time of a convolution."""
        found = self._schedules.get(f"{conv}|k{kept}")
        text = None if found is None else str(Candidate.of(found))
        return text, self._ms.get((conv, kept))


def _pattern(pattern: Groups | Share) -> str:
    if isinstance(pattern, Groups):
        return f"{pattern.n} of {pattern.m} columns"
    return f"{1 - pattern.sparsity:.4g} of the columns"


def _layer(package: Package, node: Node, shapes: Mapping[str, TensorShape], tuned: _Tuned) -> Layer:
    weights = prod(node.weight_shapes()["weight"])
    if not isinstance(node, PackedConv2d):
        return Layer(node.name, node.op, None, None, weights, weights, weights, weights, None, None)
    source, made = shapes[node.input], shapes[node.output]
    assert isinstance(source, MapShape)
    assert isinstance(made, MapShape)
    positions = (made.h or 0) * (made.w or 0)
    kept = node.reduction
    if node.tile is not None:
        kept = package.tensors[f"{node.name}.columns"].shape[1]
    weights_kept = node.out_channels * kept
    schedule, ms = None, None
    if not node.is_depthwise:
        schedule, ms = tuned.of(str(node.conv_shape(source)), kept)
    return Layer(
        name=node.name,
        op="depthwise" if node.is_depthwise else node.op,
        pattern=None if node.pattern is None else _pattern(node.pattern),
        tile=node.tile,
        weights=weights,
        weights_kept=weights_kept,
        macs=weights * positions,
        macs_kept=weights_kept * positions,
        schedule=schedule,
        ms=ms,
    )
