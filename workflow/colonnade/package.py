"""The exported package: what a checkpoint becomes for execution.

A directory with `graph.json` (the nodes in execution order) and `weights.safetensors` (batch norm
folded in, float32, K in (kh, kw, cin) order). Of a pruned convolution only the kept columns are
stored: `values` tile after tile, column after column, the rows of a tile together. That needs tiles
that keep equally many columns, as column-wise and row-wise patterns do; an unstructured mask, or
one of filters, is stored as a dense convolution with zeros.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from colonnade.errors import ColonnadeError
from colonnade.files import read_json, sha256_file
from colonnade.pruning.mask import ColumnMask

FORMAT = "colonnade-package"
VERSION = 1
GRAPH = "graph.json"
WEIGHTS = "weights.safetensors"
Array = NDArray[Any]


def compress(matrix: NDArray[np.float32], mask: ColumnMask) -> NDArray[np.float32]:
    """The kept weights of a matrix [Cout, K] as one vector [Cout * kept].

    Tile after tile, each a block [kept, rows of the tile], row-major.
    """
    blocks = [
        matrix[start : start + mask.tile, columns].T.ravel()
        for start, columns in zip(range(0, len(matrix), mask.tile), mask.columns, strict=True)
    ]
    return np.concatenate(blocks)


def expand(values: NDArray[np.float32], mask: ColumnMask) -> NDArray[np.float32]:
    """The inverse of `compress`: the matrix [Cout, K] with zeros in all other places."""
    matrix = np.zeros((mask.out_channels, mask.k), dtype=np.float32)
    offset = 0
    for start, columns in zip(range(0, len(matrix), mask.tile), mask.columns, strict=True):
        rows = matrix[start : start + mask.tile]
        size = len(rows) * mask.kept
        rows[:, columns] = values[offset : offset + size].reshape(mask.kept, len(rows)).T
        offset += size
    return matrix


@dataclass(frozen=True)
class Package:
    """A package read from `path`: the graph as parsed JSON, and the tensors by name."""

    path: Path
    graph: dict[str, Any]
    tensors: dict[str, Array]

    def node(self, name: str) -> dict[str, Any]:
        """The node of that name."""
        for node in self.graph["nodes"]:
            if node["name"] == name:
                return dict(node)
        raise ColonnadeError(f"{self.path / GRAPH}: has no node {name!r}")

    def mask(self, name: str) -> ColumnMask | None:
        """The mask of a convolution; None if it is dense."""
        node = self.node(name)
        if node["pattern"] is None:
            return None
        k = node["in_channels"] * node["kernel"][0] * node["kernel"][1]
        columns = self.tensors[f"{name}.columns"].astype(np.int64)
        return ColumnMask.from_columns(node["tile"], columns, k, node["out_channels"])

    def to_dense(self, name: str) -> NDArray[np.float32]:
        """Weight [Cout, KH, KW, Cin] of a convolution, zeros where it is pruned."""
        node, mask = self.node(name), self.mask(name)
        if mask is None:
            return np.asarray(self.tensors[f"{name}.weight"], dtype=np.float32)
        matrix = expand(self.tensors[f"{name}.values"], mask)
        return matrix.reshape(node["out_channels"], *node["kernel"], node["in_channels"])


def read_package(path: Path) -> Package:
    """Read a package and check it: its format, the digest of its weights, and every tensor's shape.

    Raises:
        ColonnadeError: damaged or truncated package, or one of another version.
    """
    graph = read_json(path / GRAPH)
    weights = path / WEIGHTS
    seen = (graph.get("format"), graph.get("version")) if isinstance(graph, dict) else None
    if seen != (FORMAT, VERSION):
        raise ColonnadeError(f"{path / GRAPH}: format {seen}; expected {(FORMAT, VERSION)}")
    if not weights.is_file():
        raise ColonnadeError(f"{weights}: no such file")
    digest = sha256_file(weights)
    if digest != graph.get("weights_sha256"):
        raise ColonnadeError(
            f"{weights}: damaged: SHA-256 {digest}; {GRAPH} has {graph.get('weights_sha256')}"
        )
    try:
        tensors = load(weights.read_bytes())
        wrong = _misfits(graph["nodes"], tensors)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ColonnadeError(f"{path}: damaged package: {error!r}") from error
    if wrong:
        raise ColonnadeError(f"{path}: damaged package: {'; '.join(wrong)}")
    return Package(path, graph, tensors)


def _misfits(nodes: list[dict[str, Any]], tensors: dict[str, Array]) -> list[str]:
    expected: dict[str, tuple[int, ...]] = {}
    for node in nodes:
        name = node["name"]
        if node["op"] == "fully_connected":
            expected[f"{name}.weight"] = (node["out_features"], node["in_features"])
            expected[f"{name}.bias"] = (node["out_features"],)
        elif node["op"] == "conv2d":
            expected[f"{name}.bias"] = (node["out_channels"],)
            expected |= _conv_shapes(node, tensors)
    missing = [f"{name}: missing" for name in expected if name not in tensors]
    unknown = [f"{name}: unknown" for name in tensors if name not in expected]
    misshapen = [
        f"{name}: shape {tensors[name].shape}, expected {shape}"
        for name, shape in expected.items()
        if name in tensors and tensors[name].shape != shape
    ]
    return missing + unknown + misshapen


def _conv_shapes(node: dict[str, Any], tensors: dict[str, Array]) -> dict[str, tuple[int, ...]]:
    name, out_channels = node["name"], node["out_channels"]
    if node["pattern"] is None:
        return {f"{name}.weight": (out_channels, *node["kernel"], node["in_channels"])}
    kept = tensors[f"{name}.columns"].shape[-1]
    tiles = -(-out_channels // node["tile"])
    return {f"{name}.columns": (tiles, kept), f"{name}.values": (out_channels * kept,)}
