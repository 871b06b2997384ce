# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The exported package: what a checkpoint becomes for execution.

A directory with `graph.json` (the nodes in execution order) and `weights.safetensors` (batch norm
folded in, float32, K in (kh, kw, cin) order). Of a pruned convolution only the kept columns are
stored: `values` tile after tile, column after column, the rows of a tile together. That needs tiles
that keep equally many columns, as column-wise and row-wise patterns do; an unstructured mask, or
one of filters, is stored as a dense convolution with zeros. The header of the weights says with which
sizes of inputs the network was imported, which no runner needs to know.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors.numpy import save

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file, write_json
from colonnade.common.paths import GRAPH, package_below
from colonnade.common.strict_json import parse_strict
from colonnade.common.tensors import load_tensors
from colonnade.models.graph import Input
from colonnade.models.layers.node import Size
from colonnade.package.graph import Graph, PackedConv2d, PackedInput, check_graph
from colonnade.pruning.mask import ColumnMask

WEIGHTS = "weights.safetensors"
Array = NDArray[Any]
# The header's one entry beside the tensors: sizes of inputs by name.
HEADER_KEY = "colonnade.sizes"
_SIZES = TypeAdapter(dict[str, tuple[()] | tuple[Size, Size]])


def compress(matrix: NDArray[np.float32], mask: ColumnMask) -> NDArray[np.float32]:
    """The kept weights of a matrix [Cout, K] as one vector [Cout * kept].

    Tile after tile, each a block [kept, rows of the tile], row-major.
    """
    blocks = [
        matrix[start : start + mask.tile, columns].T.ravel()
        for start, columns in zip(range(0, len(matrix), mask.tile), mask.columns, strict=True)
    ]
    return np.concatenate(blocks)


@dataclass(frozen=True)
class Package:
    """A package read from `path`: graph as parsed JSON, tensors by name, inputs with their sizes."""

    path: Path
    graph: dict[str, Any]
    tensors: dict[str, Array]
    inputs: tuple[Input, ...] = ()

    def node(self, name: str) -> dict[str, Any]:
        """The node of that name."""
        for node in self.graph["nodes"]:
            if node["name"] == name:
                return dict(node)
        raise ColonnadeError(f"{self.path / GRAPH}: has no node {name!r}")


def write_package(
    folder: Path,
    graph: dict[str, Any],
    tensors: dict[str, Array],
    sizes: Mapping[str, tuple[int, ...]] | None = None,
) -> None:
    """Write the files of a package into an existing `folder`; `graph` gets the weights' digest.

    `sizes` are those of inputs, as `models.graph.Input` has them.
    """
    stated = {HEADER_KEY: json.dumps(sizes, sort_keys=True)} if sizes else None
    (folder / WEIGHTS).write_bytes(save(tensors, metadata=stated))
    digest = sha256_file(folder / WEIGHTS)
    write_json(folder / GRAPH, {**graph, "weights_sha256": digest})


def read_package(path: Path) -> Package:
    """Read a package and check all of it, as strictly as the runner does.

    The graph's keys, types, ranges, ranks and channels; the digest of the weights; every tensor's
    presence, type and shape, and that no other is there; that weights are finite and columns ascend.

    Raises:
        ColonnadeError: damaged or truncated package, or one of another version.
    """
    try:
        document = parse_strict((path / GRAPH).read_bytes())
        graph = check_graph(document)
    except OSError as error:
        raise ColonnadeError(
            f"{path / GRAPH}: cannot be read: {error.strerror}{package_below(path)}"
        ) from error
    except ValueError as error:
        raise ColonnadeError(f"{path / GRAPH}: {error}") from error
    weights = path / WEIGHTS
    if not weights.is_file():
        raise ColonnadeError(f"{weights}: no such file")
    digest = sha256_file(weights)
    if digest != graph.weights_sha256:
        raise ColonnadeError(
            f"{weights}: damaged: SHA-256 {digest}; {GRAPH} has weights_sha256 "
            f"{graph.weights_sha256}"
        )
    try:
        tensors, header = _read_tensors(weights.read_bytes())
        _check_tensors(graph, tensors)
        inputs = _inputs(graph, header)
    except ValueError as error:
        raise ColonnadeError(f"{weights}: damaged: {error}") from error
    return Package(path, document, tensors, inputs)


