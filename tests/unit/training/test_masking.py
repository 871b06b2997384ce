# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks that are pruned without training: by masks alone, and repaired on images."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern, Recipe
from colonnade.models.importing.torch_reader import import_module
from colonnade.pruning.plan import Plan, uniform_plan
from colonnade.training.checkpoint import read_checkpoint
from colonnade.training.imported import write_imported
from colonnade.training.stages import mask_and_repair, mask_by_magnitude

HALF = Pattern(m="full", sparsity=0.5)


def _plan(*names: str) -> Plan:
    return uniform_plan(HALF, dict.fromkeys(names, 4))


def _images(seed: int) -> Tensor:
    """Smooth ones, whose pixels say something of their neighbours."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(8, 3, 4, 4, generator=generator)
    return nn.functional.interpolate(coarse, scale_factor=4, mode="bilinear")


@pytest.fixture
def dense(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    module = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1, groups=8)),
        *(nn.Conv2d(8, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.Conv2d(12, 8, 3)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)),
    ).eval()
    write_imported(import_module(module, [_images(0)]), "small", 16, tmp_path / "dense.safetensors")
    return tmp_path / "dense.safetensors"


def test_repair_comes_nearer_to_the_dense_network_under_the_same_masks(
    tmp_path: Path, dense: Path
) -> None:
    plan = _plan("3", "6")
    mask_by_magnitude(dense, plan, tmp_path / "masked.safetensors")
    mask_and_repair(dense, plan, [_images(1), _images(2)], tmp_path / "repaired.safetensors")
    masked, repaired = (
        read_checkpoint(tmp_path / f"{kind}.safetensors") for kind in ("masked", "repaired")
    )
    assert repaired.info.recipe is not None and repaired.info.recipe.repair is not None
    assert repaired.info.recipe.repair.images == 16 and not repaired.info.recipe.train
    assert masked.info.recipe == Recipe()
    assert set(masked.masks) == set(repaired.masks) == {"3", "6"}
    assert all(
        (mask.keep == repaired.masks[name].keep).all() for name, mask in masked.masks.items()
    )
    unseen = _images(4)
    with torch.no_grad():
        wanted = read_checkpoint(dense).model()(unseen)
        off = [(each.model()(unseen) - wanted).norm() for each in (masked, repaired)]
    assert off[1] < 0.5 * off[0]
    changed = {
        key for key in masked.state if not torch.equal(masked.state[key], repaired.state[key])
    }
    assert changed == {"3.weight", "6.weight"}


def test_what_cannot_be_repaired_is_refused(tmp_path: Path, dense: Path) -> None:
    output = tmp_path / "repaired.safetensors"
    with pytest.raises(ColonnadeError, match="repair: no images; needed: at least one"):
        mask_and_repair(dense, _plan("3"), [], output)
    with pytest.raises(ColonnadeError, match="layer 2: has 8 groups"):
        mask_and_repair(dense, uniform_plan(HALF, {"2": 1}), [_images(1)], output)
    assert not output.exists()
