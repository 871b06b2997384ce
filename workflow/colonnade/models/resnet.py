# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""ResNet modules with torchvision's parameter names, so that its weight files load."""

import torch
from torch import Tensor, nn

from colonnade.common.errors import ColonnadeError
from colonnade.models.architecture import Architecture, Block, Conv, architecture
from colonnade.models.layers import PlaneConv2d


def _conv(conv: Conv) -> nn.Conv2d:
    window = conv.window
    sizes = (window.kernel, window.stride, window.padding)
    return PlaneConv2d(conv.in_channels, conv.out_channels, *sizes, bias=False)


class Add(nn.Module):
    """The residual addition, a module of its own so that the traced graph has a name for it."""

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        """Element-wise sum of two tensors of one shape."""
        return branch + shortcut


class Residual(nn.Module):
    """A residual block; each convolution of its branch has a batch norm, and a ReLU but the last."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.depth = len(block.branch)
        for index, conv in enumerate(block.branch, start=1):
            self.add_module(f"conv{index}", _conv(conv))
            self.add_module(f"bn{index}", nn.BatchNorm2d(conv.out_channels))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None if block.shortcut is None else _projection(block.shortcut)
        self.add = Add()

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] -> [N, out_channels, H / stride, W / stride]."""
        branch = x
        for index in range(1, self.depth + 1):
            branch = self.get_submodule(f"conv{index}")(branch)
            branch = self.get_submodule(f"bn{index}")(branch)
            if index < self.depth:
                branch = self.relu(branch)
        shortcut = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.relu(self.add(branch, shortcut))
        return out


def _projection(conv: Conv) -> nn.Sequential:
    return nn.Sequential(_conv(conv), nn.BatchNorm2d(conv.out_channels))


class ResNet(nn.Module):
    """Stem, four stages of residual blocks, global average pool, classifier."""

    def __init__(self, described: Architecture, classes: int) -> None:
        super().__init__()
        pool = described.pool
        self.conv1 = _conv(described.stem)
        self.bn1 = nn.BatchNorm2d(described.stem.out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(pool.kernel, pool.stride, pool.padding)
        for index, blocks in enumerate(described.stages, start=1):
            self.add_module(f"layer{index}", nn.Sequential(*map(Residual, blocks)))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(described.features, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Normalised images [N, 3, H, W] -> logits [N, classes]."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(image))))
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        logits: Tensor = self.fc(torch.flatten(self.avgpool(x), 1))
        return logits


def build(name: str, num_classes: int) -> ResNet:
    """A ResNet with weights drawn from torch's global generator (Kaiming normal, fan out).

    Raises:
        ColonnadeError: no such model, or fewer than one class.
    """
    described = architecture(name)
    if num_classes < 1:
        raise ColonnadeError(f"model {name}: {num_classes} classes; at least 1 is needed")
    model = ResNet(described, num_classes)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return model
