# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The networks against what is published of torchvision's, and against a functional reference."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from colonnade.common.errors import ColonnadeError
from colonnade.models.module import build
from colonnade.models.networks import NAMES

# torchvision's documentation: parameters with 1,000 classes.
PARAMETERS = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "mobilenet_v2": 3_504_872,
    "densenet121": 7_978_856,
    "vgg16": 138_357_544,
}
# Entries of the published weight files.
ENTRIES = {"resnet18": 122, "resnet34": 218, "resnet50": 320, "resnet101": 626, "resnet152": 932}
ENTRIES |= {"mobilenet_v2": 314, "densenet121": 727, "vgg16": 32}
SHAPES = {
    "resnet18": {
        "conv1.weight": (64, 3, 7, 7),
        "bn1.running_mean": (64,),
        "layer1.0.conv1.weight": (64, 64, 3, 3),
        "layer2.0.downsample.0.weight": (128, 64, 1, 1),
        "layer2.0.downsample.1.num_batches_tracked": (),
        "layer4.1.bn2.weight": (512,),
        "fc.weight": (1000, 512),
        "fc.bias": (1000,),
    },
    "resnet50": {
        "layer1.0.conv1.weight": (64, 64, 1, 1),
        "layer1.0.downsample.0.weight": (256, 64, 1, 1),
        "layer2.0.conv2.weight": (128, 128, 3, 3),
        "layer3.5.conv3.weight": (1024, 256, 1, 1),
        "layer4.2.bn3.running_var": (2048,),
        "fc.weight": (1000, 2048),
    },
    "mobilenet_v2": {
        "features.0.0.weight": (32, 3, 3, 3),
        "features.1.conv.0.0.weight": (32, 1, 3, 3),
        "features.1.conv.1.weight": (16, 32, 1, 1),
        "features.2.conv.1.0.weight": (96, 1, 3, 3),
        "features.17.conv.3.running_var": (320,),
        "features.18.1.num_batches_tracked": (),
        "classifier.1.weight": (1000, 1280),
    },
    "densenet121": {
        "features.conv0.weight": (64, 3, 7, 7),
        "features.denseblock1.denselayer1.norm1.weight": (64,),
        "features.denseblock4.denselayer16.conv1.weight": (128, 992, 1, 1),
        "features.denseblock4.denselayer16.conv2.weight": (32, 128, 3, 3),
        "features.transition3.conv.weight": (512, 1024, 1, 1),
        "features.norm5.running_mean": (1024,),
        "classifier.bias": (1000,),
    },
    "vgg16": {
        "features.0.bias": (64,),
        "features.28.weight": (512, 512, 3, 3),
        "classifier.0.weight": (4096, 25088),
        "classifier.6.weight": (1000, 4096),
    },
}


def test_all_models_are_covered() -> None:
    assert set(NAMES) == set(PARAMETERS) == set(ENTRIES) == set(REFERENCES)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_and_entry_counts_are_torchvisions(name: str) -> None:
    with torch.device("meta"):
        model = build(name, 1000)
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]
    assert len(model.state_dict()) == ENTRIES[name]


@pytest.mark.parametrize("name", SHAPES)
def test_names_and_shapes_are_torchvisions(name: str) -> None:
    with torch.device("meta"):
        state = build(name, 1000).state_dict()
    assert {key: tuple(state[key].shape) for key in SHAPES[name]} == SHAPES[name]


