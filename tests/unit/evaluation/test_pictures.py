# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Pictures as a package wants them, inputs from files, and the classes that a network names."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from colonnade.common.errors import ColonnadeError
from colonnade.data.pictures import UNCHANGED, Normalisation
from colonnade.evaluation import pictures
from colonnade.evaluation.pictures import (
    classes_of,
    preprocessing_of,
    random_images,
    read_inputs,
    read_labels,
    read_pictures,
)
from colonnade.models.builder import Builder
from colonnade.models.graph import Input

from .packaged import classifier, of_sizes, pair, write_package

INPUTS = (Input(name="image", channels=3), Input(name="other", channels=2))


def test_without_options_pictures_are_pixels_in_0_to_1(package: Path) -> None:
    assert preprocessing_of(package, None, None, None) == (224, UNCHANGED, 3)


def test_what_a_package_states_counts_and_options_count_more(stated_package: Path) -> None:
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    found = preprocessing_of(stated_package, None, None, None)
    assert found == (32, Normalisation(mean, std), 3)
    found = preprocessing_of(stated_package, 48, (0.1, 0.2, 0.3), None)
    assert found == (48, Normalisation((0.1, 0.2, 0.3), std), 3)
    found = preprocessing_of(stated_package, None, None, (2, 3, 4))
    assert found == (32, Normalisation(mean, (2, 3, 4)), 3)
    # Zeros are means like others.
    assert preprocessing_of(stated_package, None, (0, 0, 0), None)[1].mean == (0, 0, 0)


def test_pictures_for_two_inputs_are_refused(pair_package: Path) -> None:
    with pytest.raises(ColonnadeError) as told:
        preprocessing_of(pair_package, None, None, None)
    needed = "pictures need one of 3, or of 1 (Python takes any arrays)"
    assert str(told.value) == f"{pair_package}: inputs of [3, 2] channels; {needed}"


