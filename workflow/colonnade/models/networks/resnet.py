# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The ResNets, with torchvision's names.

Architecture: He et al., "Deep Residual Learning for Image Recognition" (arXiv 1512.03385), with the
stride of a downsampling bottleneck on its 3x3 convolution ("v1.5"), as torchvision has it.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from colonnade.models.builder import IMAGE, Builder
from colonnade.models.graph import Graph

STEM_CHANNELS = 64


class _Layer(NamedTuple):
    """A convolution of a block's branch; `expansion` is its output channels over the stage's."""

    expansion: int
    kernel: int
    strided: bool


# ResNet-18 and -34 have two 3x3 convolutions in a block, deeper ones a bottleneck.
_BASIC = (_Layer(1, 3, True), _Layer(1, 3, False))
_BOTTLENECK = (_Layer(1, 1, False), _Layer(1, 3, True), _Layer(4, 1, False))


def resnet(layers: Sequence[_Layer], depths: Sequence[int], classes: int) -> Graph:
    """Stem, stages of `depths` residual blocks, global average pool, classifier."""
    net = Builder(IMAGE)
    x = net.conv2d("conv1", IMAGE.name, STEM_CHANNELS, 7, 2)
    x = net.relu("relu", net.batch_norm("bn1", x))
    x = net.max_pool2d("maxpool", x, 3, 2, 1)
    stages = []
    for stage, depth in enumerate(depths):
        for index in range(depth):
            stride = 2 if stage > 0 and index == 0 else 1
            x = _block(net, f"layer{stage + 1}.{index}", x, layers, STEM_CHANNELS << stage, stride)
        stages.append(x)
    x = net.global_avg_pool("avgpool", x)
    return net.graph(net.fully_connected("fc", x, classes, output="logits"), stages=tuple(stages))


def _block(
    net: Builder, name: str, x: str, layers: Sequence[_Layer], channels: int, stride: int
) -> str:
    """The convolutions of a branch, each with a batch norm, and a ReLU but the last; plus the input.

    The input is projected where it has another size than the branch's output.
    """
    branch = x
    for index, layer in enumerate(layers, start=1):
        if index > 1:
            branch = net.relu(f"{name}.relu{index - 1}", branch)
        own = stride if layer.strided else 1
        out_channels = channels * layer.expansion
        branch = net.conv2d(f"{name}.conv{index}", branch, out_channels, layer.kernel, own)
        branch = net.batch_norm(f"{name}.bn{index}", branch)
    if stride != 1 or net.channels(x) != net.channels(branch):
        projection = f"{name}.downsample"
        x = net.conv2d(f"{projection}.0", x, net.channels(branch), 1, stride)
        x = net.batch_norm(f"{projection}.1", x)
    return net.relu(f"{name}.relu{len(layers)}", net.add(f"{name}.add", branch, x))


NETWORKS = {
    "resnet18": partial(resnet, _BASIC, (2, 2, 2, 2)),
    "resnet34": partial(resnet, _BASIC, (3, 4, 6, 3)),
    "resnet50": partial(resnet, _BOTTLENECK, (3, 4, 6, 3)),
    "resnet101": partial(resnet, _BOTTLENECK, (3, 4, 23, 3)),
    "resnet152": partial(resnet, _BOTTLENECK, (3, 8, 36, 3)),
}
