# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks of one channel: pictures become grey for them, where they are solved and fine-tuned."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from colonnade.common.errors import ColonnadeError
from colonnade.config.data import DigitsConfig, ImageNetConfig
from colonnade.config.pruning import Pattern
from colonnade.config.training import TrainingConfig
from colonnade.data.dataset import Example
from colonnade.data.imagenet import GREY, NORMALISATION
from colonnade.data.opening import open_data
from colonnade.data.pictures import Normalisation
from colonnade.package.archive import read_package
from colonnade.package.description import graph_of
from colonnade.package.optimize import Finetuning, optimize
from colonnade.training.checkpoint import read_checkpoint

HALF = Pattern(m="full", sparsity=0.5)


def grey(folder: Path) -> Path:
    """Write a network of grey images of 32 pixels as a program; it has three classes."""
    torch.manual_seed(6)
    module = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 8, 3, 2), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)),
    ).eval()
    program = torch.export.export(module, (torch.randn(1, 1, 32, 32),))
    torch.export.save(program, folder / "grey.pt2")
    return folder / "grey.pt2"


def test_a_network_of_one_channel_sees_grey_pictures(tmp_path: Path) -> None:
    pictures, draw = tmp_path / "pictures", np.random.default_rng(2)
    pictures.mkdir()
    for index in range(5):
        pixels = draw.integers(0, 255, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(pictures / f"{index}.png")
    source = grey(tmp_path)
    one, three = Normalisation((0.5,) * 3, (0.25,) * 3), Normalisation((0.4, 0.5, 0.6), (1,) * 3)
    for name, given in (("masked", None), ("solved", pictures)):
        optimize(source, tmp_path / name, HALF, 2, normalisation=one, pictures=given)
    stated = graph_of(read_package(tmp_path / "solved/package")).preprocessing
    assert stated is not None and (stated.mean, stated.std) == ([0.5] * 3, [0.25] * 3)
    masked, solved = (
        read_checkpoint(tmp_path / f"{each}/pruned.safetensors").state
        for each in ("masked", "solved")
    )
    assert not torch.equal(masked["2.weight"], solved["2.weight"])
    with pytest.raises(ColonnadeError, match=r"grey\.pt2: --mean: 0\.4 0\.5 0\.6; allowed where"):
        optimize(source, tmp_path / "made", HALF, 2, normalisation=three, pictures=pictures)


def test_a_network_of_one_channel_is_fine_tuned_on_grey_pictures(
    folder_data: ImageNetConfig, tiny_training: TrainingConfig, tmp_path: Path
) -> None:
    made = optimize(
        grey(tmp_path),
        tmp_path / "made",
        HALF,
        2,
        finetuning=Finetuning(folder_data, tiny_training),
    )
    assert made.top1_pruned is not None
    stated = graph_of(read_package(tmp_path / "made/package")).preprocessing
    assert stated is not None and stated.mean == [GREY.mean[0]] * 3
    test = open_data(folder_data, [1]).test
    colours = open_data(folder_data).test
    for index in (0, len(test) - 1):
        seen, colour = (each.image(Example(index, None)) for each in (test, colours))
        assert seen.shape == (1, 32, 32)
        # Digits are grey already: of three channels alike the luminance is one of them.
        pixels = colour[0] * NORMALISATION.std[0] + NORMALISATION.mean[0]
        torch.testing.assert_close(seen[0] * GREY.std[0] + GREY.mean[0], pixels)


def test_data_sets_of_colours_are_refused() -> None:
    with pytest.raises(
        ColonnadeError, match=r"data\.name: digits has images of 3 channels; needed: 1"
    ):
        open_data(DigitsConfig(name="digits"), [1])
