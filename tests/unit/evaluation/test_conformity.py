# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Whether outputs are PyTorch's: the checkpoint that is compared with, differences and first places."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from colonnade.common.datatypes import TOLERANCE
from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file
from colonnade.evaluation.conformity import Agreement, compare, find_checkpoint
from colonnade.training.checkpoint import read_checkpoint

from .packaged import classifier, pair, write_network

RNG = np.random.default_rng(3)


@pytest.fixture
def copied(tmp_path: Path, package: Path) -> Path:
    """A package of its own, without its checkpoint."""
    shutil.copytree(package, tmp_path / "own/package")
    return tmp_path / "own/package"


def test_the_checkpoint_beside_a_package_is_found_by_its_content(
    copied: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = package.with_name("dense.safetensors")
    write_network(copied.with_name("another.safetensors"), classifier(), seed=2)
    copied.with_name("broken.safetensors").write_bytes(b"nothing")
    shutil.copy(source, copied.with_name("renamed.safetensors"))
    found = find_checkpoint(copied, None)
    assert found.path.name == "renamed.safetensors"
    assert found.sha256 == sha256_file(source)
    # Also where the package is named from inside its folder.
    monkeypatch.chdir(copied)
    assert find_checkpoint(Path(), None).sha256 == found.sha256


def test_a_package_without_its_checkpoint_says_what_to_do(copied: Path, package: Path) -> None:
    write_network(copied.with_name("another.safetensors"), classifier(), seed=2)
    wanted = sha256_file(package.with_name("dense.safetensors"))
    with pytest.raises(ColonnadeError) as told:
        find_checkpoint(copied, None)
    assert str(told.value) == (
        f"{copied}: the checkpoint that it was exported from, SHA-256 {wanted}, does not lie beside"
        " it; --checkpoint names it"
    )


def test_a_checkpoint_that_is_given_must_be_the_packages(copied: Path, package: Path) -> None:
    source = package.with_name("dense.safetensors")
    assert find_checkpoint(copied, source).path == source
    another = write_network(copied.with_name("another.safetensors"), classifier(), seed=2)
    with pytest.raises(ColonnadeError) as told:
        find_checkpoint(copied, another)
    seen, wanted = sha256_file(another), sha256_file(source)
    assert seen != wanted
    assert str(told.value) == f"{another}: SHA-256 {seen}; {copied} was exported from {wanted}"
    with pytest.raises(ColonnadeError, match=r"none\.safetensors: no such checkpoint"):
        find_checkpoint(copied, copied / "none.safetensors")


def inputs_of(n: int) -> dict[str, Any]:
    return {
        "other": RNG.standard_normal((n, 2, 6, 5), dtype=np.float32),
        "image": RNG.standard_normal((n, 3, 6, 5), dtype=np.float32),
    }


def by_numpy(state: Mapping[str, torch.Tensor], arrays: Mapping[str, Any]) -> list[Any]:
    """Features and map of the network of two inputs, written down once more in float64."""
    values = {key: each.double().numpy() for key, each in state.items()}
    padded = np.pad(arrays["image"].astype(float), ((0, 0), (0, 0), (1, 1), (1, 1)))
    height, width = arrays["image"].shape[2:]
    both = np.einsum("nchw,oc->nohw", arrays["other"], values["second.weight"][:, :, 0, 0])
    both = both + values["first.bias"][:, None, None]
    for row in range(3):
        for column in range(3):
            window = padded[:, :, row : row + height, column : column + width]
            weight = values["first.weight"][:, :, row, column]
            both = both + np.einsum("nchw,oc->nohw", window, weight)
    features = both.mean((2, 3)) @ values["head.weight"].T + values["head.bias"]
    return [features, np.maximum(both, 0)]


def test_outputs_are_compared_one_by_one_in_float64(pair_package: Path) -> None:
    source = read_checkpoint(pair_package.with_name("dense.safetensors"))
    inputs = {"one": inputs_of(1), "four": inputs_of(4)}
    wanted = {name: by_numpy(source.state, arrays) for name, arrays in inputs.items()}

    def run(arrays: Mapping[str, Any]) -> list[Any]:
        features, made = by_numpy(source.state, arrays)
        if len(features) == 4:
            made[2, 1, 3, 3] += 0.25
            # Another class is first in one of four.
            features[1, features[1].argmin()] = features[1].max() + 2
        return [features, made]

    found = compare(source.model(), run, inputs)
    assert [(row.input, row.output) for row in found] == [
        *(("one", "head"), ("one", "map")),
        *(("four", "head"), ("four", "map")),
    ]
    for row, good in zip(found, [*wanted["one"], *wanted["four"]], strict=True):
        assert row.largest == pytest.approx(np.abs(good).max())
    # Nothing is lost to float32 on PyTorch's side.
    assert max(row.difference for row in found[:2]) < 1e-12
    features = wanted["four"][0]
    assert found[2].difference == pytest.approx(features[1].max() + 2 - features[1].min())
    assert found[3].difference == pytest.approx(0.25)
    assert [row.top1 for row in found] == [1, None, 0.75, None]
    assert found[3].relative == pytest.approx(0.25 / wanted["four"][1].max())


def test_a_single_output_is_compared_too(package: Path) -> None:
    model = read_checkpoint(package.with_name("dense.safetensors")).model()
    arrays = {"image": RNG.standard_normal((2, 3, 9, 9), dtype=np.float32)}
    with torch.inference_mode():
        good = model(torch.from_numpy(arrays["image"])).numpy()
    (row,) = compare(model, lambda _: [good], {"random 0": arrays})
    assert (row.input, row.output, row.top1) == ("random 0", "head", 1)
    assert 0 <= row.relative < 1e-6 < TOLERANCE["f32"]


def test_an_output_of_another_shape_is_refused(package: Path) -> None:
    model = read_checkpoint(package.with_name("dense.safetensors")).model()
    arrays = {"image": np.ones((2, 3, 9, 9), np.float32)}
    with pytest.raises(ColonnadeError) as told:
        compare(model, lambda _: [np.zeros((2, 1), np.float32)], {"ones": arrays})
    assert str(told.value) == "output head: [2, 1]; PyTorch's: [2, 3]"


def test_differences_from_zeros_are_not_divided_by_zero() -> None:
    assert Agreement("a", "b", 0.0, 0.0, None).relative == 0
    assert Agreement("a", "b", 1e-3, 0.0, None).relative > 1e30
    assert Agreement("a", "b", 0.5, 2.0, None).relative == 0.25
    assert TOLERANCE["f32"] < TOLERANCE["f16"]


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        (
            {"other": (2, 2, 6, 5)},
            "images: 1 of 'image', 2 of 'other'; allowed: equally many of each",
        ),
        (
            {"other": (1, 2, 6, 6)},
            "the network does not fit: node 'both': .*; --image-px gives random",
        ),
    ],
    ids=["batch", "size"],
)
def test_inputs_that_do_not_fit_are_told_before_anything_runs(
    tmp_path: Path, sizes: dict[str, tuple[int, ...]], words: str
) -> None:
    model = read_checkpoint(write_network(tmp_path / "n.safetensors", pair(), seed=1)).model()
    wrong = inputs_of(1) | {key: np.ones(size, np.float32) for key, size in sizes.items()}

    def run(_: Mapping[str, Any]) -> list[Any]:
        raise AssertionError

    with pytest.raises(ColonnadeError, match=f"^file: {words}"):
        compare(model, run, {"one": inputs_of(1), "file": wrong})


def test_not_a_number_does_not_agree(package: Path) -> None:
    model = read_checkpoint(package.with_name("dense.safetensors")).model()
    arrays = {"image": np.ones((1, 3, 9, 9), np.float32)}
    (row,) = compare(model, lambda _: [np.full((1, 3), np.nan, np.float32)], {"ones": arrays})
    assert not row.relative <= TOLERANCE["f32"]