def test_pictures_for_one_channel_are_grey(tmp_path: Path) -> None:
    net = Builder(Input(name="image", channels=1))
    features = net.global_avg_pool("pool", net.conv2d("conv", "image", 4, 3, bias=True))
    package = write_package(tmp_path, net.graph(net.fully_connected("head", features, 5)))
    mean, std = (0.25,) * 3, (0.5,) * 3
    size, normalisation, channels = preprocessing_of(package, 16, mean, std)
    assert (size, channels) == (16, 1)
    colour = (255, 0, 51)
    Image.new("RGB", (30, 20), colour).save(tmp_path / "colour.png")
    Image.new("L", (30, 20), 102).save(tmp_path / "grey.png")
    paths = [tmp_path / "colour.png", tmp_path / "grey.png"]
    made = read_pictures(paths, size, normalisation, channels)
    assert (made.shape, str(made.dtype)) == ((2, 1, 16, 16), "float32")
    # Luminance of ITU-R 601, rounded to 8 bits.
    luminance = round(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255
    wanted = [(luminance - 0.25) / 0.5, (0.4 - 0.25) / 0.5]
    np.testing.assert_allclose(made.mean((1, 2, 3)), wanted, atol=1e-6)
    with pytest.raises(ColonnadeError) as told:
        preprocessing_of(package, 16, mean, (0.5, 0.5, 0.6))
    said = "--std: 0.5 0.5 0.6; allowed where pictures are grey: three times the same number"
    assert str(told.value) == f"{package}: {said} (Python takes any arrays)"


def test_picture_files_are_a_batch_normalised(tmp_path: Path) -> None:
    colours = [(255, 0, 51), (0, 102, 255)]
    paths = [tmp_path / f"{index}.png" for index in range(2)]
    for colour, path in zip(colours, paths, strict=True):
        Image.new("RGB", (30, 20), colour).save(path)
    stated = Normalisation((0.5, 0.25, 0.1), (0.5, 0.25, 2))
    made = read_pictures(paths, 8, stated)
    assert (made.shape, str(made.dtype)) == ((2, 3, 8, 8), "float32")
    wanted = [[1, -1, 0.05], [-1, 0.6, 0.45]]
    np.testing.assert_allclose(made.mean((2, 3)), wanted, atol=1e-6)
    assert np.ptp(made, axis=(2, 3)).max() < 1e-6
    tall = read_pictures(paths[:1], (12, 5), UNCHANGED)
    assert tall.shape == (1, 3, 12, 5)
    with pytest.raises(ColonnadeError, match=r"none\.png: broken or missing image"):
        read_pictures([paths[0], tmp_path / "none.png"], 8, stated)


def test_random_images_are_of_every_input_and_of_their_seed(pair_package: Path) -> None:
    made = random_images(pair_package, 2, 64, seed=4)
    assert {name: each.shape for name, each in made.items()} == {
        "image": (2, 3, 64, 64),
        "other": (2, 2, 64, 64),
    }
    for each in made.values():
        assert each.dtype == np.float32
        # Of 16384 numbers or more.
        assert abs(each.mean()) < 0.05 and abs(each.std() - 1) < 0.05
    again, other = (random_images(pair_package, 2, 64, seed=seed) for seed in (4, 5))
    for name in made:
        np.testing.assert_array_equal(again[name], made[name])
        assert not np.array_equal(other[name], made[name])


def test_random_images_are_of_the_packages_size(package: Path, stated_package: Path) -> None:
    assert next(iter(random_images(stated_package, 1, None, 0).values())).shape == (1, 3, 32, 32)
    assert next(iter(random_images(package, 1, None, 0).values())).shape == (1, 3, 224, 224)


def test_images_are_of_the_size_with_which_a_network_was_imported(
    tmp_path: Path, folder_data: Any
) -> None:
    graph = of_sizes(classifier(), (37, 53))
    # Pictures of its data set have 32 pixels: what it was imported with counts more.
    package = write_package(tmp_path, graph, data=folder_data)
    assert random_images(package, 2, None, 0)["image"].shape == (2, 3, 37, 53)
    assert random_images(package, 2, 40, 0)["image"].shape == (2, 3, 40, 40)
    assert preprocessing_of(package, None, None, None)[0] == (37, 53)
    assert preprocessing_of(package, 48, None, None)[0] == 48
    with pytest.raises(ColonnadeError, match=r"images of 37x53 pixels: 1 to 34221$"):
        random_images(package, 34222, None, 0)


def test_random_features_have_one_element_whatever_the_size_of_images(tmp_path: Path) -> None:
    package = write_package(tmp_path, of_sizes(pair(), (9, 9), ()))
    for px, size in ((None, 9), (5, 5)):
        made = random_images(package, 2, px, 0)
        shapes = [each.shape for each in made.values()]
        assert shapes == [(2, 3, size, size), (2, 2, 1, 1)]


def test_more_random_images_than_fit_are_refused(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pictures.MOST_PIXELS == 2**26
    with pytest.raises(ColonnadeError) as told:
        random_images(package, 1338, 224, 0)
    assert str(told.value) == "--batch: 1338; allowed with images of 224 pixels: 1 to 1337"
    monkeypatch.setattr(pictures, "MOST_PIXELS", 500)
    assert next(iter(random_images(package, 5, 10, 0).values())).shape[0] == 5
    with pytest.raises(ColonnadeError, match=r": 1 to 5$"):
        random_images(package, 6, 10, 0)
    # One image always is allowed.
    assert next(iter(random_images(package, 1, 40, 0).values())).shape[0] == 1


def test_inputs_of_a_file_are_those_of_the_network_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "given.safetensors"
    image, other = np.ones((2, 3, 4, 5), np.float32), np.full((2, 2, 1, 1), 7, np.float32)
    save_file({"another": other, "other": other, "image": image}, path)
    found = read_inputs(path, INPUTS)
    assert list(found) == ["image", "other"]
    np.testing.assert_array_equal(found["image"], image)
    np.testing.assert_array_equal(found["other"], other)
    # Features are planes of one element.
    save_file({"other": other[:, :, 0, 0], "image": image}, path)
    np.testing.assert_array_equal(read_inputs(path, INPUTS)["other"], other)


def test_numbers_that_are_not_finite_are_told_of_the_users_file(tmp_path: Path) -> None:
    image = np.full((1, 3, 4, 4), np.nan, np.float32)
    save_file({"image": image}, tmp_path / "given.safetensors")
    with pytest.raises(ColonnadeError) as told:
        read_inputs(tmp_path / "given.safetensors", INPUTS[:1])
    assert str(told.value) == (
        f"{tmp_path}/given.safetensors: input tensor 'image' holds numbers that are not finite"
    )


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (None, "is missing"),
        (np.ones((2, 2, 1, 1)), r"is float64 \[2, 2, 1, 1\]"),
        (np.ones((2, 2, 1), np.float32), r"is float32 \[2, 2, 1\]"),
        (np.ones((2, 3), np.float32), r"is float32 \[2, 3\]"),
        (np.ones((0, 2, 1, 1), np.float32), r"is float32 \[0, 2, 1, 1\]"),
        (np.ones((2, 3, 1, 1), np.float32), r"is float32 \[2, 3, 1, 1\]"),
    ],
    ids=["none", "dtype", "rank", "features", "images", "channels"],
)
def test_inputs_that_a_network_does_not_take_are_named(
    tmp_path: Path, other: Any, words: str
) -> None:
    path = tmp_path / "given.safetensors"
    tensors = {"image": np.ones((2, 3, 4, 5), np.float32)}
    save_file(tensors if other is None else {**tensors, "other": other}, path)
    needed = r"; needed: float32 \[images, 2, height, width\]$"
    with pytest.raises(ColonnadeError, match=f"safetensors: input tensor 'other' {words}{needed}"):
        read_inputs(path, INPUTS)


