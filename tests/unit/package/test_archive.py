# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Packages whose files, tensors or columns are not what the graph says are refused by what is wrong."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save
from safetensors.torch import save as save_torch

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file
from colonnade.common.paths import GRAPH
from colonnade.config.pruning import Pattern
from colonnade.package.archive import (
    HEADER_KEY,
    WEIGHTS,
    compress,
    read_package,
    write_package,
)
from colonnade.package.optimize import optimize
from colonnade.pruning.mask import ColumnMask

from .test_optimize import write_small
from .unpacked import expand

Tensors = dict[str, Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package whose convolution `wide` [8, 8] keeps four columns in each of two tiles."""
    folder = tmp_path_factory.mktemp("small")
    program = write_small(folder / "small.pt2", 32, seed=9)
    optimize(program, folder / "made", Pattern(m="full", sparsity=0.5), 4)
    return folder / "made/package"


@pytest.fixture
def package(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / "package"))


def changed(folder: Path, change: Callable[[Tensors], object]) -> None:
    """Change the tensors, and write the digest that they have then."""
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    graph = json.loads((folder / GRAPH).read_text())
    del graph["weights_sha256"]
    write_package(folder, graph, tensors)


def _columns(values: list[list[int]]) -> Callable[[Tensors], object]:
    return lambda found: found.update({"wide.columns": np.array(values, np.int32)})


def _not_finite(found: Tensors) -> None:
    found["head.weight"][1, 2] = np.inf


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("no JSON", "no JSON; allowed: sizes of inputs"),
        ('{"x": [32]}', r"\[32\]}; allowed: sizes of inputs"),
        ('{"x": [0, 32]}', r"allowed: sizes of inputs"),
        ('{"y": [32, 32]}', "'y'; allowed: names of inputs"),
    ],
)
def test_sizes_that_are_none_are_refused(package: Path, header: str, words: str) -> None:
    graph = json.loads((package / GRAPH).read_text())
    content = save(load_file(package / WEIGHTS), metadata={HEADER_KEY: header})
    (package / WEIGHTS).write_bytes(content)
    graph["weights_sha256"] = sha256_file(package / WEIGHTS)
    (package / GRAPH).write_text(json.dumps(graph))
    with pytest.raises(ColonnadeError, match=f"safetensors: damaged: colonnade.sizes: .*{words}$"):
        read_package(package)


def test_sizes_of_inputs_are_kept_beside_the_tensors(package: Path, tmp_path: Path) -> None:
    (image,) = read_package(package).inputs
    assert (image.name, image.channels, image.size) == ("x", 3, (32, 32))
    # Images of other sizes are taken too; the runner refuses other keys.
    assert json.loads((package / GRAPH).read_text())["inputs"] == [{"name": "x", "channels": 3}]
    with pytest.raises(ColonnadeError, match="inputs: 0: height: unknown key"):
        graph = json.loads((package / GRAPH).read_text())
        graph["inputs"][0]["height"] = 32
        (package / GRAPH).write_text(json.dumps(graph))
        read_package(package)


def test_a_folder_that_has_a_package_says_so(made: Path) -> None:
    with pytest.raises(ColonnadeError) as told:
        read_package(made.parent)
    assert str(told.value) == (
        f"{made.parent}/graph.json: cannot be read: No such file or directory; the package is {made}"
    )
    with pytest.raises(ColonnadeError, match=r"No such file or directory$"):
        read_package(made / "none")


CHANGES: dict[str, tuple[Callable[[Tensors], object], str]] = {
    "missing": (lambda found: found.pop("head.weight"), "tensor 'head.weight' is missing"),
    "no columns": (lambda found: found.pop("wide.columns"), "tensor 'wide.columns' is missing"),
    "unknown": (
        lambda found: found.update(odd=np.zeros(3, np.float32)),
        "tensor 'odd' belongs to no node",
    ),
    "type": (
        lambda found: found.update({"head.weight": found["head.weight"].astype(np.float64)}),
        r"tensor 'head.weight' is float64 \[10, 8\]; expected float32 \[10, 8\]",
    ),
    "shape": (
        lambda found: found.update({"wide.values": found["wide.values"][:-1].copy()}),
        r"tensor 'wide.values' is float32 \[31\]; expected float32 \[32\]",
    ),
    "not finite": (_not_finite, "tensor 'head.weight' holds a number that is not finite"),
    "rank": (
        lambda found: found.update({"wide.columns": found["wide.columns"].ravel()}),
        r"tensor 'wide.columns' is \[8\]; expected \[tiles, kept\], of 1 to 8 kept columns",
    ),
    "too many": (_columns([list(range(9))] * 2), r"is \[2, 9\]; expected \[tiles, kept\]"),
    "tiles": (
        _columns([[0, 1, 2, 3]] * 3),
        r"'wide.columns' is int32 \[3, 4\]; expected int32 \[2, 4\]",
    ),
    "negative": (_columns([[0, 1, 2, 3], [-1, 1, 2, 3]]), "holds -1 to 3; allowed: 0 to 7"),
    "beyond": (_columns([[0, 1, 2, 8], [0, 1, 2, 3]]), "holds 0 to 8; allowed: 0 to 7"),
    "order": (_columns([[0, 2, 1, 3], [0, 1, 2, 3]]), "allowed: ascending columns of each tile"),
    "twice": (_columns([[0, 1, 1, 3], [0, 1, 2, 3]]), "allowed: ascending columns of each tile"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_tensors_that_do_not_fit_the_graph_are_refused(package: Path, name: str) -> None:
    change, words = CHANGES[name]
    changed(package, lambda _: None)
    read_package(package)
    changed(package, change)
    with pytest.raises(ColonnadeError, match=rf"weights\.safetensors: damaged: .*{words}"):
        read_package(package)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
def test_weights_of_types_that_numpy_does_not_have_are_refused(
    package: Path, dtype: torch.dtype
) -> None:
    weights = package / WEIGHTS
    tensors = {name: torch.from_numpy(each) for name, each in load_file(weights).items()}
    tensors["head.weight"] = tensors["head.weight"].to(dtype)
    weights.write_bytes(save_torch(tensors))
    graph = json.loads((package / GRAPH).read_text())
    graph["weights_sha256"] = sha256_file(weights)
    (package / GRAPH).write_text(json.dumps(graph))
    with pytest.raises(
        ColonnadeError,
        match=r"weights\.safetensors: damaged: numbers of a type that numpy does not",
    ):
        read_package(package)


def test_files_that_are_missing_are_told(package: Path) -> None:
    (package / WEIGHTS).unlink()
    with pytest.raises(ColonnadeError, match=r"weights\.safetensors: no such file"):
        read_package(package)
    (package / GRAPH).unlink()
    with pytest.raises(ColonnadeError, match=r"graph\.json: cannot be read: No such file"):
        read_package(package)


def test_weights_of_another_digest_are_refused(package: Path) -> None:
    with (package / WEIGHTS).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ColonnadeError, match=r"damaged: SHA-256 \w{64}; graph\.json has weights_"):
        read_package(package)


@pytest.mark.parametrize("seed", [10, 11], ids="seed{}".format)
def test_what_is_compressed_expands_to_the_masked_matrix(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # The last tile has fewer rows.
    rows, tile, k, kept = 11, 4, 9, 5
    matrix = rng.normal(size=(rows, k)).astype(np.float32)
    columns = np.sort([rng.permutation(k)[:kept] for _ in range(3)], axis=1)
    mask = ColumnMask.from_columns(tile, columns, k, rows)
    expected = np.zeros_like(matrix)
    for row in range(rows):
        for column in columns[row // tile]:
            expected[row, column] = matrix[row, column]
    values = compress(matrix, mask)
    assert values.shape == (rows * kept,)
    # The first tile's first kept column stands first, its rows together.
    assert np.array_equal(values[:tile], matrix[:tile, columns[0, 0]])
    assert np.array_equal(expand(values, mask), expected)
