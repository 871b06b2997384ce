# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Checkpoints as plain state dicts, and what was pruned of them."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern
from colonnade.models.module import build
from colonnade.models.weights import load_weights
from colonnade.package.optimize import optimize
from colonnade.package.to_torch import pruned_layers, write_state_dict
from colonnade.training.checkpoint import read_checkpoint


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_pruned_network_loads_strictly_and_computes_the_same(
    pruned_checkpoint: Path, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"state{suffix}"
    source = write_state_dict(pruned_checkpoint, output)
    state = load_file(output) if suffix == ".safetensors" else torch.load(output, weights_only=True)
    network = build("resnet18", source.info.num_classes)
    network.load_state_dict(state, strict=True)
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(network.eval()(images), read_checkpoint(pruned_checkpoint).model()(images))
    load_weights(network, "resnet18", output)


def test_what_was_pruned_is_told_for_each_layer(pruned_checkpoint: Path, tmp_path: Path) -> None:
    table = tmp_path / "pruned.csv"
    arguments = ["to-torch", str(pruned_checkpoint), str(tmp_path / "s.pth"), "--table", str(table)]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    source = read_checkpoint(pruned_checkpoint)
    rows = list(csv.DictReader(table.open()))
    assert [row["layer"] for row in rows] == list(source.masks)
    assert len(rows) > 10
    for row in rows:
        weight = source.state[f"{row['layer']}.weight"]
        kept = int(row["weights_kept"])
        assert int(row["weights"]) == weight.numel()
        assert int((weight != 0).sum()) <= kept < weight.numel()
        assert kept == float(row["columns_kept"]) * len(weight)
    assert f"{len(rows)} pruned convolutions keep" in result.output


def test_a_dense_network_has_no_pruned_layers(dense_checkpoint: Path) -> None:
    assert pruned_layers(read_checkpoint(dense_checkpoint)) == []


def test_a_pruned_checkpoint_as_weights_says_how_to_convert_it(pruned_checkpoint: Path) -> None:
    with pytest.raises(
        ColonnadeError, match="pruned checkpoint of Colonnade; `colonnade to-torch`"
    ):
        load_weights(build("resnet18", 3), "resnet18", pruned_checkpoint)


def test_another_suffix_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match=r"allowed: \.pth, \.safetensors"):
        write_state_dict(tmp_path / "none", tmp_path / "state.onnx")


class Shared(nn.Module):
    """A convolution that is called twice, one of features, scales, and a norm without weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.twice = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, padding=1)
        self.excite = nn.Conv2d(8, 8, 1)
        self.norm = nn.BatchNorm2d(8, affine=False)
        self.last = nn.BatchNorm2d(8)
        self.mask = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.twice(self.twice(self.stem(x)).relu()) * 3.0
        x = self.norm(x.relu() * self.excite(x.mean((2, 3), keepdim=True)).sigmoid())
        return self.mask((self.last(x) * 2).relu().mean((2, 3))) * 0.5


def shared(folder: Path, module: nn.Module, pictures: Path | None = None) -> Path:
    """The pruned checkpoint of a module, for images of 16 pixels."""
    program = torch.export.export(module.eval(), (torch.randn(1, 3, 16, 16),))
    torch.export.save(program, folder / "net.pt2")
    half = Pattern(m="full", sparsity=0.5)
    optimize(folder / "net.pt2", folder / "made", half, 4, 16, pictures=pictures)
    return folder / "made/pruned.safetensors"


def test_a_module_gets_its_own_parameters_and_computes_the_same(tmp_path: Path) -> None:
    torch.manual_seed(1)
    module = Shared()
    for each in (module.last.weight, module.last.bias, module.mask.bias):
        nn.init.uniform_(each)
    nn.init.uniform_(module.norm.running_var)  # type: ignore[arg-type]
    pruned = shared(tmp_path, module)
    assert any(name.endswith("2") for name in read_checkpoint(pruned).masks)
    write_state_dict(pruned, tmp_path / "state.pth")
    state = torch.load(tmp_path / "state.pth", weights_only=True)
    # What it computes of its own parameters it still has.
    wanted = set(module.state_dict())
    assert set(state) == {
        each for each in wanted if not each.startswith(("last.w", "last.b", "mask."))
    }
    assert "twice.weight" in state
    made = Shared().eval()
    made.load_state_dict(module.state_dict())
    made.load_state_dict(state, strict=False)
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        expected = read_checkpoint(pruned).model()(images)
        torch.testing.assert_close(made(images), expected, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(module(images), expected, rtol=1e-3)


def test_calls_of_one_layer_that_became_different_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    rng = np.random.default_rng(2)
    for index in range(4):
        picture = Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8))
        picture.save(tmp_path / "pictures" / f"{index}.png")
    pruned = shared(tmp_path, Shared(), tmp_path / "pictures")
    with pytest.raises(ColonnadeError, match=r"pruned\..*: twice\.weight is used several times in"):
        write_state_dict(pruned, tmp_path / "state.pth")
    assert not (tmp_path / "state.pth").exists()


def test_weights_that_a_module_computes_are_refused_where_they_are_pruned(tmp_path: Path) -> None:
    normalised = nn.utils.parametrizations.weight_norm(nn.Conv2d(8, 8, 3))
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), normalised)
    with pytest.raises(
        ColonnadeError, match=r"\.weight is no parameter of the network that was imp"
    ):
        write_state_dict(shared(tmp_path, module), tmp_path / "state.pth")
