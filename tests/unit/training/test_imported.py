# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks are read from what their source's name says, and become checkpoints that say what they are."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from colonnade.common.errors import ColonnadeError
from colonnade.config.data import DigitsConfig
from colonnade.models.graph import Input
from colonnade.models.importing.torch_reader import import_module
from colonnade.models.module import build
from colonnade.package.archive import read_package
from colonnade.package.description import describe
from colonnade.package.export import export_package
from colonnade.package.to_onnx import write_onnx
from colonnade.training import imported
from colonnade.training.checkpoint import read_checkpoint
from colonnade.training.imported import network_name, read_network, write_imported


@pytest.mark.parametrize("seed", [14], ids="seed{}".format)
def test_torchvisions_weights_make_its_network_with_as_many_classes(
    tmp_path: Path, seed: int
) -> None:
    torch.manual_seed(seed)
    theirs = build("mobilenet_v2", 7).eval()
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    ours = read_network(Path("torchvision:mobilenet_v2"), None, tmp_path / "weights.pth")
    image = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        made, expected = ours.network().eval()(image), theirs(image)
    assert expected.shape == (2, 7)
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-5)


def test_torchvisions_networks_need_their_weights(tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match="torchvision:resnet18: needs --weights"):
        read_network(Path("torchvision:resnet18"))
    torch.save({"odd": torch.zeros(1)}, tmp_path / "odd.pth")
    with pytest.raises(ColonnadeError, match=r"odd\.pth"):
        read_network(Path("torchvision:resnet18"), None, tmp_path / "odd.pth")


@pytest.mark.parametrize("shape", [(), (0, 512), (70000, 512)], ids=str)
def test_a_classifier_that_is_none_is_told_of_the_file(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    state = build("resnet18", 1000).state_dict()
    torch.save({**state, "fc.weight": torch.zeros(()).expand(shape)}, tmp_path / "weights.pth")
    told = (
        rf"weights\.pth: 1 mismatches with resnet18: fc\.weight: shape {re.escape(str(shape))}, exp"
    )
    with pytest.raises(ColonnadeError, match=told):
        read_network(Path("torchvision:resnet18"), None, tmp_path / "weights.pth")


@pytest.mark.parametrize("name", ["net.onnx", "net.pt2"])
def test_files_with_weights_of_their_own_take_no_others(tmp_path: Path, name: str) -> None:
    with pytest.raises(ColonnadeError, match=f"{name}: has weights of its own; allowed with --w"):
        read_network(tmp_path / name, None, tmp_path / "weights.pth")


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match=r"net\.h5: unknown kind of network; allowed: \.onnx"):
        read_network(tmp_path / "net.h5")
    with pytest.raises(
        ColonnadeError, match=r"net\.PTH: .*weights alone are no network: torch\.export"
    ):
        read_network(tmp_path / "net.PTH")


@pytest.mark.parametrize(
    ("source", "name"), [("torchvision:vgg16", "vgg16"), ("a/net.small.onnx", "net.small")]
)
def test_networks_are_called_after_their_source(source: str, name: str) -> None:
    assert network_name(Path(source)) == name


def test_a_checkpoint_says_that_it_is_of_no_data_set(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 5))
    found = import_module(module, [torch.zeros(1, 3, 8, 8)])
    info = write_imported(found, "net", 8, tmp_path / "net.safetensors")
    source = read_checkpoint(tmp_path / "net.safetensors")
    assert source.info == info
    assert (info.model, info.num_classes, info.dataset, info.image_px) == ("net", 5, "none", 8)
    assert (info.normalisation.mean, info.normalisation.std) == ((0.0,) * 3, (1.0,) * 3)
    image = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(source.model()(image), module(image), rtol=1e-4, atol=1e-5)


def test_a_checkpoint_keeps_the_size_of_its_inputs(tmp_path: Path) -> None:
    found = import_module(nn.Conv2d(3, 4, 3), [torch.zeros(1, 3, 8, 9)])
    write_imported(found, "net", 8, tmp_path / "net.safetensors")
    (image,) = read_checkpoint(tmp_path / "net.safetensors").model().graph.inputs
    assert image.size == (8, 9)
    # Where nothing is known of it, nothing is written.
    assert Input(name="x", channels=3).model_dump() == {"name": "x", "channels": 3}


def test_a_network_of_one_size_takes_no_other(tmp_path: Path) -> None:
    module = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 4, 3, 2))
    program = torch.export.export(module.eval(), (torch.zeros(1, 3, 32, 40),))
    torch.export.save(program, tmp_path / "net.pt2")
    with pytest.raises(
        ColonnadeError, match=r"net\.pt2: images of 64 pixels: input 'input' is 64 by"
    ):
        read_network(tmp_path / "net.pt2", 64)
    found = read_network(tmp_path / "net.pt2")
    write_imported(found, "net", 0, tmp_path / "net.safetensors")
    export_package(tmp_path / "net.safetensors", tmp_path / "package")
    package = read_package(tmp_path / "package")
    assert package.graph["inputs"] == [{"name": "input", "channels": 3, "size": [32, 40]}]
    assert package.inputs == found.graph.inputs
    write_onnx(tmp_path / "net.safetensors", tmp_path / "net.onnx")
    assert read_network(tmp_path / "net.onnx").graph.inputs == found.graph.inputs
    with pytest.raises(
        ColonnadeError, match=r"graph\.json: input 'input' is 64 by 64; needed: 32 by"
    ):
        describe(tmp_path / "package", 64)


def test_a_network_of_one_size_is_not_trained_on_others(tmp_path: Path) -> None:
    found = import_module(
        nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(3, 10, 3)), [torch.zeros(1, 3, 8, 8)]
    )
    data = DigitsConfig(name="digits", image_px=32)
    with pytest.raises(ColonnadeError, match=r"net: data\.image_px: 32: input 'input' is 32"):
        write_imported(found, "net", 8, tmp_path / "net.safetensors", data)


def test_a_network_that_is_too_large_is_refused_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = import_module(nn.Conv2d(3, 4, 3), [torch.zeros(1, 3, 8, 8)])

    def refuse(_: object) -> str:
        raise ValueError("nodes: 5000; allowed: 1 to 4096")

    monkeypatch.setattr(imported, "document_of", refuse)
    with pytest.raises(ColonnadeError, match="network net: nodes: 5000; allowed: 1 to 4096"):
        write_imported(found, "net", 8, tmp_path / "net.safetensors")
    assert not list(tmp_path.iterdir())
