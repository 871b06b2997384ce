# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Checkpoints as plain state dicts, and what was pruned of them."""

import csv
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from colonnade.cli import cli
from colonnade.common.errors import ColonnadeError
from colonnade.models.module import build
from colonnade.models.weights import load_weights
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