def _read_tensors(content: bytes) -> tuple[dict[str, Array], Mapping[str, str]]:
    tensors = load_tensors(content)
    # The library takes the last of two tensors of one name.
    header = parse_strict(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return tensors, header.get("__metadata__", {})


def _inputs(graph: Graph, header: Mapping[str, str]) -> tuple[Input, ...]:
    """The inputs with the sizes that the header of the weights has of them."""
    try:
        sizes = _SIZES.validate_json(header.get(HEADER_KEY, "{}"), strict=True)
    except ValidationError as error:
        raise ValueError(
            f"{HEADER_KEY}: {header[HEADER_KEY]:.80}; allowed: sizes of inputs"
        ) from error
    unknown = sorted(sizes.keys() - {each.name for each in graph.inputs})
    if unknown:
        raise ValueError(f"{HEADER_KEY}: {unknown[0]!r}; allowed: names of inputs")
    return tuple(_input(each, sizes.get(each.name)) for each in graph.inputs)


def _input(given: PackedInput, size: tuple[int, ...] | None) -> Input:
    fixed = given.size is not None
    if given.size is not None:
        size = (given.size[0], given.size[1])
    return Input.model_validate(
        {"name": given.name, "channels": given.channels, "size": size, "fixed": fixed}
    )


def _check_tensors(graph: Graph, tensors: dict[str, Array]) -> None:
    known: set[str] = set()

    def check(name: str, dtype: type[np.generic], *shape: int) -> None:
        known.add(name)
        tensor = tensors.get(name)
        if tensor is None:
            raise ValueError(f"tensor {name!r} is missing")
        if tensor.dtype != dtype or tensor.shape != shape:
            raise ValueError(
                f"tensor {name!r} is {tensor.dtype} {list(tensor.shape)}; "
                f"expected {np.dtype(dtype)} {list(shape)}"
            )
        if not np.isfinite(tensor).all():
            raise ValueError(f"tensor {name!r} holds a number that is not finite")

    for node in graph.nodes:
        shapes = node.weight_shapes()
        if isinstance(node, PackedConv2d) and node.tile is not None:
            # In the place of its weight.
            del shapes["weight"]
            kept = _kept(node, tensors)
            check(f"{node.name}.columns", np.int32, -(-node.out_channels // node.tile), kept)
            check(f"{node.name}.values", np.float32, node.out_channels * kept)
            _check_columns(f"{node.name}.columns", tensors, node.reduction)
        for name, shape in shapes.items():
            check(f"{node.name}.{name}", np.float32, *shape)
    unknown = sorted(tensors.keys() - known)
    if unknown:
        raise ValueError(f"tensor {unknown[0]!r} belongs to no node")


def _kept(node: PackedConv2d, tensors: dict[str, Array]) -> int:
    name = f"{node.name}.columns"
    if name not in tensors:
        raise ValueError(f"tensor {name!r} is missing")
    shape = tensors[name].shape
    if len(shape) != 2 or not 1 <= shape[1] <= node.reduction:
        raise ValueError(
            f"tensor {name!r} is {list(shape)}; expected [tiles, kept], "
            f"of 1 to {node.reduction} kept columns"
        )
    return int(shape[1])


def _check_columns(name: str, tensors: dict[str, Array], reduction: int) -> None:
    columns = tensors[name].astype(np.int64)
    if columns.min() < 0 or columns.max() >= reduction:
        raise ValueError(
            f"tensor {name!r} holds {columns.min()} to {columns.max()}; "
            f"allowed: 0 to {reduction - 1}"
        )
    if not (np.diff(columns, axis=1) > 0).all():
        raise ValueError(f"tensor {name!r}; allowed: ascending columns of each tile")
