# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Shapes of convolutions: against the modules that run, and cost against published numbers."""

import re
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

from colonnade.common.errors import ColonnadeError
from colonnade.models.architecture import conv_names, conv_shapes, grouped_convs
from colonnade.models.builder import IMAGE, Builder
from colonnade.models.conv_shape import ConvShape
from colonnade.models.fusion import fused
from colonnade.models.layers import Conv2d
from colonnade.models.module import build
from colonnade.models.networks import NAMES, network
from colonnade.models.shapes import MapShape, output_size
from colonnade.pruning.plan import prunable_convs

ROOT = Path(__file__).resolve().parents[3]
# torchvision's documentation, "GFLOPS" of the published weights: multiply-accumulates in 1e9 at
# 224 px, the classifier included.
GIGA_MACS = {
    "resnet18": 1.814,
    "resnet34": 3.664,
    "resnet50": 4.089,
    "resnet101": 7.801,
    "resnet152": 11.514,
    "densenet121": 2.834,
    "vgg16": 15.470,
}


@pytest.mark.parametrize("name", GIGA_MACS)
def test_cost_is_the_published_one(name: str) -> None:
    with torch.device("meta"):
        model = build(name, 1000)
    dense = sum(each.weight.numel() for each in model.modules() if isinstance(each, nn.Linear))
    macs = sum(shape.macs for _, shape in conv_shapes(name, 224, 1)) + dense
    assert round(macs / 1e9, 3) == GIGA_MACS[name]


@pytest.mark.parametrize(("name", "image_px"), [("resnet18", 97), ("resnet50", 64)])
def test_conv_shapes_are_those_of_the_running_module(name: str, image_px: int) -> None:
    model = build(name, 5).eval()
    seen: dict[str, tuple[torch.Size, torch.Size]] = {}

    def record(layer: str, module: nn.Module) -> None:
        module.register_forward_hook(
            lambda _module, args, out: seen.update({layer: (args[0].shape, out.shape)})
        )

    for layer, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            record(layer, module)
    with torch.no_grad():
        model(torch.zeros(2, 3, image_px, image_px))

    shapes = conv_shapes(name, image_px, 2)
    assert len(shapes) == len(seen) > 0
    for layer, shape in shapes:
        inputs = (shape.batch, shape.in_channels, shape.height, shape.width)
        outputs = (shape.batch, shape.out_channels, shape.out_height, shape.out_width)
        assert (inputs, outputs) == tuple(tuple(size) for size in seen[layer])
    # Hooks fire in the order of execution.
    assert [name for name, _ in shapes] == list(seen)


def test_known_shapes_of_resnet50() -> None:
    shapes = dict(conv_shapes("resnet50", 224, 1))
    assert len(shapes) == 53
    assert str(shapes["conv1"]) == "n1c3h224w224-o64-k7x7-s2-p3-d1"
    # "v1.5": the 3x3 convolution of the block has the stride.
    assert shapes["layer2.0.conv1"].stride == (1, 1)
    assert shapes["layer2.0.conv2"] == ConvShape.parse("n1c128h56w56-o128-k3x3-s2-p1-d1")
    assert str(shapes["layer4.2.conv3"]) == "n1c512h7w7-o2048-k1x1-s1-p0-d1-r"


RESNETS = [name for name in NAMES if name.startswith("resnet")]


@pytest.mark.parametrize("name", RESNETS)
def test_convolutions_are_those_that_are_executed(name: str) -> None:
    executed = {conv.name: conv for conv in fused(network(name, 10)).convs}
    shapes = conv_shapes(name, 64, 1)
    assert [layer for layer, _ in shapes] == conv_names(name)
    assert sorted(executed) == sorted(conv_names(name))
    for layer, shape in shapes:
        conv = executed[layer]
        assert (shape.in_channels, shape.out_channels) == (conv.in_channels, conv.out_channels)
        assert list(shape.kernel) == conv.kernel
        assert list(shape.stride) == conv.stride
        assert list(shape.padding) == conv.padding
        assert list(shape.dilation) == conv.dilation
        assert shape.residual == (conv.residual is not None)
    # The last convolution of every block.
    residuals = {layer for layer, shape in shapes if shape.residual}
    blocks = {layer.rpartition(".")[0] for layer in conv_names(name) if "downsample" not in layer}
    assert len(residuals) == len(blocks - {""}) > 7


