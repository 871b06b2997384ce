# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The networks that are compared: their weights, masks and packages, and what other engines read."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.numpy import load_file

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import sha256_file, write_json
from colonnade.comparison.networks import random_image, relative_error, write_for_peers
from colonnade.config.pruning import Pattern
from colonnade.models.architecture import conv_shapes
from colonnade.models.module import build
from colonnade.package import untrained
from colonnade.package.archive import read_package
from colonnade.package.untrained import Variant, fixed_weights, write_variants
from colonnade.training.checkpoint import read_checkpoint
from colonnade.tuning.choice import schedule_key

from .small import small_network, write_small_variant

PATTERNS = (Pattern(m="full", sparsity=0.5), Pattern(m="full", sparsity=0.75))
LAYERS = [each for each in conv_shapes("mobilenet_v2", 32, 1) if each[1].kernel == (1, 1)][:2]


def write_schedules(path: Path, without: str = "") -> Path:
    """Schedules of tiles 4 and 8, by layer; the second one stays dense where most is pruned."""
    convs, dense = {}, []
    for (name, conv), tile in zip(LAYERS, (4, 8), strict=True):
        for pattern in PATTERNS:
            key = schedule_key(conv, pattern.keeps(conv.reduction))
            if name == LAYERS[1][0] and pattern is PATTERNS[1]:
                dense.append(key)
            elif name != without:
                convs[key] = {"tile": tile}
    write_json(path, {"convs": convs, "stays_dense": dense})
    return path


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> list[Variant]:
    folder = tmp_path_factory.mktemp("variants")
    schedules = write_schedules(folder / "schedules.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(untrained, "CLASSES", 5)
        return write_variants(folder / "a/b", "mobilenet_v2", PATTERNS, LAYERS, schedules, seed=3)


def test_one_network_is_dense_and_pruned_by_every_pattern(variants: list[Variant]) -> None:
    assert [(each.label, each.sparsity) for each in variants] == [
        *(("dense", 0.0), ("full0.5", 0.5), ("full0.75", 0.75)),
    ]
    drawn = fixed_weights(build("mobilenet_v2", 5), 3).state_dict()
    dense = read_checkpoint(variants[0].checkpoint)
    assert not dense.masks
    assert (dense.info.model, dense.info.num_classes, dense.info.seed) == ("mobilenet_v2", 5, 3)
    assert all(torch.equal(dense.state[key], value) for key, value in drawn.items())
    for each in variants[1:]:
        source = read_checkpoint(each.checkpoint)
        assert source.info.source_sha256 == dense.sha256
        for key, value in source.state.items():
            # What stays is as it was.
            assert torch.equal(value[value != 0], drawn[key][value != 0])


def test_masks_have_the_tiles_that_tuning_chose(variants: list[Variant]) -> None:
    pruned = [read_checkpoint(each.checkpoint) for each in variants[1:]]
    first, second = (name for name, _ in LAYERS)
    assert {name: mask.tile for name, mask in pruned[0].masks.items()} == {first: 4, second: 8}
    assert {name: mask.tile for name, mask in pruned[1].masks.items()} == {first: 4}
    for source, pattern in zip(pruned, PATTERNS, strict=True):
        assert pattern.sparsity is not None
        weight = source.state[f"{first}.weight"]
        assert float((weight == 0).float().mean()) == pytest.approx(pattern.sparsity, abs=0.05)
    # Of 255 whole numbers one is 0.
    assert float((pruned[1].state[f"{second}.weight"] == 0).float().mean()) < 0.01


def test_packages_are_those_of_the_checkpoints(variants: list[Variant]) -> None:
    first, second = (name for name, _ in LAYERS)
    tiles = [
        [package.node(name)["tile"] for name in (first, second)]
        for package in (read_package(each.package) for each in variants)
    ]
    assert tiles == [[None, None], [4, 8], [4, None]]
    for each in variants:
        graph = read_package(each.package).graph
        assert graph["checkpoint_sha256"] == sha256_file(each.checkpoint)


def test_schedules_that_lack_a_layer_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(untrained, "CLASSES", 5)
    schedules = write_schedules(tmp_path / "schedules.json", without=LAYERS[0][0])
    with pytest.raises(ColonnadeError, match=f"has no schedule for layer {LAYERS[0][0]}, "):
        write_variants(tmp_path / "made", "mobilenet_v2", PATTERNS, LAYERS, schedules, 3)
    assert not (tmp_path / "made/full0.5").exists()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What workers read of a small network."""
    folder = tmp_path_factory.mktemp("peers")
    write_for_peers(folder / "a/b", write_small_variant(folder), random_image(2, 16, 1))
    return folder / "a/b"


def test_a_variant_computes_what_its_module_does(tmp_path: Path) -> None:
    image = random_image(3, 16, 2)
    with torch.no_grad():
        wanted = small_network()(torch.from_numpy(image)).numpy()
    made = write_small_variant(tmp_path).output(image)
    assert made.shape == (3, 2)
    np.testing.assert_allclose(made, wanted, rtol=1e-6)


def test_workers_read_the_same_network_as_onnx_and_as_a_program(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == [
        *("input.npy", "input.safetensors", "model.onnx", "model.pt2"),
    ]
    image = np.load(written / "input.npy")
    np.testing.assert_array_equal(image, random_image(2, 16, 1))
    np.testing.assert_array_equal(load_file(written / "input.safetensors")["image"], image)
    with torch.no_grad():
        wanted = small_network()(torch.from_numpy(image)).numpy()
        program = torch.export.load(written / "model.pt2").module()
        made = program(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(made, wanted, rtol=1e-5, atol=1e-6)
    session = onnxruntime.InferenceSession(written / "model.onnx")
    np.testing.assert_allclose(session.run(None, {"image": image})[0], wanted, rtol=1e-5, atol=1e-6)


def test_sizes_that_an_onnx_file_leaves_open_have_names(written: Path) -> None:
    """By them ONNX Runtime is told how large images are; without it would not know them ahead."""
    (given,) = onnxruntime.InferenceSession(written / "model.onnx").get_inputs()
    assert given.shape == ["N", 3, "image_height", "image_width"]


def test_images_are_normal_and_of_their_seed() -> None:
    image = random_image(4, 64, 1)
    assert image.shape == (4, 3, 64, 64) and image.dtype == np.float32
    assert abs(image.mean()) < 0.05 and abs(image.std() - 1) < 0.05
    np.testing.assert_array_equal(random_image(4, 64, 1), image)
    assert not np.array_equal(random_image(4, 64, 2), image)


def test_errors_are_in_proportion_to_the_largest_value() -> None:
    expected = np.array([[1, -4], [2, 0]], np.float32)
    assert relative_error(expected, expected) == 0
    wrong = np.array([1, -4, 2, -1], np.float32)
    assert relative_error(wrong, expected) == 0.25
    assert np.isnan(relative_error(np.full((2, 2), np.nan, np.float32), expected))
    with pytest.raises(ValueError, match="reshape"):
        relative_error(wrong[:3], expected)