def test_a_damaged_or_missing_file_of_inputs_is_named(tmp_path: Path) -> None:
    path = tmp_path / "given.safetensors"
    for content in (None, b"", b"no tensors at all", b"\xff" * 64):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ColonnadeError) as told:
            read_inputs(path, INPUTS)
        assert str(told.value).startswith(f"{path}: cannot be read: ")
        assert "\n" not in str(told.value)


def test_labels_are_lines(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("tench\n\ngoldfish, Fisch\n", "utf-8")
    # A class may be without a name.
    assert read_labels(path) == ["tench", "", "goldfish, Fisch"]
    for text in ("", "\n\n"):
        path.write_text(text)
        with pytest.raises(ColonnadeError, match=r"labels\.txt: is empty; allowed: the name of a"):
            read_labels(path)
    with pytest.raises(ColonnadeError, match="none: cannot be read"):
        read_labels(tmp_path / "none")


def says(*outputs: Any) -> Any:
    """A network with these outputs, whatever it is asked."""
    return lambda _: outputs[0] if len(outputs) == 1 else outputs


IMAGE = np.zeros((1, 3, 8, 8), np.float32)
LOGITS = np.array([[1, 3, -2, 3]], np.float32)


def test_logits_become_probabilities_the_likeliest_first() -> None:
    found = classes_of(says(LOGITS), IMAGE, ["a", "b", "c", "d"], 3)
    exponentials = np.exp(LOGITS[0].astype(float))
    wanted = exponentials / exponentials.sum()
    # Of two that are equal the first comes first.
    assert [(each["class"], each["label"]) for each in found] == [(1, "b"), (3, "d"), (0, "a")]
    assert [each["probability"] for each in found] == pytest.approx(wanted[[1, 3, 0]])
    unnamed = classes_of(says(LOGITS), IMAGE, None, 9)
    assert [each["label"] for each in unnamed] == [f"class {each}" for each in (1, 3, 0, 2)]
    assert sum(each["probability"] for each in unnamed) == pytest.approx(1)


def test_large_logits_do_not_overflow() -> None:
    found = classes_of(says(np.array([[1000, 999]], np.float32)), IMAGE, None, 2)
    assert [each["probability"] for each in found] == pytest.approx([0.7310586, 0.2689414])


def test_probabilities_stay_what_they_are() -> None:
    given = np.array([[0.25, 0.7, 0.05]], np.float32)
    found = classes_of(says(given), IMAGE, None, 3)
    assert [each["probability"] for each in found] == pytest.approx([0.7, 0.25, 0.05])
    # Features may be maps of one pixel.
    assert classes_of(says(given.reshape(1, 3, 1, 1)), IMAGE, None, 3) == found
    # Those with a sum of 1 and one below 0 are logits.
    mixed = np.array([[1.5, -0.5]], np.float32)
    found = classes_of(says(mixed), IMAGE, None, 2)
    assert [each["probability"] for each in found] == pytest.approx([0.8807971, 0.1192029])


@pytest.mark.parametrize(
    "made", [(LOGITS, LOGITS), (np.zeros((1, 4, 2, 2), np.float32),), (np.zeros((2, 4)),)]
)
def test_a_network_that_does_not_name_classes_says_so(made: tuple[Any, ...]) -> None:
    with pytest.raises(ColonnadeError) as told:
        classes_of(says(*made), IMAGE, None, 1)
    assert str(told.value) == (
        "the network has no single output of classes: `colonnade.load` runs it"
    )


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_an_output_that_is_not_finite_names_no_class(wrong: float) -> None:
    made = np.array([[1, wrong, 2]], np.float32)
    with pytest.raises(ColonnadeError) as told:
        classes_of(says(made), IMAGE, None, 1, "f16")
    assert str(told.value) == (
        "the network's output is not finite in f16; f16 holds numbers up to 65504:"
        " --dtype f32 holds larger ones"
    )
    with pytest.raises(ColonnadeError, match=r"output is not finite in f32$"):
        classes_of(says(made), IMAGE, None, 1)


def test_labels_of_another_number_of_classes_are_refused() -> None:
    with pytest.raises(ColonnadeError) as told:
        classes_of(says(LOGITS), IMAGE, ["a", "b"], 1)
    assert str(told.value) == "--labels: 2 names; allowed: 4, as the network has classes"