@pytest.mark.parametrize(
    ("key", "values", "text"),
    [
        ("stride", [1, 2], "-k3x3-s1x2-p1-d1"),
        ("padding", [1, 2, 1, 2], "-k3x3-s1-p1x2-d1"),
        ("padding", [1, 2, 0, 1], "-k3x3-s1-p1x2x0x1-d1"),
        ("dilation", [1, 2], "-k3x3-s1-p1-d1x2"),
    ],
)
def test_a_shape_names_what_differs_between_axes_and_sides(
    key: str, values: list[int], text: str
) -> None:
    net = Builder(IMAGE)
    net.conv2d("conv", IMAGE.name, 3, 3)
    (conv,) = net.graph("conv").convs
    assert isinstance(conv, Conv2d)
    shape = conv.model_copy(update={key: values}).conv_shape(MapShape(1, 3, 8, 8))
    assert str(shape) == f"n1c3h8w8-o3{text}"
    assert ConvShape.parse(str(shape)) == shape
    module = nn.Conv2d(3, 3, 3, **({key: values} if key != "padding" else {}))
    top, left, bottom, right = values if key == "padding" else conv.padding
    image = nn.functional.pad(torch.zeros(1, 3, 8, 8), (left, right, top, bottom))
    assert (shape.out_height, shape.out_width) == tuple(module(image).shape[2:])


def test_depthwise_convolutions_have_no_schedule_and_stay_dense() -> None:
    grouped = grouped_convs("mobilenet_v2")
    assert len(grouped) == 17
    tuned = [name for name, _ in conv_shapes("mobilenet_v2", 224, 1)]
    assert sorted(tuned + grouped) == sorted(conv_names("mobilenet_v2"))
    assert prunable_convs("mobilenet_v2", []) == tuned
    assert prunable_convs("mobilenet_v2", [], grouped=True) == conv_names("mobilenet_v2")


def test_vgg_says_which_images_it_takes() -> None:
    with pytest.raises(
        ColonnadeError, match=r"model vgg16: image_px 256.*needed: features \[N, 250"
    ):
        conv_shapes("vgg16", 256, 1)


def test_sizes_of_windows_are_torchs() -> None:
    cases = 0
    for size in (5, 8):
        for kernel in (1, 2, 3):
            for stride in (1, 2, 3):
                for padding in (0, 1, 2):
                    for dilation in (1, 2):
                        conv = nn.Conv1d(1, 1, kernel, stride, padding, dilation)
                        seen = conv(torch.zeros(1, size)).shape[1]
                        assert output_size(size, kernel, stride, padding, dilation) == seen
                        cases += 1
    assert cases == 108


@pytest.mark.parametrize(("image_px", "batch"), [(0, 1), (32, 0)])
def test_impossible_inputs_are_refused(image_px: int, batch: int) -> None:
    with pytest.raises(ColonnadeError, match="at least 1"):
        conv_shapes("resnet18", image_px, batch)


def test_every_image_and_no_other_model_is_taken() -> None:
    for name in (*RESNETS, "mobilenet_v2"):
        # Halved five times, and padded, a pixel stays a pixel.
        assert conv_shapes(name, 1, 1)[-1][1].height == 1
    with pytest.raises(ColonnadeError, match=r"model 'resnet19': allowed are .*resnet18"):
        conv_shapes("resnet19", 32, 1)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_the_shapes_that_the_bench_reads_are_the_network(name: str) -> None:
    """Lines of `kernels/bench`: a convolution, and how often it occurs."""
    listed = (ROOT / f"kernels/bench/{name}.txt").read_text()
    found = {conv: int(times) for conv, times in re.findall(r"^(n\S+) +# (\d+)$", listed, re.M)}
    assert found == Counter(str(conv) for _, conv in conv_shapes(name, 224, 1))