class _Flat:
    """Layers of a flat state dict, by their names."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        self.state = state

    def conv(self, x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight, bias = self.state[f"{name}.weight"], self.state.get(f"{name}.bias")
        return functional.conv2d(x, weight, bias, stride, weight.shape[2] // 2, 1, groups)

    def norm(self, x: Tensor, name: str) -> Tensor:
        parts = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(x, *(self.state[f"{name}.{part}"] for part in parts))

    def linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"])


def _resnet(depths: tuple[int, ...], is_bottleneck: bool, flat: _Flat, x: Tensor) -> Tensor:
    def conv_norm(x: Tensor, block: str, index: int, stride: int = 1) -> Tensor:
        return flat.norm(flat.conv(x, f"{block}.conv{index}", stride), f"{block}.bn{index}")

    x = flat.norm(flat.conv(x, "conv1", 2), "bn1").relu()
    x = functional.max_pool2d(x, 3, 2, 1)
    for stage, depth in enumerate(depths, start=1):
        for index in range(depth):
            block, stride = f"layer{stage}.{index}", 2 if stage > 1 and index == 0 else 1
            shortcut = x
            if f"{block}.downsample.0.weight" in flat.state:
                convolved = flat.conv(x, f"{block}.downsample.0", stride)
                shortcut = flat.norm(convolved, f"{block}.downsample.1")
            if is_bottleneck:
                x = conv_norm(conv_norm(x, block, 1).relu(), block, 2, stride).relu()
                x = conv_norm(x, block, 3)
            else:
                x = conv_norm(conv_norm(x, block, 1, stride).relu(), block, 2)
            x = (x + shortcut).relu()
    return flat.linear(x.mean((2, 3)), "fc")


def _mobilenet(flat: _Flat, x: Tensor) -> Tensor:
    def unit(x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        return flat.norm(flat.conv(x, f"{name}.0", stride, groups), f"{name}.1").clamp(0, 6)

    x, index = unit(x, "features.0", 2), 1
    # t, c, n, s of the paper's table 2.
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)]
    rows += [(6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for t, c, n, s in rows:
        for block in range(n):
            name, before, stride = f"features.{index}.conv", x, s if block == 0 else 1
            wide = x if t == 1 else unit(x, f"{name}.0")
            at = 0 if t == 1 else 1
            wide = unit(wide, f"{name}.{at}", stride, wide.shape[1])
            x = flat.norm(flat.conv(wide, f"{name}.{at + 1}"), f"{name}.{at + 2}")
            assert x.shape[1] == c
            x = x + before if stride == 1 and before.shape == x.shape else x
            index += 1
    return flat.linear(unit(x, "features.18").mean((2, 3)), "classifier.1")


def _densenet(flat: _Flat, x: Tensor) -> Tensor:
    x = flat.norm(flat.conv(x, "features.conv0", 2), "features.norm0").relu()
    x = functional.max_pool2d(x, 3, 2, 1)
    for block, layers in enumerate((6, 12, 24, 16), start=1):
        for layer in range(1, layers + 1):
            name = f"features.denseblock{block}.denselayer{layer}"
            new = flat.conv(flat.norm(x, f"{name}.norm1").relu(), f"{name}.conv1")
            new = flat.conv(flat.norm(new, f"{name}.norm2").relu(), f"{name}.conv2")
            x = torch.cat([x, new], 1)
        if block < 4:
            name = f"features.transition{block}"
            x = functional.avg_pool2d(
                flat.conv(flat.norm(x, f"{name}.norm").relu(), f"{name}.conv"), 2
            )
    return flat.linear(flat.norm(x, "features.norm5").relu().mean((2, 3)), "classifier")


def _vgg(flat: _Flat, x: Tensor) -> Tensor:
    index = 0
    for depth in (2, 2, 3, 3, 3):
        for _ in range(depth):
            x = flat.conv(x, f"features.{index}").relu()
            index += 2
        x, index = functional.max_pool2d(x, 2), index + 1
    x = x.flatten(1)
    for index in (0, 3):
        x = flat.linear(x, f"classifier.{index}").relu()
    return flat.linear(x, "classifier.6")


REFERENCES: dict[str, Callable[[_Flat, Tensor], Tensor]] = {
    "resnet18": partial(_resnet, (2, 2, 2, 2), False),
    "resnet34": partial(_resnet, (3, 4, 6, 3), False),
    "resnet50": partial(_resnet, (3, 4, 6, 3), True),
    "resnet101": partial(_resnet, (3, 4, 23, 3), True),
    "resnet152": partial(_resnet, (3, 8, 36, 3), True),
    "mobilenet_v2": _mobilenet,
    "densenet121": _densenet,
    "vgg16": _vgg,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_forward_equals_a_functional_reference(name: str) -> None:
    torch.manual_seed(3)
    model = build(name, 7).eval()
    for key, value in model.state_dict().items():
        if "running" in key:
            value.uniform_(0.5, 1.5)
    image = torch.randn(2, 3, 224, 224) if name == "vgg16" else torch.randn(2, 3, 65, 97)
    state = model.state_dict()
    with torch.no_grad():
        seen = model(image)
        expected = REFERENCES[name](_Flat(state), image)
    assert seen.shape == (2, 7)
    torch.testing.assert_close(seen, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


def test_equal_seeds_give_equal_weights() -> None:
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(build("resnet18", 10).state_dict()["layer3.0.conv1.weight"])
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize(("name", "classes"), [("resnet20", 10), ("resnet18", 0)])
def test_impossible_models_are_refused(name: str, classes: int) -> None:
    with pytest.raises(ColonnadeError, match=name):
        build(name, classes)
